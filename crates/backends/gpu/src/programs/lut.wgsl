// words, for the 1D table and then for the 3D one: points (a side), 0 where there is no such table; where red, green and
// blue begin; their steps per unit. Then 1 for trilinear; the working space (27).
// table 0: rows of the 1D table, three numbers each. table 1: rows of the 3D table, four numbers each, red fastest.

const ONE: u32 = 0u;
const THREE: u32 = 7u;
const TRILINEAR: u32 = 14u;
const SPACE: u32 = 15u;

// The place of a value on an axis of the table whose words begin at `at`.
fn place_on(at: u32, v: f32, axis: u32) -> Place {
    return place_of((v - number(at + 1u + axis)) * number(at + 4u + axis), f32(word(at) - 1u));
}

fn by_channel(v: f32, channel: u32) -> f32 {
    let p = place_on(ONE, v, channel);
    let low = table(0u, p.whole * 3u + channel);
    let high = table(0u, p.whole * 3u + 3u + channel);
    return fma(high - low, p.part, low);
}

fn grid_row(place: u32) -> vec3<f32> {
    return vec3<f32>(table(1u, place * 4u), table(1u, place * 4u + 1u), table(1u, place * 4u + 2u));
}

// Between the corners of the tetrahedron that holds the value: from the near corner of its cell to the far one along the axes,
// the largest fraction first.
fn tetrahedral(near: u32, steps: vec3<u32>, part: vec3<f32>) -> vec3<f32> {
    let red_first = part.x > part.y;
    let larger = select(part.y, part.x, red_first);
    let smaller = select(part.x, part.y, red_first);
    let first = select(select(steps.y, steps.x, red_first), steps.z, part.z > larger);
    let third = select(select(steps.x, steps.y, red_first), steps.z, part.z < smaller);
    let most = select(larger, part.z, part.z > larger);
    let least = select(smaller, part.z, part.z < smaller);
    let middle = select(select(part.z, larger, part.z > larger), smaller, part.z < smaller);
    let whole = steps.x + steps.y + steps.z;
    var v = (1.0 - most) * grid_row(near);
    v = fma(vec3<f32>(most - middle), grid_row(near + first), v);
    v = fma(vec3<f32>(middle - least), grid_row(near + whole - third), v);
    return fma(vec3<f32>(least), grid_row(near + whole), v);
}

fn trilinear(near: u32, steps: vec3<u32>, part: vec3<f32>) -> vec3<f32> {
    var v = vec3<f32>(0.0);
    for (var corner = 0u; corner < 8u; corner++) {
        let far = vec3<u32>(corner >> 2u, (corner >> 1u) & 1u, corner & 1u);
        let weight = select(1.0 - part, part, far == vec3<u32>(1u));
        let place = near + far.x * steps.x + far.y * steps.y + far.z * steps.z;
        v += weight.x * weight.y * weight.z * grid_row(place);
    }
    return v;
}

fn look_up(rgb: vec3<f32>) -> vec3<f32> {
    var v = rgb;
    if (word(ONE) != 0u) {
        v = vec3<f32>(by_channel(v.x, 0u), by_channel(v.y, 1u), by_channel(v.z, 2u));
    }
    let size = word(THREE);
    if (size != 0u) {
        let red = place_on(THREE, v.x, 0u);
        let green = place_on(THREE, v.y, 1u);
        let blue = place_on(THREE, v.z, 2u);
        let steps = vec3<u32>(1u, size, size * size);
        let near = red.whole + green.whole * steps.y + blue.whole * steps.z;
        let part = vec3<f32>(red.part, green.part, blue.part);
        if (word(TRILINEAR) != 0u) {
            v = trilinear(near, steps, part);
        } else {
            v = tetrahedral(near, steps, part);
        }
    }
    return v;
}

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    store_pixel(row, id.x, leave_space(SPACE, look_up(enter_space(SPACE, pixel_at(row, id.x)))));
}
