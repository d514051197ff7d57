//! Programs of several passes: scratch planes, halos, blocks, tables, whatever the strips.

use std::ops::Range;
use std::sync::Arc;

use rushes_core::frame::{Band, BandMut, FrameFacts, FrameFormat, ImageState};
use rushes_core::stage::{DeviceWork, FrameKernel};
use rushes_gpu::{Columns, Pass, Program, Programs, Rows, Settings, testing};

/// Half as wide, a third as high: first the sum of two columns, then the weighted sum of three rows, then each with
/// its four neighbours. All numbers are small and whole, so that every order of additions gives the same.
struct Shrink {
    format: FrameFormat,
    height: usize,
    weights: Arc<[f32]>,
}

impl Shrink {
    fn new(width: usize, height: usize) -> Self {
        let size =
            |width, height| FrameFormat { state: ImageState::CameraRgb, width, height, facts: FrameFacts::default() };
        Self { format: size(width / 2, height / 3), height, weights: vec![1.0, 2.0, 3.0].into() }
    }

    fn small(&self, input: &Band<'_>, plane: usize, row: usize, col: usize) -> f32 {
        let sum = |r: usize| input.row(plane, r)[2 * col] + input.row(plane, r)[2 * col + 1];
        (0..3).map(|i| self.weights[i] * sum(3 * row + i)).sum()
    }
}

impl FrameKernel for Shrink {
    fn format(&self) -> &FrameFormat {
        &self.format
    }

    fn input_rows(&self, out: Range<usize>) -> Range<usize> {
        out.start.saturating_sub(1) * 3..((out.end + 1) * 3).min(self.height)
    }

    fn run(&self, input: &Band<'_>, out: &mut BandMut<'_>) {
        let (width, height) = (self.format.width, self.format.height);
        for plane in 0..3 {
            for row in out.rows() {
                for col in 0..width {
                    let at = |r: usize, c: usize| self.small(input, plane, r, c);
                    let mut sum = at(row, col);
                    sum += if row > 0 { at(row - 1, col) } else { 0.0 };
                    sum += if row + 1 < height { at(row + 1, col) } else { 0.0 };
                    sum += if col > 0 { at(row, col - 1) } else { 0.0 };
                    sum += if col + 1 < width { at(row, col + 1) } else { 0.0 };
                    out.row_mut(plane, row)[col] = sum;
                }
            }
        }
    }

    fn on_device(&self) -> Option<DeviceWork> {
        // Two tables, the first of which is only in the way.
        Some(DeviceWork::new("shrink").word(3).numbers([0.0]).table(vec![9.0; 5]).table(Arc::clone(&self.weights)))
    }
}

const SHRINK: &str = "
@compute @workgroup_size(WG_X, WG_Y)
fn columns(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) { return; }
    let r = row_of(id);
    for (var p = 0u; p < g.planes_out; p++) {
        store(p, r, id.x, src_at(p, r, id.x * 2u) + src_at(p, r, id.x * 2u + 1u));
    }
}

@compute @workgroup_size(WG_X, WG_Y)
fn rows(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) { return; }
    let r = row_of(id);
    for (var p = 0u; p < g.planes_out; p++) {
        var sum = number(1u);
        for (var i = 0u; i < word(0u); i++) { sum += table(1u, i) * earlier_at(p, r * 3u + i, id.x); }
        store(p, r, id.x, sum);
    }
}

@compute @workgroup_size(WG_X, WG_Y)
fn cross(@builtin(global_invocation_id) id: vec3<u32>) {
    let first = vec2(id.x * 3u, (g.dst_first / 2u + id.y) * 2u);
    for (var r = first.y; r < first.y + 2u; r++) {
        for (var c = first.x; c < first.x + 3u; c++) {
            if (r < g.dst_first || r >= g.dst_first + g.dst_rows || c >= g.dst_width) { continue; }
            for (var p = 0u; p < 3u; p++) {
                var sum = earlier_at(p, r, c);
                if (r > 0u) { sum += earlier_at(p, r - 1u, c); }
                if (r + 1u < g.dst_height) { sum += earlier_at(p, r + 1u, c); }
                if (c > 0u) { sum += earlier_at(p, r, c - 1u); }
                if (c + 1u < g.dst_width) { sum += earlier_at(p, r, c + 1u); }
                store(p, r, c, sum);
            }
        }
    }
}";

#[test]
fn scratch_halos_blocks_and_tables_are_where_a_pass_expects_them() {
    let program = Program::new(SHRINK)
        .workgroup(8, 4)
        .pass(Pass::scratch("columns", 3, Rows::Input).columns(Columns::Output))
        .pass(Pass::scratch("rows", 3, Rows::Halo(1)))
        .pass(Pass::output("cross").block(3, 2));
    let programs = Programs::none().with("shrink", program);
    let (width, height) = (75, 126);
    let samples: Vec<f32> = (0..3 * width * height).map(|i| ((i * 7919) % 251) as f32).collect();
    let input = Band::new(&samples, 3, width, 0..height);
    let kernel = Shrink::new(width, height);
    // The whole frame, and strips down to one row with what it needs: nine rows of the frame.
    for max_binding in [1 << 20, 40_000, 20_000, 9 * 75 * 3 * 4] {
        let Some(device) = testing::device(Settings { max_binding, ..Settings::default() }) else { return };
        for out in [0..42, 1..42, 0..41, 17..24, 5..6] {
            let got = device.run_kernel(&programs, &kernel, &input, out.clone()).unwrap();
            let mut want = vec![0.0; got.len()];
            kernel.run(&input, &mut BandMut::new(&mut want, 3, width / 2, out.clone()));
            assert_eq!(got, want, "rows {out:?}, bindings of {max_binding}");
        }
    }
    let Some(device) = testing::device(Settings { max_binding: 8 * 75 * 3 * 4, ..Settings::default() }) else { return };
    let e = device.run_kernel(&programs, &kernel, &input, 0..42).unwrap_err();
    assert!(e.to_string().contains("a row of the picture and those around it"), "{e}");
}

#[test]
fn programs_that_make_no_sense_are_told_by_name() {
    let Some(device) = testing::device(Settings::default()) else { return };
    let kernel = Shrink::new(8, 9);
    let samples = [1.0; 216];
    let input = Band::new(&samples, 3, 8, 0..9);
    let run = |program: Program| {
        let programs = Programs::none().with("shrink", program);
        device.run_kernel(&programs, &kernel, &input, 0..3).unwrap_err().to_string()
    };
    let main = "@compute @workgroup_size(WG_X, WG_Y) fn main() {}";
    for (program, says) in [
        (Program::new("fn main( {"), "expected"),
        (Program::new("fn f() -> f32 { return no_such_function(); }"), "no_such_function"),
        (Program::new(main).pass(Pass::output("other")), "other"),
        (Program::new(main).pass(Pass::scratch("main", 1, Rows::Output)), "the last pass writes the output"),
        (Program::new(main).workgroup(0, 1), "no size is 0"),
        (Program::new(main).workgroup(4096, 4096), "workgroup"),
    ] {
        let said = run(program);
        assert!(
            said.contains("program `shrink`") && said.contains(says) && said.contains("bug of the program"),
            "{said}"
        );
    }
    let e = device.run_kernel(&Programs::none(), &kernel, &input, 0..3).unwrap_err();
    assert!(e.to_string().contains("there is no program `shrink`"), "{e}");
}
