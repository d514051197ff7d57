//! Single frames, and their packing.

use std::sync::Arc;
use std::time::Duration;

use ndarray::Array3;
use rushes_core::ErrorKind;
use rushes_core::conformance::stages::Pattern;
use rushes_core::frame::{Band, BandMut, FrameFormat, ImageState};
use rushes_core::graph::{AnyStage, Registry};
use rushes_core::media::{ClipFormat, ClipMedia};
use rushes_core::run::CancellationToken;
use rushes_core::stage::{ClipRef, DeviceWork, FrameKernel, FrameStage, StageInfo};
use rushes_gpu::{GpuPreview, Packing, Program, Programs, Settings, testing};
use rushes_local::Preview;
use serde_json::json;

/// A mosaic of 12 bits as RGB, a bit below 0 and above 1.
#[derive(Debug, Clone, Copy)]
struct Tint {
    panics: bool,
}

struct TintKernel(FrameFormat, bool);

impl StageInfo for Tint {
    fn name(&self) -> &'static str {
        "tint"
    }
    fn version(&self) -> u32 {
        1
    }
    fn params(&self) -> serde_json::Value {
        json!({})
    }
}

impl FrameStage for Tint {
    fn input(&self) -> ImageState {
        ImageState::Mosaic
    }
    fn output(&self) -> ImageState {
        ImageState::Display
    }
    fn prepare(&self, input: &FrameFormat) -> rushes_core::Result<Box<dyn FrameKernel>> {
        Ok(Box::new(TintKernel(FrameFormat { state: ImageState::Display, ..input.clone() }, self.panics)))
    }
}

impl FrameKernel for TintKernel {
    fn format(&self) -> &FrameFormat {
        &self.0
    }
    fn input_rows(&self, out: std::ops::Range<usize>) -> std::ops::Range<usize> {
        out
    }
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let rows = out.rows();
        for (plane, row) in (0..3).flat_map(|p| rows.clone().map(move |r| (p, r))) {
            for (v, code) in out.row_mut(plane, row).iter_mut().zip(input.row(0, row)) {
                *v = (code - 256.0 * (plane as f32 + 1.0)) / 2048.0;
            }
        }
    }
    fn on_device(&self) -> Option<DeviceWork> {
        assert!(!self.1, "the test stage panics on purpose");
        Some(DeviceWork::new("tint"))
    }
}

const TINT: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) { return; }
    let row = row_of(id);
    for (var p = 0u; p < 3u; p++) {
        store(p, row, id.x, (src_at(0u, row, id.x) - 256.0 * f32(p + 1u)) / 2048.0);
    }
}";

fn clip() -> ClipRef {
    ClipRef {
        name: "CLIP".into(),
        format: ClipFormat::CinemaDng,
        media: ClipMedia::Files(Vec::new()),
        range: None,
        metadata: Arc::default(),
        substitutes: Vec::new(),
    }
}

fn registry() -> Registry {
    let mut registry = rushes_core::conformance::stages::registry();
    registry.with("tint", |_| Ok(AnyStage::frame(Tint { panics: false })));
    registry.with("bad-tint", |_| Ok(AnyStage::frame(Tint { panics: true })));
    registry
}

#[test]
fn a_packed_frame_has_the_codes_of_its_picture() {
    let pattern = Pattern { width: 75, height: 51, fail_at: Some(9), ..Pattern::default() };
    let chain =
        [("test-pattern", serde_json::to_value(pattern).unwrap()), ("test-half", json!({})), ("tint", json!({}))];
    let want = Preview::open(&registry(), &clip(), &chain).unwrap().frame(3).unwrap().1;
    let half = "@compute @workgroup_size(WG_X, WG_Y) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if (!inside(id)) { return; }
        let r = row_of(id);
        store(0u, r, id.x, (src_at(0u, r * 2u, id.x) + src_at(0u, min(r * 2u + 1u, g.src_height - 1u), id.x)) * 0.5);
    }";
    let both = Programs::none().with("test-half", Program::new(half)).with("tint", Program::new(TINT));
    // Without a program for the last stage, the words are made on the CPU.
    let one = Programs::none().with("test-half", Program::new(half));
    for (programs, max_binding) in [(both.clone(), 1 << 20), (both, 4000), (one, 1 << 20)] {
        let Some(device) = testing::device(Settings { max_binding, ..Settings::default() }) else { return };
        let preview = GpuPreview::with_programs(device.clone(), programs, &registry(), &clip(), &chain).unwrap();
        let mut picture = Array3::default((0, 0, 0));
        assert_eq!(preview.frame_into(3, &mut picture).unwrap().facts.frame, 3);
        assert_eq!(picture, want);
        let mut words = vec![7; 3];
        for (packing, bits, alpha) in [(Packing::Rgb10A2, 10, 3), (Packing::Rgba8, 8, 255), (Packing::Rgb10A2, 10, 3)] {
            let format = preview.packed_into(3, packing, &mut words).unwrap();
            assert_eq!(
                (format.state, format.width, format.height, words.len()),
                (ImageState::Display, 75, 26, 75 * 26)
            );
            let most = (1u32 << bits) - 1;
            for (i, word) in words.iter().enumerate() {
                let code = |p: usize| (want[[p, i / 75, i % 75]].clamp(0.0, 1.0) * most as f32 + 0.5) as u32;
                let codes = [0, 1, 2].map(|p| (word >> (p * bits)) & most);
                assert_eq!((codes, word >> (3 * bits)), ([0, 1, 2].map(code), alpha), "{packing:?}, pixel {i}");
            }
        }
        // A device that was lost is opened again.
        device.close();
        assert_eq!(preview.frame(3).unwrap().1, want);
        let e = preview.packed_into(9, Packing::Rgba8, &mut words).unwrap_err();
        assert!(e.to_string().contains("damaged on purpose") && e.frame_number() == Some(9), "{e}");
    }
}

#[test]
fn a_mosaic_cannot_be_packed() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let chain = [("test-pattern", json!({})), ("test-half", json!({}))];
    let half = "@compute @workgroup_size(WG_X, WG_Y) fn main() {}";
    let programs = Programs::none().with("test-half", Program::new(half));
    let preview = GpuPreview::with_programs(device, programs, &registry(), &clip(), &chain).unwrap();
    let e = preview.packed_into(1, Packing::Rgba8, &mut Vec::new()).unwrap_err();
    assert!(e.to_string().contains("no RGB"), "{e}");
}

#[test]
fn calls_end_when_they_should_and_say_where() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let programs = || Programs::none().with("tint", Program::new(TINT));
    let open = |tint: &str| {
        let chain = [("test-pattern", json!({})), (tint, json!({}))];
        GpuPreview::with_programs(device.clone(), programs(), &registry(), &clip(), &chain).unwrap()
    };
    let mut words = Vec::new();
    // A limit that is over at once, a token that has fired, a panic outside of the driver.
    let cancel = CancellationToken::new();
    let preview = open("tint").cancelled_by(cancel.clone());
    assert!(preview.packed_into(3, Packing::Rgba8, &mut words).is_ok());
    cancel.cancel();
    let short = open("tint").within(Duration::ZERO);
    for (preview, kind, says) in [
        (short, ErrorKind::Io, "the GPU gave no picture within"),
        (preview, ErrorKind::Cancelled, "cancelled"),
        (open("bad-tint"), ErrorKind::Panicked, "stage `bad-tint-1` panicked: the test stage panics on purpose"),
    ] {
        for e in [preview.frame(3).unwrap_err(), preview.packed_into(3, Packing::Rgba8, &mut words).unwrap_err()] {
            assert!(e.to_string().contains("making a preview on the GPU: clip CLIP, frame 3:"), "{e}");
            assert!(e.to_string().contains(says) && e.kind() == kind, "{e}");
            assert_eq!(e.is_retryable(), kind == ErrorKind::Io, "{e}");
        }
    }
    assert!(device.lost().is_none() && open("tint").frame(3).is_ok());
}
