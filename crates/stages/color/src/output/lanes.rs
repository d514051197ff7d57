//! What is computed of pixels side by side.

/// What is known of `N` pixels: kept from block to block, for clearing it takes its time.
pub(super) struct Lanes<const N: usize> {
    /// Of cones, and the signs of what they are computed from.
    pub(super) v: [[f32; N]; 3],
    pub(super) signs: [[f32; N]; 3],
    /// Achromatic and opponent responses; then the hue's cosine and sine.
    pub(super) a: [f32; N],
    pub(super) p: [f32; N],
    pub(super) q: [f32; N],
    /// What the tone scale makes of the achromatic response, and by which factor.
    pub(super) now: [f32; N],
    pub(super) ratio: [f32; N],
    /// Lightness, 1 at the display's white; colourfulness; hue in degrees.
    pub(super) j: [f32; N],
    pub(super) m: [f32; N],
    pub(super) hue: [f32; N],
    /// The largest M of the reach gamut, and of the display's cusp J, M, and the inverse exponent above.
    pub(super) reach: [f32; N],
    pub(super) cusp: [[f32; N]; 3],
    /// The line of the gamut compression, and where it leaves the hull.
    pub(super) axis: [f32; N],
    pub(super) slope: [f32; N],
    pub(super) cusp_axis: [f32; N],
    pub(super) lower: [f32; N],
    pub(super) upper: [f32; N],
    pub(super) far: [f32; N],
}

impl<const N: usize> Lanes<N> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        let (one, three) = ([0.0; N], [[0.0; N]; 3]);
        Self {
            v: three,
            signs: three,
            a: one,
            p: one,
            q: one,
            now: one,
            ratio: one,
            j: one,
            m: one,
            hue: one,
            reach: one,
            cusp: three,
            axis: one,
            slope: one,
            cusp_axis: one,
            lower: one,
            upper: one,
            far: one,
        }
    }
}
