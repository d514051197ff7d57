//! Debayer: from one plane of sensor samples to three planes of camera RGB.
//!
//! [`Debayer`] is the stage; its [`Method`]s, from fast to good:
//!
//! | method | radius | source |
//! |---|---|---|
//! | `superpixel` | 2x2 block | half-size picture, nothing interpolated |
//! | `bilinear` | 1 | the mean of the nearest neighbours of each colour |
//! | `malvar` | 2 | Malvar, He, Cutler: High-quality linear interpolation for demosaicing of Bayer-patterned color images, ICASSP 2004 |
//! | `rcd` | 10 | Luis Sanz Rodríguez: Ratio Corrected Demosaicing, release 2.3, 2017 |
//! | `gbtf` | 12 | Pekkucuksen, Altunbasak: Gradient based threshold free color filter array interpolation, ICIP 2010, with adaptive chroma |
//!
//! **A row is two half rows** to RCD and GBTF: each mosaic row is split into its even and its odd columns, so that
//! all samples of a half row have one colour. Their steps (`rcd`, `gbtf`) are then plain loops over slices with
//! stride one (from the module `ring`); the phase of the pattern is settled once per row and never asked per pixel.
//! All steps of a row are one function, compiled for each set of vector instructions; the last step weaves the
//! halves together. The linear filters (`linear`) leave rows whole and compute both kinds of site at every column,
//! which is cheaper for so little work.
//!
//! **Borders.** Samples outside the frame are mirrored about its outermost row or column without repeating it:
//! index -1 is 1, index n is n-2 (`mirror` in SciPy, `reflect` in NumPy). This keeps the colour at every
//! position of the pattern, so each site of the border is interpolated by the same formula as the inside.
//! A crop has no border of its own: its neighbours are the real samples outside it.
//!
//! **Measured samples stay.** At a red photosite the red of the result is the sample, bit for bit; so for
//! green and blue. (Superpixel averages its two greens.)
//!
//! **Banding does not matter.** A row's result is the same bit for bit whichever rows are computed with it.
//!
//! Nothing is clipped: negative samples (noise about black) and samples over 1 pass through. A NaN or an
//! infinity spoils the pixels within the method's radius and no more.

mod gbtf;
mod kernel;
mod linear;
mod panel;
mod params;
mod rcd;
mod ring;
mod stage;
mod superpixel;
mod window;
mod wire;
mod working;

pub use params::{Debayer, Domain, Method};
