//! The source `decode-stills`.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use ndarray::Array3;
use rawloader::{Orientation as Turned, RawImage, RawImageData};
use rushes_core::frame::{Frame, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{
    CalibratedIlluminant, CameraColor, Cfa, ClipFormat, ClipMedia, Levels, Orientation, Rect, WhitePoint,
};
use rushes_core::stage::{ClipReader, ClipRef, Source, SourceFrame, StageInfo};
use rushes_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::extent::beyond_end;
use crate::guard::guarded;

/// Decodes single raw stills of the cameras that rawloader 0.37 knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawloaderSource {}

/// The largest file that is read: medium-format raws have 200 MB.
const MOST_BYTES: u64 = 512 << 20;
/// The largest picture: no stills camera has more photosites.
const MOST_PIXELS: usize = 250_000_000;
/// Files below this many bits a pixel cannot hold the picture their header speaks of.
const LEAST_BITS: usize = 1;

impl StageInfo for RawloaderSource {
    fn name(&self) -> &'static str {
        "decode-stills"
    }

    fn version(&self) -> u32 {
        1
    }

    fn params(&self) -> serde_json::Value {
        serde_json::json!({})
    }
}

impl Source for RawloaderSource {
    fn accepts(&self, clip: &ClipRef) -> Result<()> {
        match clip.format {
            ClipFormat::StillRaw => Ok(()),
            other => Err(Error::new(ErrorKind::Unsupported, format!("it decodes raw stills, not {other:?}"))),
        }
    }

    fn open(&self, clip: &ClipRef) -> Result<Box<dyn ClipReader>> {
        Ok(Box::new(Reader { media: clip.media.clone() }))
    }
}

struct Reader {
    media: ClipMedia,
}

impl Reader {
    fn path(&self, frame: i64) -> Result<PathBuf> {
        match &self.media {
            ClipMedia::Sequence(s) => Ok(s.path(frame)),
            ClipMedia::Files(files) => usize::try_from(frame)
                .ok()
                .and_then(|i| files.get(i).cloned())
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "the clip has no such frame").frame(frame)),
        }
    }

    /// The file's bytes and what rawloader says of it without decoding.
    fn header(&self, frame: i64) -> Result<(PathBuf, Vec<u8>, RawImage)> {
        let path = self.path(frame)?;
        let about = |e: Error| e.path(&path).doing("reading a still");
        let len = fs::metadata(&path).map_err(|e| about(Error::io(&path, e)))?.len();
        if len == 0 || len > MOST_BYTES {
            return Err(about(Error::new(ErrorKind::BadMedia, format!("a file of {len} bytes is no raw still"))));
        }
        let bytes = fs::read(&path).map_err(|e| about(Error::io(&path, e)))?;
        if let Some((offset, count)) = beyond_end(&bytes) {
            return Err(about(
                Error::new(
                    ErrorKind::BadMedia,
                    format!("it ends at byte {len}, and {count} bytes of picture should lie at {offset}"),
                )
                .advice("it was cut short: copy it again from the card"),
            ));
        }
        let image = described(&bytes).map_err(about)?;
        let pixels = image.width.checked_mul(image.height).filter(|p| (1..=MOST_PIXELS).contains(p));
        let Some(pixels) = pixels.filter(|p| bytes.len() >= p / 8 * LEAST_BITS) else {
            return Err(about(Error::new(
                ErrorKind::BadMedia,
                format!("its header speaks of {}x{} pixels, which {len} bytes cannot hold", image.width, image.height),
            )));
        };
        if image.cpp != 1 || pixels < 4 {
            return Err(about(Error::new(
                ErrorKind::Unsupported,
                format!("{} values to a pixel: it is no mosaic", image.cpp),
            )));
        }
        Ok((path, bytes, image))
    }
}

impl ClipReader for Reader {
    fn format(&self, frame: i64) -> Result<FrameFormat> {
        let (path, _, image) = self.header(frame)?;
        format_of(&image, frame).map_err(|e| e.path(path))
    }

    fn bytes_needed(&self, frame: i64) -> Result<u64> {
        let (_, bytes, image) = self.header(frame)?;
        // The file twice (rawloader copies it), the decoded u16 and our f32.
        Ok(2 * bytes.len() as u64 + (image.width * image.height * 6) as u64)
    }

    fn decode(&self, frame: i64) -> Result<SourceFrame> {
        let (path, bytes, _) = self.header(frame)?;
        let about = |e: Error| e.path(&path).doing("decoding a still");
        let image = guarded(|| rawloader::decode(&mut Cursor::new(&bytes)).map_err(unknown)).map_err(about)?;
        let format = format_of(&image, frame).map_err(about)?;
        let samples: Vec<f32> = match image.data {
            RawImageData::Integer(v) => v.into_iter().map(f32::from).collect(),
            RawImageData::Float(v) => v,
        };
        let planes = Array3::from_shape_vec((1, format.height, format.width), samples).map_err(|_| {
            about(Error::new(ErrorKind::BadMedia, "the decoder gave fewer samples than the picture has"))
        })?;
        Ok(SourceFrame::Mosaic(Frame::new(planes, format.facts).map_err(about)?))
    }
}

/// What rawloader says of a file. For some formats it can only say it by decoding.
fn described(bytes: &[u8]) -> Result<RawImage> {
    guarded(|| rawloader::decode_dummy(&mut Cursor::new(bytes)).map_err(unknown))
        .or_else(|_| guarded(|| rawloader::decode(&mut Cursor::new(bytes)).map_err(unknown)))
}

fn unknown(e: rawloader::RawLoaderError) -> Error {
    // Its own panics, caught by itself, come with a request to send the file to its author.
    let why = e.to_string();
    let why = why.lines().next().unwrap_or_default().trim_start_matches("RawLoaderError: ").trim_matches('"');
    Error::new(ErrorKind::Unsupported, format!("rawloader cannot read it ({why})"))
        .advice("the file is damaged, or of a camera that rawloader does not know")
}

fn format_of(image: &RawImage, frame: i64) -> Result<FrameFormat> {
    let [top, right, bottom, left] = image.crops;
    let area = (|| {
        Some(Rect {
            x: left,
            y: top,
            width: image.width.checked_sub(left)?.checked_sub(right)?,
            height: image.height.checked_sub(top)?.checked_sub(bottom)?,
        })
    })()
    .filter(|a| a.fits(image.width, image.height))
    .unwrap_or(Rect::whole(image.width, image.height));
    let cfa = Cfa::ALL.into_iter().find(|cfa| {
        image.cfa.width == 2
            && image.cfa.height == 2
            && (0..2).all(|r| (0..2).all(|c| image.cfa.color_at(area.y + r, area.x + c) == cfa.color_at(r, c)))
    });
    let cfa = cfa.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("the colour filter `{}` is not a Bayer pattern", image.cfa.name))
    })?;
    // Levels come by colour (red, green, blue, second green); the pattern wants them by photosite.
    let by_site = |v: &[u16; 4]| {
        (0..4).map(|i| f64::from(v[image.cfa.color_at(area.y + i / 2, area.x + i % 2).min(3)])).collect::<Vec<_>>()
    };
    let white = f64::from(image.whitelevels[1]);
    let levels = (white > 0.0).then(|| Levels {
        repeat: (2, 2),
        black: by_site(&image.blacklevels),
        delta_h: Vec::new(),
        delta_v: Vec::new(),
        white,
    });
    let facts = FrameFacts {
        frame,
        cfa: Some(cfa),
        levels,
        active_area: Some(area),
        camera_color: color(image),
        orientation: orientation(image.orientation),
        ..FrameFacts::default()
    };
    Ok(FrameFormat { state: ImageState::Mosaic, width: image.width, height: image.height, facts })
}

/// The camera's matrix, for D65 as rawloader's tables have it, and the white of the take.
/// `None` rather than rawloader's stand-ins where there is no matrix.
fn color(image: &RawImage) -> Option<CameraColor> {
    let m: Vec<[f64; 3]> = image.xyz_to_cam.iter().take(3).map(|row| row.map(f64::from)).collect();
    let color_matrix: [[f64; 3]; 3] = m.try_into().ok()?;
    if color_matrix.iter().any(|row| row.iter().all(|v| *v == 0.0)) {
        return None;
    }
    let gains = [image.wb_coeffs[0], image.wb_coeffs[1], image.wb_coeffs[2]].map(f64::from);
    let as_shot =
        gains.iter().all(|g| g.is_finite() && *g > 0.0).then(|| WhitePoint::Neutral(gains.map(|g| gains[1] / g)));
    Some(CameraColor {
        calibrations: vec![CalibratedIlluminant {
            light_source: 21,
            color_matrix,
            forward_matrix: None,
            camera_calibration: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        }],
        analog_balance: [1.0; 3],
        baseline_exposure: 0.0,
        as_shot,
    })
}

fn orientation(turned: Turned) -> Orientation {
    match turned {
        Turned::Normal | Turned::Unknown => Orientation::Normal,
        Turned::HorizontalFlip => Orientation::MirrorX,
        Turned::Rotate180 => Orientation::Rotate180,
        Turned::VerticalFlip => Orientation::MirrorY,
        Turned::Transpose => Orientation::Transpose,
        Turned::Rotate90 => Orientation::Rotate90,
        Turned::Transverse => Orientation::Transverse,
        Turned::Rotate270 => Orientation::Rotate270,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rushes_core::media::CameraMetadata;

    fn open(path: PathBuf) -> Box<dyn ClipReader> {
        let clip = ClipRef {
            name: "still".into(),
            format: ClipFormat::StillRaw,
            media: ClipMedia::Files(vec![path]),
            range: None,
            metadata: CameraMetadata::default(),
            substitutes: Vec::new(),
        };
        RawloaderSource {}.accepts(&clip).unwrap();
        RawloaderSource {}.open(&clip).unwrap()
    }

    #[test]
    fn files_that_are_no_stills_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cr2");
        for bytes in [&b""[..], b"II", b"ARRI", b"II*\0\x08\0\0\0\xff\xff", &[0xff; 5000]] {
            fs::write(&path, bytes).unwrap();
            for e in [open(path.clone()).format(0).unwrap_err(), open(path.clone()).decode(0).unwrap_err()] {
                assert!(e.to_string().contains("a.cr2"), "{e}");
            }
        }
        assert!(open(path).format(1).is_err());
    }

    #[test]
    fn a_real_still_decodes_and_a_cut_one_does_not() {
        let footage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/footage/raw");
        let still = PathBuf::from(footage).join("genuine/Canon_EOS_D30.crw");
        if !still.exists() {
            eprintln!("SKIPPED: {} is not there", still.display());
            return;
        }
        let format = open(still.clone()).format(0).unwrap();
        let SourceFrame::Mosaic(frame) = open(still).decode(0).unwrap() else { panic!("not a mosaic") };
        assert_eq!((frame.width(), frame.height()), (format.width, format.height));
        assert!(format.facts.camera_color.as_ref().is_some_and(|c| c.as_shot.is_some()));
        for head in ["CanonRaw.cr2", "Nikon.nef", "Panasonic.rw2"] {
            let path = PathBuf::from(footage).join("truncated-heads").join(head);
            assert!(open(path).decode(0).is_err(), "{head} has no picture");
        }
    }
}
