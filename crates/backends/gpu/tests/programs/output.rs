//! The output transform.

use rushes_color::OutputTransform;
use rushes_color::output::Target;
use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState};
use rushes_core::media::ColorSpace;
use rushes_core::stage::FrameStage;

use crate::compare::each;
use crate::{device, frames};

/// What a code value may differ by where the transform is smooth.
const MOST: f32 = 1e-4;
/// Code values from which the measured differences are told apart: below, the slopes of encodings have no end.
const DARK: f32 = 0.1;

/// The largest differences of dark code values and of the others, where the kernel itself is steady, and the number of pixels
/// where it is not.
#[derive(Default)]
struct Measured {
    dark: f32,
    rest: f32,
    unsteady: usize,
    pixels: usize,
}

impl Measured {
    fn frame(&mut self, stage: OutputTransform, format: &FrameFormat, samples: &[f32]) {
        let Some(device) = device() else { return };
        let n = samples.len() / 3;
        each(device, &stage, format, samples, |cpu, gpu| {
            // Pixels do not know of each other: the whole frame has those of its rows.
            for i in 0..if cpu.len() == samples.len() { n } else { 0 } {
                let pixel = |s: &[f32]| [s[i], s[n + i], s[2 * n + i]];
                let (c, g) = (pixel(cpu), pixel(gpu));
                let off = [0, 1, 2].map(|k| (c[k] - g[k]).abs());
                self.pixels += 1;
                if off.iter().any(|v| *v > MOST) {
                    // The residue of what cancels near black, and jumps of the transform, where a reach meets the hull: what the
                    // kernel itself makes of pixels some last bits away says how far apart results may be.
                    let spread = spread(stage, format, pixel(samples));
                    assert!(
                        (0..3).all(|k| off[k] <= MOST + spread[k]),
                        "{stage:?} {:?}: {c:?} and {g:?}, and the kernel moves by {spread:?}",
                        pixel(samples)
                    );
                    self.unsteady += 1;
                    continue;
                }
                for k in 0..3 {
                    let worst = if c[k] < DARK { &mut self.dark } else { &mut self.rest };
                    *worst = worst.max(off[k]);
                }
            }
        });
    }
}

/// How far apart code values of the kernel are for pixels whose channels differ by up to 8 units in the last place.
fn spread(stage: OutputTransform, format: &FrameFormat, pixel: [f32; 3]) -> [f32; 3] {
    const WIDTH: usize = 2048;
    let mut chance = frames::noise(5);
    let mut near =
        |v: f32| f32::from_bits(v.to_bits().wrapping_add_signed((chance.next().unwrap_or(0.0) * 16.99) as i32 - 8));
    let samples: Vec<f32> = pixel.iter().flat_map(|v| [*v; WIDTH]).map(&mut near).collect();
    let kernel = stage.prepare(&FrameFormat { width: WIDTH, height: 1, ..format.clone() }).unwrap();
    let mut out = vec![0.0; 3 * WIDTH];
    kernel.run(&Band::new(&samples, 3, WIDTH, 0..1), &mut BandMut::new(&mut out, 3, WIDTH, 0..1));
    [0, 1, 2].map(|k| {
        let plane = &out[k * WIDTH..(k + 1) * WIDTH];
        plane.iter().copied().fold(0.0, f32::max) - plane.iter().copied().fold(1.0, f32::min)
    })
}

#[test]
fn code_values_of_every_display_differ_little() {
    for display in Target::ALL {
        let mut all = Measured::default();
        for space in [ColorSpace::Aces2065_1, ColorSpace::AcesCg] {
            for (width, height) in [(1, 1), (261, 134)] {
                let mut format = frames::format(ImageState::SceneLinear, width, height);
                format.facts.color_space = Some(space);
                for samples in [frames::scene(width, height, 3), frames::strengths(width, height)] {
                    all.frame(OutputTransform { display }, &format, &samples);
                }
            }
        }
        let Measured { dark, rest, unsteady, pixels } = all;
        eprintln!("{display:?}: {rest:e}, dark ones {dark:e}; {unsteady} of {pixels} pixels are not steady");
        assert!(unsteady * 1000 <= pixels, "{display:?}: {unsteady} of {pixels}");
    }
}

#[test]
fn any_pixel_is_a_picture() {
    let Some(device) = device() else { return };
    let (width, height) = (257, 31);
    let format = frames::format(ImageState::SceneLinear, width, height);
    let bits = (0..3 * width * height).map(|i| f32::from_bits((i as u32).wrapping_mul(2_654_435_761)));
    let samples: Vec<f32> = bits.collect();
    for display in Target::ALL {
        each(device, &OutputTransform { display }, &format, &samples, |_, gpu| {
            assert!(gpu.iter().all(|v| (0.0..=1.0).contains(v)), "{display:?}");
        });
    }
}

#[test]
fn a_blown_highlight_is_white_and_nan_is_black() {
    let Some(device) = device() else { return };
    let format = frames::format(ImageState::SceneLinear, 2, 1);
    let samples = [f32::INFINITY, f32::NAN, f32::INFINITY, f32::NAN, f32::INFINITY, f32::NAN];
    each(device, &OutputTransform { display: Target::Rec709 }, &format, &samples, |_, gpu| {
        assert!(
            gpu.iter().step_by(2).all(|v| *v > 0.999) && gpu.iter().skip(1).step_by(2).all(|v| *v == 0.0),
            "{gpu:?}"
        );
    });
}
