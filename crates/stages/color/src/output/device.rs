//! The rendering as data.

use rushes_core::simd::{Curve, Power};
use rushes_core::stage::DeviceWork;

use super::Rendering;
use super::encode::Encoding;
use crate::matrix::{IDENTITY, to_f32};

impl Rendering {
    /// The program `output-transform`. Words:
    ///
    /// - how display light is encoded: 0 by a power, 1 by PQ, 2 by HLG;
    /// - 1 where the gamut that colours are limited to is not that of the code values;
    /// - the number of bends in the places of hues;
    /// - matrices, 9 numbers each, row by row: ACES2065-1 to ACEScg; to the scene's cones; their responses to achromatic and
    ///   opponent ones; the display's way back, to responses; from cones to light; and to the gamut of the code values;
    /// - the brightest scene value, the display's white, and the achromatic response of lightness 1;
    /// - of the chroma compression: saturation, threshold, compression, norm, the achromatic response of the peak;
    /// - of the gamut compression: J of middle grey, the gain of M, the least room above;
    /// - the slope of the places of hues before their first bend.
    ///
    /// Tables:
    ///
    /// - powers, [`Power::numbers`] each: of cones; of lightness; its inverse; of cones, the inverse; of the hull below the
    ///   cusps; of the encoding (nothing for HLG);
    /// - curves, [`Curve::numbers`] each: the tone scale; PQ (for PQ only);
    /// - the largest M of the reach gamut by degree of hue, 0 to 360;
    /// - the display's cusps by place, 0 to 360: J, M and the inverse exponent above;
    /// - bends: the hue, and by how much the slope of places grows there.
    pub(super) fn on_device(&self) -> DeviceWork {
        self.on_device.get_or_init(|| self.describe()).clone()
    }

    fn describe(&self) -> DeviceWork {
        let [to_cones, _, to_aab, _] = self.scene.matrices();
        let [_, from_cones, _, from_aab] = self.display.matrices();
        let coded = self.to_coded.unwrap_or(to_f32(&IDENTITY));
        let matrices = [self.to_ap1, to_cones, to_aab, from_aab, from_cones, coded];
        let (below, cusps) = self.gamut.hull();
        let (slope, bends, hull) = cusps.parts();
        let (kind, power, curve): (_, Option<&Power>, Option<&Curve>) = match &self.encoding {
            Encoding::Power(power) => (0, Some(power), None),
            Encoding::Pq(both) => (1, Some(&both.0), Some(&both.1)),
            Encoding::Hlg => (2, None, None),
        };
        let p = &self.powers;
        let powers = [&p.respond, &p.lightness, &p.inverse, &p.unrespond, below].into_iter().chain(power);
        let curves = [&p.tone].into_iter().chain(curve);
        DeviceWork::new("output-transform")
            .word(kind)
            .word(self.to_coded.is_some().into())
            .word(bends.len() as u32)
            .numbers(matrices.into_iter().flatten().flatten())
            .numbers([self.brightest, self.white, p.achromatic])
            .numbers(self.chroma.numbers())
            .numbers(self.gamut.numbers())
            .numbers([slope])
            .table(powers.flat_map(Power::numbers).collect::<Vec<_>>())
            .table(curves.flat_map(Curve::numbers).collect::<Vec<_>>())
            .table(self.chroma.reaches().values().take(PLACES).flatten().collect::<Vec<_>>())
            .table(hull.values().take(PLACES).flatten().collect::<Vec<_>>())
            .table(bends.iter().flat_map(|&(hue, more)| [hue, more]).collect::<Vec<_>>())
    }
}

/// From 0 to 360.
const PLACES: usize = 361;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::output::Target;

    #[test]
    fn tables_are_as_long_as_they_say_and_shared_from_frame_to_frame() {
        for (target, powers, curves) in [(Target::Rec709, 6, 1), (Target::Pq1000Wide, 6, 2), (Target::Hlg1000, 5, 1)] {
            let work = target.rendering().on_device();
            assert_eq!(work.words.len(), 3 + 6 * 9 + 3 + 5 + 3 + 1, "{target:?}");
            let lengths: Vec<usize> = work.tables.iter().map(|t| t.len()).collect();
            assert_eq!(lengths, [powers * 65, curves * 321, 361, 3 * 361, 2 * work.words[2] as usize], "{target:?}");
            let again = target.rendering().on_device();
            assert!(work.tables.iter().zip(&again.tables).all(|(a, b)| Arc::ptr_eq(a, b)), "{target:?}");
        }
    }
}
