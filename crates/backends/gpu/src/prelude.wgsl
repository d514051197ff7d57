// Before every program's text stand `const WG_X`, `const WG_Y` and this.

struct Geometry {
    // The node's input: rows src_first .. src_first + src_rows of a frame of src_height rows.
    src_width: u32, src_first: u32, src_rows: u32, src_height: u32,
    // What this pass writes.
    dst_width: u32, dst_first: u32, dst_rows: u32, dst_height: u32,
    // What the pass before wrote, if it wrote scratch planes.
    earlier_width: u32, earlier_first: u32, earlier_rows: u32, earlier_height: u32,
    planes_in: u32, planes_out: u32, planes_earlier: u32,
    // How many tables there are.
    tables: u32,
    table_starts: array<vec4<u32>, 2>,
}

// Planes one after the other, rows contiguous.
@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<f32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read> table_data: array<f32>;
@group(0) @binding(4) var<uniform> g: Geometry;
@group(0) @binding(5) var<storage, read> earlier: array<f32>;

// Whether an invocation of a pass without blocks has a pixel.
fn inside(id: vec3<u32>) -> bool {
    return id.x < g.dst_width && id.y < g.dst_rows;
}

// The row of the frame that an invocation of a pass without blocks computes.
fn row_of(id: vec3<u32>) -> u32 {
    return g.dst_first + id.y;
}

// Sample at row r of the frame, column c, plane p.
fn src_at(p: u32, r: u32, c: u32) -> f32 {
    return src[(p * g.src_rows + (r - g.src_first)) * g.src_width + c];
}

fn earlier_at(p: u32, r: u32, c: u32) -> f32 {
    return earlier[(p * g.earlier_rows + (r - g.earlier_first)) * g.earlier_width + c];
}

fn store(p: u32, r: u32, c: u32, v: f32) {
    dst[(p * g.dst_rows + (r - g.dst_first)) * g.dst_width + c] = v;
}

fn word(i: u32) -> u32 {
    return words[i];
}

fn number(i: u32) -> f32 {
    return bitcast<f32>(words[i]);
}

fn table_start(t: u32) -> u32 {
    return g.table_starts[t / 4u][t % 4u];
}

fn table(t: u32, i: u32) -> f32 {
    return table_data[table_start(t) + i];
}
