//! The values a kernel works in: white-balanced and square-rooted on the way in, undone on the way out.

use rushes_core::stage::DeviceWork;

use crate::params::Domain;

/// The way from samples to working values and back, per colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Working {
    /// Red, green, blue; green is 1.
    gains: [f32; 3],
    domain: Domain,
}

impl Working {
    pub(crate) fn new(gains: Option<[f32; 3]>, domain: Domain) -> Self {
        Self { gains: gains.unwrap_or([1.0; 3]), domain }
    }

    /// `work` with one more word, 1 where values are square roots, and six numbers: the gains of red, green and blue on the
    /// way in, and those on the way out.
    pub(crate) fn on_device(&self, work: DeviceWork) -> DeviceWork {
        work.word((self.domain == Domain::Sqrt).into()).numbers(self.gains).numbers(self.gains.map(f32::recip))
    }

    /// See [`enter`].
    pub(crate) fn gain(&self, color: usize) -> f32 {
        self.gains[color]
    }

    /// What the values are.
    pub(crate) fn domain(&self) -> Domain {
        self.domain
    }
}

/// A sample to a working value.
#[inline(always)]
pub(crate) fn enter<const SQRT: bool>(sample: f32, gain: f32) -> f32 {
    let x = sample * gain;
    if SQRT { x.abs().sqrt().copysign(x) } else { x }
}

/// A working value to a sample; `gain` is the inverse of the one it came with.
#[inline(always)]
pub(crate) fn leave<const SQRT: bool>(v: f32, gain: f32) -> f32 {
    if SQRT { v * v.abs() * gain } else { v * gain }
}

/// A chroma site and a green site in the order of their columns, `P` being the parity of the chroma site's.
#[inline(always)]
pub(crate) fn pair<const P: usize>(chroma: f32, green: f32) -> [f32; 2] {
    if P == 0 { [chroma, green] } else { [green, chroma] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_entering_for_either_sign() {
        let samples = [-2.0f32, -0.01, -0.0, 0.0, 1e-6, 0.25, 1.0, 40.0];
        for gain in [2.1f32, 1.0, 1.4] {
            for v in samples {
                let linear = leave::<false>(enter::<false>(v, gain), gain.recip());
                let sqrt = leave::<true>(enter::<true>(v, gain), gain.recip());
                for got in [linear, sqrt] {
                    assert!((got - v).abs() <= 4.0 * f32::EPSILON * v.abs(), "{gain}: {got} {v}");
                }
            }
        }
        assert_eq!((enter::<true>(-2.0, 1.0), enter::<true>(0.25, 1.0)), (-(2.0f32.sqrt()), 0.5));
    }
}
