//! The values a kernel works in: white-balanced and square-rooted on the way in, undone on the way out.

use rushes_core::simd::{Level, kernel};

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

    /// True when working values are the samples themselves.
    pub(crate) fn is_identity(&self) -> bool {
        self.gains == [1.0; 3] && self.domain == Domain::Linear
    }

    /// Samples of `color` to working values.
    pub(crate) fn enter(&self, level: Level, color: usize, row: &mut [f32]) {
        let gain = self.gains[color];
        match self.domain {
            Domain::Linear if gain == 1.0 => {}
            Domain::Linear => scale(level, row, gain),
            Domain::Sqrt => signed_sqrt(level, row, gain),
        }
    }

    /// Working values of `color` to samples.
    pub(crate) fn leave(&self, level: Level, color: usize, row: &mut [f32]) {
        let gain = self.gains[color].recip();
        match self.domain {
            Domain::Linear if gain == 1.0 => {}
            Domain::Linear => scale(level, row, gain),
            Domain::Sqrt => signed_square(level, row, gain),
        }
    }
}

kernel! {
    fn scale(row: &mut [f32], gain: f32) {
        for v in row {
            *v *= gain;
        }
    }
}

kernel! {
    fn signed_sqrt(row: &mut [f32], gain: f32) {
        for v in row {
            let x = *v * gain;
            *v = x.abs().sqrt().copysign(x);
        }
    }
}

kernel! {
    fn signed_square(row: &mut [f32], gain: f32) {
        for v in row {
            *v = *v * v.abs() * gain;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_entering_for_either_sign() {
        let samples = [-2.0f32, -0.01, -0.0, 0.0, 1e-6, 0.25, 1.0, 40.0];
        for domain in [Domain::Linear, Domain::Sqrt] {
            let working = Working::new(Some([2.1, 1.0, 1.4]), domain);
            for color in 0..3 {
                let mut row = samples;
                working.enter(Level::Plain, color, &mut row);
                if domain == Domain::Sqrt && color == 1 {
                    assert_eq!((row[0], row[5]), (-(2.0f32.sqrt()), 0.5));
                }
                working.leave(Level::Plain, color, &mut row);
                for (a, b) in row.iter().zip(samples) {
                    assert!((a - b).abs() <= 4.0 * f32::EPSILON * b.abs(), "{domain:?} {color}: {a} {b}");
                }
            }
        }
        assert!(Working::new(None, Domain::Linear).is_identity());
        assert!(!Working::new(None, Domain::Sqrt).is_identity());
    }
}
