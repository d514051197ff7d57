// words: the limits of red, green and blue; the matrix.

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    let rgb = pixel_at(row, id.x);
    let limit = vec3<f32>(number(0u), number(1u), number(2u));
    // What is no number becomes the limit.
    store_pixel(row, id.x, matrix(3u, select(limit, rgb, rgb < limit)));
}
