// No words, no tables. What comes out are words in the place of samples, in a binding of its own type: a float that
// is not a number need not keep its bits.

@group(0) @binding(1) var<storage, read_write> packed: array<u32>;

fn code(v: f32, most: f32) -> u32 {
    return u32(clamp(v, 0.0, 1.0) * most + 0.5);
}

fn put(id: vec3<u32>, bits: u32, alpha: u32) {
    let row = row_of(id);
    let most = f32((1u << bits) - 1u);
    var w = alpha;
    for (var p = 3u; p > 0u; p--) {
        w = (w << bits) | code(src_at(p - 1u, row, id.x), most);
    }
    packed[id.y * g.dst_width + id.x] = w;
}

@compute @workgroup_size(WG_X, WG_Y)
fn rgb10a2(@builtin(global_invocation_id) id: vec3<u32>) {
    if (inside(id)) { put(id, 10u, 3u); }
}

@compute @workgroup_size(WG_X, WG_Y)
fn rgba8(@builtin(global_invocation_id) id: vec3<u32>) {
    if (inside(id)) { put(id, 8u, 255u); }
}
