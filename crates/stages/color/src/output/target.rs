//! The displays that pictures are rendered for.

use std::sync::LazyLock;

use rushes_core::media::ColorSpace;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rendering;
use super::encode::Decoding;

/// A display: the Academy's presets of the ACES 2.0 output transform for video. HDR code values are those of
/// ITU-R BT.2100-3, full range, in its primaries; `limit` is the gamut that colours are brought into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Target {
    /// SDR: 100 nits, Rec.709, BT.1886 with gamma 2.4.
    #[default]
    #[serde(rename = "rec709")]
    Rec709,
    /// PQ, 500 nits, limited to P3-D65.
    #[serde(rename = "rec2100-pq-500")]
    Pq500,
    /// PQ, 1,000 nits, limited to P3-D65: what most HDR is graded for.
    #[serde(rename = "rec2100-pq-1000")]
    Pq1000,
    /// PQ, 2,000 nits, limited to P3-D65.
    #[serde(rename = "rec2100-pq-2000")]
    Pq2000,
    /// PQ, 4,000 nits, limited to P3-D65.
    #[serde(rename = "rec2100-pq-4000")]
    Pq4000,
    /// PQ, 500 nits, limited to Rec.2020.
    #[serde(rename = "rec2100-pq-500-rec2020")]
    Pq500Wide,
    /// PQ, 1,000 nits, limited to Rec.2020.
    #[serde(rename = "rec2100-pq-1000-rec2020")]
    Pq1000Wide,
    /// PQ, 2,000 nits, limited to Rec.2020.
    #[serde(rename = "rec2100-pq-2000-rec2020")]
    Pq2000Wide,
    /// PQ, 4,000 nits, limited to Rec.2020.
    #[serde(rename = "rec2100-pq-4000-rec2020")]
    Pq4000Wide,
    /// HLG for a display of 1,000 nits, limited to P3-D65.
    #[serde(rename = "rec2100-hlg-1000")]
    Hlg1000,
}

/// CIE xy of P3-D65 (SMPTE EG 432-1 with the white of D65).
const P3_D65: [[f64; 2]; 4] = [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], [0.3127, 0.3290]];

impl Target {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Rec709,
        Self::Pq500,
        Self::Pq1000,
        Self::Pq2000,
        Self::Pq4000,
        Self::Pq500Wide,
        Self::Pq1000Wide,
        Self::Pq2000Wide,
        Self::Pq4000Wide,
        Self::Hlg1000,
    ];

    /// Luminance of its brightest white, nits.
    pub const fn peak(self) -> f32 {
        match self {
            Self::Rec709 => 100.0,
            Self::Pq500 | Self::Pq500Wide => 500.0,
            Self::Pq1000 | Self::Pq1000Wide | Self::Hlg1000 => 1000.0,
            Self::Pq2000 | Self::Pq2000Wide => 2000.0,
            Self::Pq4000 | Self::Pq4000Wide => 4000.0,
        }
    }

    /// The space of its code values.
    pub const fn space(self) -> ColorSpace {
        match self {
            Self::Rec709 => ColorSpace::Rec709Display,
            Self::Hlg1000 => ColorSpace::Rec2100Hlg,
            _ => ColorSpace::Rec2100Pq,
        }
    }

    /// CIE xy of red, green, blue and white of the gamut that colours are brought into.
    pub const fn limit(self) -> [[f64; 2]; 4] {
        match self {
            Self::Pq500 | Self::Pq1000 | Self::Pq2000 | Self::Pq4000 | Self::Hlg1000 => P3_D65,
            _ => self.space().chromaticities(),
        }
    }

    /// Its rendering, whose tables are built when it is first asked for (some milliseconds) and kept.
    pub fn rendering(self) -> &'static Rendering {
        static ALL: [LazyLock<Rendering>; Target::ALL.len()] = [
            LazyLock::new(|| Rendering::new(Target::ALL[0])),
            LazyLock::new(|| Rendering::new(Target::ALL[1])),
            LazyLock::new(|| Rendering::new(Target::ALL[2])),
            LazyLock::new(|| Rendering::new(Target::ALL[3])),
            LazyLock::new(|| Rendering::new(Target::ALL[4])),
            LazyLock::new(|| Rendering::new(Target::ALL[5])),
            LazyLock::new(|| Rendering::new(Target::ALL[6])),
            LazyLock::new(|| Rendering::new(Target::ALL[7])),
            LazyLock::new(|| Rendering::new(Target::ALL[8])),
            LazyLock::new(|| Rendering::new(Target::ALL[9])),
        ];
        // `ALL` is in the order of the variants (a test says so).
        &ALL[self as usize]
    }

    pub(super) const fn decoding(self) -> Decoding {
        match self {
            Self::Rec709 => Decoding::Power(2.4),
            Self::Hlg1000 => Decoding::Hlg,
            _ => Decoding::Pq,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_order_and_have_names_that_read_back() {
        for (i, target) in Target::ALL.into_iter().enumerate() {
            assert_eq!(target as usize, i);
            let name = serde_json::to_value(target).unwrap();
            assert_eq!(serde_json::from_value::<Target>(name).unwrap(), target);
        }
        assert!(serde_json::from_value::<Target>("rec2100-pq-600".into()).is_err());
    }
}
