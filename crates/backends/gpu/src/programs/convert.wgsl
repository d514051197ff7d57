// words: the matrix.

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    store_pixel(row, id.x, matrix(0u, pixel_at(row, id.x)));
}
