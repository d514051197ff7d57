//! How a movie's pictures are coded and tagged, by their colour space.

use rushes_core::media::ColorSpace;

/// A coding of display R'G'B'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// ITU-R BT.709-6.
    Bt709,
    /// ITU-R BT.2100-3 with PQ, non-constant luminance.
    Pq,
    /// ITU-R BT.2100-3 with HLG, non-constant luminance.
    Hlg,
}

/// What makes luma and colour differences of R'G'B'.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    /// Of red, green and blue in luma.
    pub(super) luma: [f32; 3],
    /// One over the largest of B' less luma and of R' less luma, twice.
    pub(super) difference: [f32; 2],
}

impl Coding {
    /// The coding of pictures in `space`, if movies have one.
    pub(super) const fn of(space: ColorSpace) -> Option<Self> {
        match space {
            ColorSpace::Rec709Display => Some(Self::Bt709),
            ColorSpace::Rec2100Pq => Some(Self::Pq),
            ColorSpace::Rec2100Hlg => Some(Self::Hlg),
            _ => None,
        }
    }

    /// Primaries, transfer and matrix (ITU-T H.273, tables 2 to 4).
    pub(super) const fn codes(self) -> [u8; 3] {
        match self {
            Self::Bt709 => [1, 1, 1],
            Self::Pq => [9, 16, 9],
            Self::Hlg => [9, 18, 9],
        }
    }

    /// The same in the words of FFmpeg.
    pub(super) const fn names(self) -> [&'static str; 3] {
        match self {
            Self::Bt709 => ["bt709", "bt709", "bt709"],
            Self::Pq => ["bt2020", "smpte2084", "bt2020nc"],
            Self::Hlg => ["bt2020", "arib-std-b67", "bt2020nc"],
        }
    }

    /// BT.709-6, item 3.2; BT.2100-3, table 6.
    pub(super) const fn weights(self) -> Weights {
        match self {
            Self::Bt709 => Weights { luma: [0.2126, 0.7152, 0.0722], difference: [1.0 / 1.8556, 1.0 / 1.5748] },
            Self::Pq | Self::Hlg => {
                Weights { luma: [0.2627, 0.6780, 0.0593], difference: [1.0 / 1.8814, 1.0 / 1.4746] }
            }
        }
    }
}
