@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    let top = word(1u) + 2u * row;
    let left = word(0u) + 2u * id.x;
    let red_row = top + word(2u);
    let red_column = left + word(3u);
    let blue_row = top + 1u - word(2u);
    let blue_column = left + 1u - word(3u);
    store(0u, row, id.x, src_at(0u, red_row, red_column));
    store(1u, row, id.x, (src_at(0u, red_row, blue_column) + src_at(0u, blue_row, red_column)) * 0.5);
    store(2u, row, id.x, src_at(0u, blue_row, blue_column));
}
