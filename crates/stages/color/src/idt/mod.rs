//! Input transform: the camera's own colours to ACES2065-1, by the camera's calibration.
//!
//! DNG 1.7, chapter 6, "Mapping Camera Color Space to CIE XYZ Space": the two calibrations are
//! interpolated in reciprocal colour temperature, the white of the take is found from
//! AsShotNeutral (or given as AsShotWhiteXY), and camera values are taken to XYZ with white D50,
//! through the ForwardMatrix where there is one and the inverse ColorMatrix where there is not.
//! From D50 to the ACES white it is Bradford. A neutral of the take comes out with equal AP0
//! values.

mod calibration;
mod stage;
mod temperature;

pub use calibration::{CameraTransform, camera_transform};
pub use stage::{Highlights, InputTransform, White};
pub use temperature::{kelvin_to_xy, xy_to_kelvin};
