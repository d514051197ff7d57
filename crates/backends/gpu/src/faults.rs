//! Devices that misbehave: what becomes of a frame on one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::Array3;
use rushes_core::frame::{Band, BandMut, Frame, FrameFacts, FrameFormat, ImageState, Mosaic, Pool};
use rushes_core::stage::{DeviceWork, FrameKernel};
use rushes_core::{ErrorKind, Result};

use crate::device::{Device, Opened, Settings, lock};
use crate::layout::{Bounds, Layout, Node, Size};
use crate::program::{Program, Programs};

/// How a device misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It says that work is done, and has done none of it, as Metal does after an error.
    Skips,
    /// Its driver panics while it is waited for, as wgpu does when the wait ends with the loss.
    Panics,
    /// It never answers.
    Silent,
}

pub(crate) fn skips(device: &Opened) -> bool {
    *lock(&device.fault) == Some(Fault::Skips)
}

pub(crate) fn in_poll(device: &Opened) -> Option<Result<wgpu::PollStatus, wgpu::PollError>> {
    let fault = *lock(&device.fault);
    match fault? {
        Fault::Skips => None,
        Fault::Panics => panic!("Error in Device::poll: parent device is lost"),
        Fault::Silent => {
            std::thread::sleep(Duration::from_millis(5));
            Some(Err(wgpu::PollError::Timeout))
        }
    }
}

/// Twice its input.
struct Twice(FrameFormat);

impl FrameKernel for Twice {
    fn format(&self) -> &FrameFormat {
        &self.0
    }
    fn input_rows(&self, out: std::ops::Range<usize>) -> std::ops::Range<usize> {
        out
    }
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            out.row_mut(0, row).iter_mut().zip(input.row(0, row)).for_each(|(o, i)| *o = 2.0 * i);
        }
    }
    fn on_device(&self) -> Option<DeviceWork> {
        Some(DeviceWork::new("twice"))
    }
}

const TWICE: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (inside(id)) { store(0u, row_of(id), id.x, 2.0 * src_at(0u, row_of(id), id.x)); }
}";

/// A frame all of `sample`, doubled.
fn twice(device: &Device, sample: f32) -> Result<Vec<f32>> {
    let format = FrameFormat { state: ImageState::Mosaic, width: 20, height: 30, facts: FrameFacts::default() };
    let samples = vec![sample; 600];
    let programs = Programs::none().with("twice", Program::new(TWICE));
    device.run_kernel(&programs, &Twice(format), &Band::new(&samples, 1, 20, 0..30), 0..30)
}

/// A device with frames of several strips.
fn device(patience: Duration) -> Option<Device> {
    crate::testing::device(Settings { max_binding: 400, patience, ..Settings::default() })
}

#[test]
fn work_that_is_not_done_is_a_lost_device_and_never_an_earlier_frame() {
    let Some(device) = device(Duration::from_secs(30)) else { return };
    assert_eq!(twice(&device, 1.0).unwrap(), [2.0; 600]);
    *lock(&device.0.fault) = Some(Fault::Skips);
    let e = twice(&device, 5.0).unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("did not do what it was given to do"), "{e}");
    assert!(device.lost().is_some(), "it is used again");
}

#[test]
fn a_panic_of_the_driver_while_it_is_waited_for_is_a_loss() {
    let Some(device) = device(Duration::from_secs(30)) else { return };
    *lock(&device.0.fault) = Some(Fault::Panics);
    let e = twice(&device, 1.0).unwrap_err();
    assert!(e.is_retryable() && e.kind() == ErrorKind::Io && e.to_string().contains("was lost"), "{e}");
    assert!(e.to_string().contains("parent device is lost"), "{e}");
    assert!(device.lost().is_some(), "it is used again");
}

#[test]
fn a_device_that_never_answers_is_given_up_and_let_go_of() {
    let Some(device) = device(Duration::from_millis(200)) else { return };
    *lock(&device.0.fault) = Some(Fault::Silent);
    let begun = Instant::now();
    let e = twice(&device, 1.0).unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("gave no answer"), "{e}");
    assert!(device.lost().is_some(), "it is used again");
    // The driver would wait for it without end.
    let opened = Arc::downgrade(&device.0);
    drop(device);
    assert!(opened.upgrade().is_none() && begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn waiting_for_the_memory_of_a_device_that_never_answers_ends_too() {
    let Some(device) = device(Duration::from_millis(200)) else { return };
    assert_eq!(twice(&device, 1.0).unwrap(), [2.0; 600]);
    // Its memory is spent, and it works at something.
    device.trim();
    let all = device.0.reserved_now(device.settings().memory).unwrap().unwrap();
    *lock(&device.0.fault) = Some(Fault::Silent);
    let pending = device.0.pulse.sent();
    let e = twice(&device, 1.0).unwrap_err();
    assert!(e.is_retryable() && e.to_string().contains("gave no answer"), "{e}");
    drop((all, pending));
}

#[test]
fn memory_of_a_frame_that_is_given_up_is_free_when_the_device_is_done_with_it() {
    let Some(device) = device(Duration::from_secs(30)) else { return };
    let format = FrameFormat { state: ImageState::Mosaic, width: 20, height: 30, facts: FrameFacts::default() };
    let kernel = Twice(format);
    // Two strips are on their way when it is given up.
    let asked = std::cell::Cell::new(0);
    let goes_on = || {
        asked.set(asked.get() + 1);
        asked.get() <= 2
    };
    let samples = vec![1.0; 600];
    let programs = Programs::none().with("twice", Program::new(TWICE));
    let input = Band::new(&samples, 1, 20, 0..30);
    let e = device.run_kernel_while(&programs, &kernel, &input, 0..30, &goes_on).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Cancelled);
    assert!(device.bytes_in_use() > 0, "it counts as free, and the driver still has it");
    device.0.poll(wgpu::PollType::Wait { submission_index: None, timeout: None }).unwrap();
    assert_eq!(device.bytes_in_use(), 0);
}

#[test]
fn an_error_outside_of_a_frame_is_not_told_of_the_next() {
    let Some(device) = device(Duration::from_secs(30)) else { return };
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::STORAGE;
    let wrong = wgpu::BufferDescriptor { label: None, size: 4, usage, mapped_at_creation: false };
    let _ = device.0.gpu.create_buffer(&wrong);
    assert_eq!(twice(&device, 1.0).unwrap(), [2.0; 600]);
}

#[test]
fn an_error_of_the_driver_has_the_stage() {
    let Some(device) = device(Duration::from_secs(30)) else { return };
    // More rows than a dispatch may have, cut as if it might.
    let format = FrameFormat { state: ImageState::Mosaic, width: 1, height: 100_000, facts: FrameFacts::default() };
    let compiled = device.0.compiled("twice", &Program::new(TWICE).workgroup(64, 1)).unwrap();
    let (kernel, samples) = (Twice(format.clone()), vec![1.0; format.height]);
    let work = kernel.on_device().unwrap();
    let who = "stage `tall`".into();
    let nodes = [Node { who, kernel: &kernel, work, compiled, from: None, read: 0..format.height }];
    let bounds = Bounds { binding: 1 << 20, buffer: 1 << 20, groups: 1 << 20 };
    let layout = Arc::new(Layout::new(Size::of(&format), &nodes, &bounds).unwrap());
    let picture = Array3::from_shape_vec((1, format.height, 1), samples).unwrap();
    let source = Frame::<Mosaic>::new(picture, FrameFacts::default()).unwrap();
    let e = device.fly(&layout, &nodes, &source, &Pool::default(), &|| true).map(|_| ()).unwrap_err();
    assert!(e.to_string().contains("stage `tall`"), "{e}");
}
