//! Colour calibration (DNG 1.7, chapter 6).

use rushes_core::Result;
use rushes_core::media::{CalibratedIlluminant, CameraColor, Matrix3, WhitePoint};

use super::names::label;
use super::tiff::{Ifd, Tiff, bad};

const IDENTITY: Matrix3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Tags of one calibration: illuminant, ColorMatrix, CameraCalibration, ForwardMatrix.
const CALIBRATIONS: [[u16; 4]; 3] =
    [[50778, 50721, 50723, 50964], [50779, 50722, 50724, 50965], [52529, 52531, 52530, 52532]];

/// The calibration and white of the file; `None` when it has neither.
///
/// The second value is the third calibration of DNG 1.6, which is no part of [`CameraColor`].
pub(super) fn read(tiff: &Tiff, raw: &Ifd) -> Result<(Option<CameraColor>, Option<CalibratedIlluminant>)> {
    // The tags belong to IFD0; some writers put them beside the raw picture.
    let ifd0 = &tiff.ifds[0];
    let at = |tag: u16| if ifd0.get(tag).is_some() { ifd0 } else { raw };
    let matrix = |tag: u16| -> Result<Option<Matrix3>> {
        let Some(v) = at(tag).numbers(tag)? else { return Ok(None) };
        if v.len() != 9 {
            return Err(bad(format!("{} has {} values, a camera of three colours has 9", label(tag), v.len())));
        }
        if v.iter().any(|v| !v.is_finite()) {
            return Err(bad(format!("{} holds a fraction over zero", label(tag))));
        }
        Ok(Some([[v[0], v[1], v[2]], [v[3], v[4], v[5]], [v[6], v[7], v[8]]]))
    };
    // CameraCalibration holds only for the profile with the same signature (DNG 1.7, chapter 6).
    let calibrated = at(50931).text(50931) == at(50932).text(50932);
    let mut found = [None, None, None];
    for (slot, [illuminant, color, calibration, forward]) in found.iter_mut().zip(CALIBRATIONS) {
        let Some(color_matrix) = matrix(color)? else { continue };
        let light = at(illuminant).int(illuminant)?.unwrap_or(0);
        *slot = Some(CalibratedIlluminant {
            light_source: u16::try_from(light).unwrap_or(0),
            color_matrix,
            forward_matrix: matrix(forward)?,
            camera_calibration: matrix(calibration)?.filter(|_| calibrated).unwrap_or(IDENTITY),
        });
    }
    let [first, second, third] = found;
    let calibrations: Vec<_> = first.into_iter().chain(second).collect();
    let analog_balance = match at(50727).numbers(50727)?.as_deref() {
        None => [1.0; 3],
        Some(&[r, g, b]) if [r, g, b].iter().all(|v| v.is_finite() && *v > 0.0) => [r, g, b],
        Some(v) => return Err(bad(format!("{} is {v:?}", label(50727)))),
    };
    // 0/0 is met in files of Magic Lantern; the Adobe SDK takes it for 0.
    let exposure = at(50730).numbers(50730)?.and_then(|v| v.first().copied());
    let baseline_exposure = exposure.filter(|v| v.is_finite()).unwrap_or(0.0);
    let as_shot = white(at(50728), at(50729))?;
    if calibrations.is_empty() && as_shot.is_none() {
        return Ok((None, third));
    }
    Ok((Some(CameraColor { calibrations, analog_balance, baseline_exposure, as_shot }), third))
}

/// A white that is no colour (a zero, a fraction over zero) counts as absent.
fn white(neutral: &Ifd, xy: &Ifd) -> Result<Option<WhitePoint>> {
    if let Some(&[r, g, b]) = neutral.numbers(50728)?.as_deref()
        && [r, g, b].iter().all(|v| v.is_finite() && *v > 0.0)
    {
        return Ok(Some(WhitePoint::Neutral([r, g, b])));
    }
    if let Some(&[x, y]) = xy.numbers(50729)?.as_deref()
        && x.is_finite()
        && y.is_finite()
        && x > 0.0
        && y > 0.0
        && x + y <= 1.0
    {
        return Ok(Some(WhitePoint::Xy([x, y])));
    }
    Ok(None)
}
