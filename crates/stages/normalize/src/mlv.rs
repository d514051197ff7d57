//! Magic Lantern video, from its blocks. It has no timecode and no reel.

use rushes_core::Result;
use rushes_core::media::{CameraMetadata, Verbatim, VerbatimField};
use rushes_ingest::mlv::{MlvCompression, MlvHeader};

use crate::mapping::{Facts, Mapping, Subject};

pub(crate) struct Mlv;

impl Mapping for Mlv {
    fn read(&self, subject: &Subject<'_>) -> Result<Facts> {
        Ok(map(&MlvHeader::read(subject.parts)?, subject))
    }

    fn needs_color(&self) -> bool {
        true
    }
}

fn map(h: &MlvHeader, subject: &Subject<'_>) -> Facts {
    let text = |v: &Option<String>, tag: &str| v.clone().map(|v| subject.sourced(v, tag));
    let number = |v: Option<f64>, tag: &str| v.map(|v| subject.sourced(v, tag));
    let compression = match h.compression {
        MlvCompression::None => "none".to_owned(),
        MlvCompression::Lossless => "lossless JPEG".to_owned(),
        MlvCompression::Other(class) => format!("video class {class:#x}"),
    };
    let metadata = CameraMetadata {
        model: text(&h.camera, "IDNT:cameraName"),
        serial_number: text(&h.serial_number, "IDNT:cameraSerial"),
        recorded_at: text(&h.recorded_at, "RTCI"),
        rate: subject.rate(h.rate.map(|r| subject.sourced(r, "MLVI:sourceFps"))),
        stored_size: Some(subject.sourced((h.width, h.height), "RAWI:xRes, yRes")),
        bits_per_sample: Some(subject.sourced(h.bits, "RAWI:bits_per_pixel")),
        compression: Some(subject.sourced(compression, "MLVI:videoClass")),
        cfa: Some(subject.sourced(h.cfa, "RAWI:cfa_pattern")),
        levels: Some(subject.sourced(h.levels.clone(), "RAWI:black_level, white_level")),
        color: h.color.clone().map(|c| subject.sourced(c, "RAWI:color_matrix1")),
        white_balance_kelvin: number(h.kelvin, "WBAL:kelvin"),
        iso: number(h.iso, "EXPO:isoValue"),
        exposure_time: h.exposure_time.map(|v| subject.sourced(v, "EXPO:shutterValue")),
        lens_model: text(&h.lens, "LENS:lensName"),
        focal_length: number(h.focal_length, "LENS:focalLength"),
        f_stop: number(h.f_stop, "LENS:aperture"),
        ..CameraMetadata::default()
    };
    let field = |tag: &str, value: String| VerbatimField { value, origin: subject.origin(tag) };
    let verbatim = Verbatim(vec![
        field("VIDF", format!("{} frames", h.frames())),
        field("RAWI:xRes, yRes", format!("{} {}", h.width, h.height)),
        field("RAWI:bits_per_pixel", h.bits.to_string()),
    ]);
    Facts { metadata, verbatim, frames: Some(h.frames() as u64), timecode_as_found: None }
}
