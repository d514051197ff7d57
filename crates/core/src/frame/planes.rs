//! Whole frames, typed by their state.

use std::marker::PhantomData;

use ndarray::{Array3, ArrayView3, ArrayViewMut3};

use super::{Band, FrameFacts, FrameFormat, State};
use crate::error::{Error, ErrorKind, Result};

/// A whole picture: `f32` planes of shape (planes, rows, columns) in state `S`, and its facts.
///
/// ```
/// use ndarray::Array3;
/// use rushes_core::frame::{Frame, FrameFacts, Mosaic};
/// let frame = Frame::<Mosaic>::new(Array3::zeros((1, 4, 6)), FrameFacts::default())?;
/// assert_eq!((frame.width(), frame.height()), (6, 4));
/// # Ok::<(), rushes_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Frame<S: State> {
    planes: Array3<f32>,
    facts: FrameFacts,
    state: PhantomData<S>,
}

impl<S: State> Frame<S> {
    /// A frame over `planes`, which is brought into standard layout if it is not.
    ///
    /// # Errors
    /// When the number of planes is not the one of the state, or the picture is empty.
    pub fn new(planes: Array3<f32>, facts: FrameFacts) -> Result<Self> {
        let (p, h, w) = planes.dim();
        if p != S::STATE.planes() || h == 0 || w == 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "a {} frame has {} planes and at least one pixel, not {p}x{h}x{w}",
                    S::STATE,
                    S::STATE.planes()
                ),
            ));
        }
        let planes = if planes.is_standard_layout() { planes } else { planes.as_standard_layout().into_owned() };
        Ok(Self { planes, facts, state: PhantomData })
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.planes.dim().2
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.planes.dim().1
    }

    /// What is known about the pixels.
    pub fn facts(&self) -> &FrameFacts {
        &self.facts
    }

    /// The pixels, (planes, rows, columns).
    pub fn view(&self) -> ArrayView3<'_, f32> {
        self.planes.view()
    }

    /// The pixels, to be written.
    pub fn view_mut(&mut self) -> ArrayViewMut3<'_, f32> {
        self.planes.view_mut()
    }

    /// Size, state and facts.
    pub fn format(&self) -> FrameFormat {
        FrameFormat { state: S::STATE, width: self.width(), height: self.height(), facts: self.facts.clone() }
    }

    /// The whole frame as one band.
    pub fn band(&self) -> Band<'_> {
        let (p, h, w) = self.planes.dim();
        // `new` made the layout standard, and nothing here changes it.
        Band::new(self.planes.as_slice().unwrap_or(&[]), p, w, 0..h)
    }

    /// The pixels and the facts.
    pub fn into_parts(self) -> (Array3<f32>, FrameFacts) {
        (self.planes, self.facts)
    }
}
