//! Magic Lantern raw video (MLV 2.0): blocks of metadata and frames in one or several files.
//!
//! Written after the format's published description (`mlv_structure.h` of Magic Lantern): every
//! block begins with four letters, its length and a time stamp; numbers are little-endian.
//! [`MlvHeader`] walks the blocks without reading pixels; [`MlvSource`] decodes frames, packed
//! (10, 12, 14 bits) or lossless JPEG.

mod blocks;
mod source;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rushes_core::media::{CalibratedIlluminant, CameraColor, Cfa, Levels, Rate};
use rushes_core::{Error, ErrorKind, Result};

pub use source::MlvSource;

/// What an MLV recording says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct MlvHeader {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits of a stored sample.
    pub bits: u32,
    /// How frames are stored.
    pub compression: MlvCompression,
    /// Bayer phase.
    pub cfa: Cfa,
    /// Black and white, code values.
    pub levels: Levels,
    /// The camera's matrix, for the illuminant stated; the white of the take is not stated.
    pub color: Option<CameraColor>,
    /// Frames per second.
    pub rate: Option<Rate>,
    /// Camera name and serial number.
    pub camera: Option<String>,
    /// Serial number of the body.
    pub serial_number: Option<String>,
    /// Lens name.
    pub lens: Option<String>,
    /// Focal length, millimetres.
    pub focal_length: Option<f64>,
    /// F-number.
    pub f_stop: Option<f64>,
    /// Exposure index.
    pub iso: Option<f64>,
    /// Exposure time in seconds, as a fraction.
    pub exposure_time: Option<(u32, u32)>,
    /// White balance of the menu, kelvin.
    pub kelvin: Option<f64>,
    /// `2013:10:19 03:33:36`, the camera's clock at the start.
    pub recorded_at: Option<String>,
    /// Where the frames are, in order.
    frames: Vec<FrameAt>,
    files: Vec<PathBuf>,
}

/// How frames are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MlvCompression {
    /// Packed, in 16-bit words.
    None,
    /// Lossless JPEG.
    Lossless,
    /// LZMA, or a class that is no raw video.
    Other(u16),
}

/// A frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FrameAt {
    number: u32,
    file: usize,
    offset: u64,
    len: u64,
}

impl MlvHeader {
    /// Walks the blocks of a recording: the `.MLV` and its parts (`.M00`, `.M01`) in order.
    ///
    /// # Errors
    /// When a file cannot be read, is no MLV, or its blocks are damaged. A last block cut short
    /// by a full card or a flat battery ends the recording without error.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let first = files.first().ok_or_else(|| Error::new(ErrorKind::Invalid, "a recording of no files"))?;
        let mut found = blocks::Found::default();
        for (i, path) in files.iter().enumerate() {
            found.file(i, path).map_err(|e| e.doing("reading the MLV blocks").path(path))?;
        }
        found.header(files).map_err(|e| e.doing("reading the MLV blocks").path(first))
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Bytes of an uncompressed frame.
    fn packed_bytes(&self) -> u64 {
        (self.width as u64 * self.height as u64 * u64::from(self.bits)).div_ceil(8)
    }

    /// The file and payload of frame `frame`, counted from 0.
    fn at(&self, frame: i64) -> Result<(&Path, FrameAt)> {
        let at = usize::try_from(frame).ok().and_then(|i| self.frames.get(i)).copied().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("the recording has {} frames, counted from 0", self.frames.len()))
        })?;
        Ok((&self.files[at.file], at))
    }
}

/// The colour of a camera with one calibration.
fn color(light_source: u16, matrix: [f64; 9]) -> CameraColor {
    let m = matrix;
    CameraColor {
        calibrations: vec![CalibratedIlluminant {
            light_source,
            color_matrix: [[m[0], m[1], m[2]], [m[3], m[4], m[5]], [m[6], m[7], m[8]]],
            forward_matrix: None,
            camera_calibration: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        }],
        analog_balance: [1.0; 3],
        baseline_exposure: 0.0,
        as_shot: None,
    }
}
