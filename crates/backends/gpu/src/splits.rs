//! Which stages of a frame are on the device, and how they lie there.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rushes_color::output::Target;
use rushes_color::{InputTransform, Linearize, OutputTransform};
use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::media::{CalibratedIlluminant, CameraColor, Cfa, Levels, WhitePoint};
use rushes_core::plan::{PreparedNode, PreparedTree, Work};
use rushes_core::stage::{DeviceWork, FrameKernel, FrameStage, SourceFrame};
use rushes_core::{ErrorKind, Result};
use rushes_debayer::{Debayer, Method};
use rushes_local::OpenCoprocessor as _;
use rushes_proxy::{Scale, ScaleTo};

use crate::device::Settings;
use crate::program::{Program, Programs};
use crate::sizes::Sizes;
use crate::testing;
use crate::unit::OnDevice;

fn format(width: usize, height: usize) -> FrameFormat {
    let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let color = CameraColor {
        calibrations: vec![CalibratedIlluminant {
            light_source: 21,
            color_matrix: [[0.7866, -0.2108, -0.0555], [-0.4869, 1.2483, 0.2681], [-0.1176, 0.2069, 0.7501]],
            forward_matrix: None,
            camera_calibration: identity,
        }],
        analog_balance: [1.0; 3],
        baseline_exposure: 0.0,
        as_shot: Some(WhitePoint::Neutral([0.47, 1.0, 0.62])),
    };
    let facts = FrameFacts {
        camera_color: Some(color),
        levels: Some(Levels::flat(256.0, 4095.0)),
        cfa: Some(Cfa::Rggb),
        ..FrameFacts::default()
    };
    FrameFormat { state: ImageState::Mosaic, width, height, facts }
}

/// A source, kernels, and a sink at each of them that has none after it.
fn tree(source: FrameFormat, kernels: Vec<(&str, usize, Box<dyn FrameKernel>)>) -> PreparedTree {
    let node = |id: &str, from, work, format| PreparedNode { id: id.into(), from, work, format };
    let mut nodes = vec![node("source", None, Work::Source, source)];
    for (id, from, kernel) in kernels {
        let format = kernel.format().clone();
        nodes.push(node(id, Some(from), Work::Kernel(kernel), format));
    }
    for i in (1..nodes.len()).filter(|i| !nodes.iter().any(|n| n.from == Some(*i))).collect::<Vec<_>>() {
        let format = nodes[i].format.clone();
        nodes.push(node("sink", Some(i), Work::Sink, format));
    }
    PreparedTree { nodes }
}

/// Mosaic to plate, and to a proxy of 1080 rows.
fn developed(width: usize, height: usize) -> PreparedTree {
    let source = format(width, height);
    let stages: [Box<dyn FrameStage>; 5] = [
        Box::new(Linearize {}),
        Box::new(Debayer::new(Method::Gbtf)),
        Box::new(InputTransform::default()),
        Box::new(Scale::scene_linear(ScaleTo::Fit { width: 1920, height: 1080 })),
        Box::new(OutputTransform { display: Target::Rec709 }),
    ];
    let mut input = source.clone();
    let mut kernels = Vec::new();
    for (i, (stage, id)) in stages.iter().zip(["linear", "rgb", "scene", "small", "display"]).enumerate() {
        let kernel = stage.prepare(&input).unwrap();
        input = kernel.format().clone();
        kernels.push((id, i, kernel));
    }
    let mut tree = tree(source, kernels);
    let plate = tree.nodes[3].format.clone();
    tree.nodes.push(PreparedNode { id: "plate".into(), from: Some(3), work: Work::Sink, format: plate });
    tree
}

#[test]
fn frames_of_large_sensors_have_room_in_strips_that_are_not_too_small() {
    let Some(device) = testing::device(Settings::default()) else { return };
    for (width, height, at_once) in [(9504, 6336, 1), (12_288, 6480, 1), (8192, 5464, 2), (4096, 3024, 3)] {
        let on = OnDevice::new(&device, &Programs::stock(), &developed(width, height)).unwrap();
        let [layout] = &on.layouts()[..] else { panic!("several layouts") };
        let bytes = Sizes::of(layout, &device.0.limits).bytes();
        assert!(bytes * at_once <= device.settings().memory, "{width} x {height}: {} MiB", bytes >> 20);
        assert!(layout.strips.len() < 100, "{width} x {height}: {} strips", layout.strips.len());
    }
}

/// Gives its input.
struct Same {
    format: FrameFormat,
    program: Option<&'static str>,
    tables: Vec<Arc<[f32]>>,
    panics: bool,
    /// How often it was asked which rows it needs.
    asked: Arc<AtomicUsize>,
}

impl Same {
    fn boxed(format: &FrameFormat, program: Option<&'static str>) -> Box<dyn FrameKernel> {
        Box::new(Self { format: format.clone(), program, tables: Vec::new(), panics: false, asked: Arc::default() })
    }
}

impl FrameKernel for Same {
    fn format(&self) -> &FrameFormat {
        &self.format
    }
    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "the test stage panics on purpose");
        out
    }
    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        for row in out.rows() {
            out.row_mut(0, row).copy_from_slice(input.row(0, row));
        }
    }
    fn on_device(&self) -> Option<DeviceWork> {
        let work = DeviceWork::new(self.program?);
        Some(self.tables.iter().fold(work, |work, table| work.table(Arc::clone(table))))
    }
}

const SAME: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (inside(id)) { store(0u, row_of(id), id.x, src_at(0u, row_of(id), id.x)); }
}";

fn programs() -> Programs {
    Programs::none().with("same", Program::new(SAME).workgroup(64, 1))
}

struct Rows(FrameFormat);

impl SourceFrame for Rows {
    fn format(&self) -> FrameFormat {
        self.0.clone()
    }
    fn rows(&self, out: &mut BandMut<'_>) {
        for row in out.rows() {
            out.row_mut(0, row).fill(row as f32);
        }
    }
}

/// The nodes whose rows come back.
fn computed(on: &OnDevice, tree: &PreparedTree) -> Result<Vec<usize>> {
    let source = Rows(tree.nodes[0].format.clone());
    on.compute(tree, &source, &|| true).map(|rows| rows.iter().map(|(node, _)| *node).collect())
}

#[test]
fn every_frame_says_for_itself_what_is_on_the_device() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let format = format(20, 10);
    let chain = |programs: [Option<&'static str>; 3]| {
        let kernels = ["a", "b", "c"].into_iter().zip(programs).enumerate();
        tree(format.clone(), kernels.map(|(i, (id, program))| (id, i, Same::boxed(&format, program))).collect())
    };
    let same = Some("same");
    let (all, some, none) = (chain([same; 3]), chain([same, None, same]), chain([None, same, same]));
    let on = OnDevice::new(&device, &programs(), &all).unwrap();
    assert_eq!(computed(&on, &all).unwrap(), [3]);
    assert!(on.findings().is_empty());
    // What the CPU computes is told, and why.
    assert_eq!(computed(&on, &some).unwrap(), [1]);
    let told = |on: &OnDevice| on.findings().into_iter().map(|f| f.text).collect::<Vec<_>>();
    assert_eq!(
        told(&on),
        [
            "computed on the CPU, for want of a program on the GPU: `b`",
            "computed on the CPU, because they take from a stage that the CPU computes: `c`"
        ]
    );
    assert_eq!(computed(&on, &none).unwrap(), [0; 0]);
    assert!(told(&on)[0].ends_with("`b`, `a`"), "{:?}", told(&on));
    // Whatever frame comes first.
    let on = OnDevice::new(&device, &programs(), &some).unwrap();
    assert_eq!(computed(&on, &all).unwrap(), [3]);
}

#[test]
fn frames_may_be_taller_than_a_dispatch() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let format = format(3, 150_000);
    let tree = tree(format.clone(), vec![("a", 0, Same::boxed(&format, Some("same")))]);
    let on = OnDevice::new(&device, &programs(), &tree).unwrap();
    let rows = on.compute(&tree, &Rows(format), &|| true).unwrap();
    let last = rows[0].1.planes();
    assert!((0..150_000).all(|row| last[[0, row, 2]] == row as f32));
    assert!(on.layouts()[0].strips.len() >= 3);
}

#[test]
fn what_cannot_work_is_refused_before_a_frame_is_made_and_a_panic_has_its_stage() {
    let settings = Settings { max_binding: 4096, ..Settings::default() };
    let Some(device) = testing::device(settings) else { return };
    let format = format(20, 10);
    let of = |tables: Vec<Arc<[f32]>>, panics| {
        let kernel = Same { format: format.clone(), program: Some("same"), tables, panics, asked: Arc::default() };
        OnDevice::new(&device, &programs(), &tree(format.clone(), vec![("b", 0, Box::new(kernel))])).map(|_| ())
    };
    let e = of(vec![vec![0.0; 1025].into()], false).unwrap_err();
    assert!(e.to_string().contains("the tables of a stage have 4100 bytes"), "{e}");
    let e = of(Vec::new(), true).unwrap_err();
    assert!(e.to_string().contains("stage `b` panicked") && e.kind() == ErrorKind::Panicked, "{e}");
    of(vec![vec![0.0; 1024].into()], false).unwrap();
}

#[test]
fn strips_are_looked_for_once_and_not_one_by_one() {
    // Strips of a few rows of many, so that every number of them up to the right one would be some million.
    let settings = Settings { max_binding: 4 * 20 * 4, ..Settings::default() };
    let Some(device) = testing::device(settings) else { return };
    let (format, asked) = (format(20, 9999), Arc::new(AtomicUsize::new(0)));
    let kernel =
        Same { format: format.clone(), program: Some("same"), tables: Vec::new(), panics: false, asked: asked.clone() };
    let tree = tree(format.clone(), vec![("a", 0, Box::new(kernel))]);
    let on = OnDevice::new(&device, &programs(), &tree).unwrap();
    let strips = on.layouts()[0].strips.len();
    assert!(strips >= 2500 && asked.load(Ordering::Relaxed) <= 10 * strips, "{strips} strips, {asked:?}");
    asked.store(0, Ordering::Relaxed);
    assert_eq!(computed(&on, &tree).unwrap(), [1]);
    assert_eq!(asked.load(Ordering::Relaxed), strips);
    assert_eq!(on.layouts().len(), 1);
}
