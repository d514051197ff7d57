//! DNG and CinemaDNG, from their tags.

use rushes_core::Result;
use rushes_core::media::{CameraMetadata, Rect, Sourced, Verbatim, VerbatimField};
use rushes_ingest::dng::{Header, Stated};

use crate::mapping::{Facts, Mapping, Subject};

pub(crate) struct Dng;

impl Mapping for Dng {
    fn read(&self, subject: &Subject<'_>) -> Result<Facts> {
        Ok(map(&Header::read(subject.path)?, subject))
    }

    fn needs_color(&self) -> bool {
        true
    }
}

fn map(header: &Header, subject: &Subject<'_>) -> Facts {
    let (p, shot) = (&header.picture, &header.shot);
    // The tag of a fact of the raw picture; where it is absent the standard's default holds.
    let at = |tag: u16, name: &str| {
        let absent = || format!("{}:{name} ({tag}) is absent: the default of DNG", header.raw_ifd);
        header.origin(tag).unwrap_or_else(absent)
    };
    let rate = subject.rate(take(subject, &shot.rate));
    let label = rate.as_ref().and_then(|r| header.timecode(r.value));
    let start_timecode = label.zip(shot.time_code.as_ref()).map(|(tc, stated)| subject.sourced(tc, stated.tag.clone()));
    let timecode_as_found = match (&shot.time_code, &start_timecode, &rate) {
        (Some(stated), None, Some(rate)) => {
            Some(format!("TimeCodes says {}, a label that does not exist at {} frames/s", stated.value, rate.value))
        }
        (Some(stated), None, None) => {
            Some(format!("TimeCodes says {}, which means nothing without a frame rate", stated.value))
        }
        (None, ..) if header.fields.iter().any(|f| f.tag == 51043) => Some("TimeCodes holds no timecode".into()),
        _ => None,
    };
    // Width over height after scaling is what a desqueeze has to give.
    let squeeze = p.pixel_aspect.filter(|&(n, d)| n != d).map(|v| subject.sourced(v, at(50718, "DefaultScale")));
    let framing = |r: Option<Rect>, tag, name| r.map(|r| subject.sourced(r, at(tag, name)));
    let metadata = CameraMetadata {
        make: take(subject, &shot.make),
        model: take(subject, &shot.model),
        serial_number: take(subject, &shot.serial_number),
        camera_label: take(subject, &shot.camera_label),
        reel: take(subject, &shot.reel),
        recorded_at: take(subject, &shot.recorded_at),
        start_timecode,
        rate,
        stored_size: Some(subject.sourced((p.width, p.height), at(256, "ImageWidth"))),
        active_area: framing(p.active_area, 50829, "ActiveArea"),
        default_crop: framing(p.default_crop, 50720, "DefaultCropSize"),
        bits_per_sample: Some(subject.sourced(p.bits, at(258, "BitsPerSample"))),
        compression: Some(subject.sourced(p.compression_name(), at(259, "Compression"))),
        cfa: p.cfa.map(|v| subject.sourced(v, at(33422, "CFAPattern"))),
        levels: Some(subject.sourced(p.levels.clone(), at(50717, "WhiteLevel"))),
        orientation: Some(subject.sourced(p.orientation, at(274, "Orientation"))),
        squeeze,
        color: header.color.clone().map(|c| subject.sourced(c, at(50721, "ColorMatrix1"))),
        iso: take(subject, &shot.iso),
        exposure_time: take(subject, &shot.exposure_time),
        lens_make: take(subject, &shot.lens_make),
        lens_model: take(subject, &shot.lens_model),
        lens_serial_number: take(subject, &shot.lens_serial_number),
        focal_length: take(subject, &shot.focal_length),
        f_stop: take(subject, &shot.f_number),
        t_stop: take(subject, &shot.t_stop),
        focus_distance: take(subject, &shot.focus_distance),
        ..CameraMetadata::default()
    };
    let field =
        |f: &rushes_ingest::dng::Field| VerbatimField { value: f.text.clone(), origin: subject.origin(f.origin()) };
    let verbatim = Verbatim(header.fields.iter().map(field).collect());
    Facts { metadata, verbatim, frames: None, timecode_as_found }
}

fn take<T: Clone>(subject: &Subject<'_>, stated: &Option<Stated<T>>) -> Option<Sourced<T>> {
    stated.as_ref().map(|s| subject.sourced(s.value.clone(), s.tag.clone()))
}
