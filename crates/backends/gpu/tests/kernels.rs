//! Programs against the kernels they stand for.

use rushes_color::Linearize;
use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{Levels, Rect};
use rushes_core::stage::{FrameKernel, FrameStage as _};
use rushes_gpu::{Device, Programs, Settings, testing};

/// Rows `out` of the kernel on the CPU.
fn on_cpu(kernel: &dyn FrameKernel, input: &Band<'_>, out: std::ops::Range<usize>) -> Vec<f32> {
    let format = kernel.format();
    let mut samples = vec![0.0; format.planes() * out.len() * format.width];
    kernel.run(input, &mut BandMut::new(&mut samples, format.planes(), format.width, out));
    samples
}

fn mosaic(width: usize, height: usize) -> Vec<f32> {
    (0..width * height).map(|i| ((i * 7919 + i / width * 31) % 4096) as f32).collect()
}

fn linearize(device: &Device, levels: Levels, area: Option<Rect>) {
    let (width, height) = (147, 60);
    let facts = FrameFacts { levels: Some(levels), active_area: area, ..FrameFacts::default() };
    let format = FrameFormat { state: ImageState::Mosaic, width, height, facts };
    let kernel = Linearize {}.prepare(&format).unwrap();
    let codes = mosaic(width, height);
    let input = Band::new(&codes, 1, width, 0..height);
    for out in [0..kernel.format().height, 7..20, 3..4] {
        let got = device.run_kernel(&Programs::stock(), &*kernel, &input, out.clone()).unwrap();
        assert_eq!(got, on_cpu(&*kernel, &input, out));
    }
}

#[test]
fn linearize_gives_the_same_bits() {
    let Some(device) = testing::device(Settings::default()) else { return };
    linearize(&device, Levels::flat(256.0, 4095.0), None);
    let area = Rect { x: 5, y: 3, width: 131, height: 52 };
    let levels = Levels {
        repeat: (2, 2),
        black: vec![10.0, 20.5, 30.25, 40.0],
        delta_h: (0..131).map(|c| f64::from(c) / 7.0).collect(),
        delta_v: (0..52).map(|r| f64::from(r) / 9.0).collect(),
        white: 4000.0,
    };
    linearize(&device, levels, Some(area));
}

#[test]
fn strips_leave_no_seam() {
    for max_binding in [700, 1200, 5000] {
        let Some(device) = testing::device(Settings { max_binding, ..Settings::default() }) else { return };
        linearize(&device, Levels::flat(256.0, 4095.0), None);
    }
}

#[test]
fn a_frame_larger_than_a_binding_comes_whole() {
    // 8K: 135 MiB a plane, and bindings of 128.
    let Some(device) = testing::device(Settings::default()) else { return };
    let (width, height) = (8192, 4320);
    let facts = FrameFacts { levels: Some(Levels::flat(256.0, 4095.0)), ..FrameFacts::default() };
    let format = FrameFormat { state: ImageState::Mosaic, width, height, facts };
    let kernel = Linearize {}.prepare(&format).unwrap();
    let codes = mosaic(width, height);
    let input = Band::new(&codes, 1, width, 0..height);
    let got = device.run_kernel(&Programs::stock(), &*kernel, &input, 0..height).unwrap();
    assert!(got == on_cpu(&*kernel, &input, 0..height), "the rows differ");
    assert!(device.bytes_in_use() < 700 << 20, "{}", device.bytes_in_use());
}
