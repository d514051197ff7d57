//! What differs between a kernel and its program.

use rushes_core::frame::{Band, BandMut, FrameFormat};
use rushes_core::stage::FrameStage;
use rushes_gpu::{Device, Programs};

/// What a difference is measured by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// White, or the sample itself where it is brighter.
    White,
    /// The largest of the pixel's channels, or this where they are all smaller.
    Pixel(f32),
}

/// The largest difference between what the CPU and the device make of a frame: whole, and rows of it.
pub(crate) fn difference(
    device: &Device,
    stage: &dyn FrameStage,
    format: &FrameFormat,
    samples: &[f32],
    by: By,
) -> f32 {
    let mut worst = 0.0f32;
    each(device, stage, format, samples, |cpu, gpu| {
        for (i, (c, g)) in cpu.iter().zip(gpu).enumerate() {
            let plane = cpu.len() / 3;
            let largest = [0, 1, 2].map(|p| cpu[p * plane + i % plane].abs()).into_iter().fold(0.0, f32::max);
            let off = match by {
                _ if c.is_nan() && g.is_nan() || c == g => 0.0,
                By::White => (c - g).abs() / c.abs().max(1.0),
                By::Pixel(least) => (c - g).abs() / largest.max(least),
            };
            // Not a number on one side only is as wrong as can be.
            worst = worst.max(if off.is_nan() { f32::INFINITY } else { off });
        }
    });
    worst
}

/// Gives what the CPU and the device make of a frame, of some rows at a time.
pub(crate) fn each(
    device: &Device,
    stage: &dyn FrameStage,
    format: &FrameFormat,
    samples: &[f32],
    mut see: impl FnMut(&[f32], &[f32]),
) {
    let kernel = stage.prepare(format).unwrap();
    let input = Band::new(samples, format.planes(), format.width, 0..format.height);
    let (width, height) = (kernel.format().width, kernel.format().height);
    let middle = height / 3..(height / 3 + 5).min(height);
    for out in [0..height, middle, height - 1..height] {
        let mut cpu = vec![0.0; 3 * out.len() * width];
        kernel.run(&input, &mut BandMut::new(&mut cpu, 3, width, out.clone()));
        let gpu = device.run_kernel(&Programs::stock(), &*kernel, &input, out).unwrap();
        assert_eq!(cpu.len(), gpu.len());
        see(&cpu, &gpu);
    }
}

/// Says what was measured, and fails above `most`.
pub(crate) fn within(what: &str, measured: f32, most: f32) {
    eprintln!("{what}: {measured:e}");
    assert!(measured <= most, "{what}: {measured:e}, above {most:e}");
}
