// words: first row and column of the active area, rows of the pattern, scale (f32), 1 if rows have deltas.
// table 0: a row of blacks for each row of the pattern. table 1: a delta for each row, or nothing.

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    let code = src_at(0u, row + word(0u), id.x + word(1u));
    let black = table(0u, row % word(2u) * g.dst_width + id.x);
    var delta = 0.0;
    if (word(4u) != 0u) {
        delta = table(1u, row);
    }
    store(0u, row, id.x, (code - black - delta) * number(3u));
}
