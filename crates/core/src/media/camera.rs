//! What is known about the camera: one schema for all makers, each fact with its origin.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CameraColor, Cfa, Levels, Orientation, Rate, Rect, Timecode};

/// Where a fact was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The file, relative to the card where possible.
    pub file: PathBuf,
    /// The tag, box or field, in its format's own words: `IFD0:ReelName (51081)`.
    pub tag: String,
}

/// A fact with its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sourced<T> {
    /// The fact.
    pub value: T,
    /// Where it was found.
    pub origin: Origin,
}

/// One camera's facts in one vocabulary. Units are in the field names or their comments.
///
/// A field that the media does not state is absent; nothing is guessed. Names follow SMPTE
/// RIS OSVP camdkit (OpenTrackIO) where it has one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CameraMetadata {
    /// Camera maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<Sourced<String>>,
    /// Camera model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Sourced<String>>,
    /// Camera serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<Sourced<String>>,
    /// Firmware or software that wrote the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware_version: Option<Sourced<String>>,
    /// The camera's letter on the slate, `A`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_label: Option<Sourced<String>>,
    /// Reel, roll or magazine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reel: Option<Sourced<String>>,
    /// Scene on the slate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<Sourced<String>>,
    /// Take on the slate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take: Option<Sourced<String>>,
    /// Date and time of the take as written by the camera (no zone unless it wrote one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Sourced<String>>,
    /// Timecode of the clip's first frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timecode: Option<Sourced<Timecode>>,
    /// Project (playback) rate, frames per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Sourced<Rate>>,
    /// Sensor (capture) rate where it differs from the project rate, frames per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_rate: Option<Sourced<Rate>>,
    /// Stored picture, columns and rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_size: Option<Sourced<(usize, usize)>>,
    /// The part of the stored picture that saw light.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_area: Option<Sourced<Rect>>,
    /// The picture meant to be shown, within the active area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_crop: Option<Sourced<Rect>>,
    /// Bits of a stored sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits_per_sample: Option<Sourced<u32>>,
    /// Compression of the stored picture, in words: `none`, `lossless JPEG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Sourced<String>>,
    /// Bayer phase of the active area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cfa: Option<Sourced<Cfa>>,
    /// Black and white levels, code values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Sourced<Levels>>,
    /// How to turn the picture upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Sourced<Orientation>>,
    /// Anamorphic squeeze as width over height of a pixel on desqueeze: 2/1 for 2x anamorphic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub squeeze: Option<Sourced<(u32, u32)>>,
    /// Colour calibration and the white of the take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Sourced<CameraColor>>,
    /// White balance as a colour temperature, kelvin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub white_balance_kelvin: Option<Sourced<f64>>,
    /// White balance tint, in the maker's units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub white_balance_tint: Option<Sourced<f64>>,
    /// Exposure index (ISO).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iso: Option<Sourced<f64>>,
    /// Exposure time, seconds as numerator and denominator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_time: Option<Sourced<(u32, u32)>>,
    /// Shutter angle, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutter_angle: Option<Sourced<f64>>,
    /// Lens maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens_make: Option<Sourced<String>>,
    /// Lens model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens_model: Option<Sourced<String>>,
    /// Lens serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens_serial_number: Option<Sourced<String>>,
    /// Focal length, millimetres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal_length: Option<Sourced<f64>>,
    /// F-number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f_stop: Option<Sourced<f64>>,
    /// T-stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t_stop: Option<Sourced<f64>>,
    /// Focus distance, metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focus_distance: Option<Sourced<f64>>,
}

/// One vendor field as found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct VerbatimField {
    /// The value as text, as its format's own tools would print it.
    pub value: String,
    /// Where it was found.
    pub origin: Origin,
}

/// Everything a file said about itself, kept as found beside the canonical facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Verbatim(pub Vec<VerbatimField>);
