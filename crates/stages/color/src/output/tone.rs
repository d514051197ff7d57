//! The tone scale: scene luminance to display luminance.
//!
//! D. Lesterhuis, "ACES 2 Tonescale", in the ACES documentation: a power of a hyperbola with a
//! toe, through 10 nits for 18 % grey at a peak of 100 nits, and more for brighter displays.

/// The curve for one peak luminance. Both sides in nits, scene 1.0 at 100.
#[derive(Debug, Clone)]
pub(super) struct ToneScale {
    gamma: f32,
    toe: f32,
    shift: f32,
    gain: f32,
    /// Luminance that 18 % grey is anchored to, as a part of 100 nits.
    pub(super) grey: f32,
    /// The brightest scene value (ACEScg) that is told from brighter ones.
    pub(super) brightest: f32,
    /// Decadic logarithm of the peak over 100 nits.
    pub(super) log_peak: f32,
}

impl ToneScale {
    pub(super) fn new(peak: f32) -> Self {
        // Contrast, scene grey, its luminance at 100 nits, its growth with the peak, the toe.
        let (gamma, grey_in, grey_out, growth, toe) = (1.15f32, 0.18f32, 10.013f32, 0.14f32, 0.04f32);
        // The scene value that reaches the peak, at 100 and at 10,000 nits.
        let (reach_low, reach_high) = (128.0f32, 896.0f32);

        let relative = peak / 100.0;
        let reach = reach_low + (reach_high - reach_low) * (relative.ln() / 100.0f32.ln());
        let untoe = |v: f32| 0.5 * (v + (v * (v + 4.0 * toe)).sqrt());
        let top = untoe(relative);
        let hyperbola = |offset: f32| ((reach / top) / (reach / top + offset)).powf(gamma);
        let grey = grey_out / 100.0 * (1.0 + relative.log2() * growth);
        let at_grey = (untoe(grey) / (top / hyperbola(1.0))).powf(1.0 / gamma);
        let width = grey_in / (-(top * at_grey) / (at_grey - 1.0));
        Self {
            gamma,
            toe,
            shift: width * top * 100.0,
            gain: top / hyperbola(width),
            grey,
            brightest: 8.0 * reach,
            log_peak: relative.log10(),
        }
    }

    /// Display luminance of a scene luminance.
    pub(super) fn apply(&self, nits: f64) -> f64 {
        let [gamma, toe, shift, gain] = [self.gamma, self.toe, self.shift, self.gain].map(f64::from);
        let v = gain * (nits / (nits + shift)).powf(gamma);
        v * v / (v + toe) * 100.0
    }
}
