// words: the working space (27); 1 where values are clamped; slopes, offsets, powers; saturation.

const CLAMPED: u32 = 27u;
const SLOPE: u32 = 28u;
const OFFSET: u32 = 31u;
const POWER: u32 = 34u;
const SATURATION: u32 = 37u;

// Comparisons keep what is no number as it is.
fn limited(v: f32) -> f32 {
    if (word(CLAMPED) == 0u) {
        return v;
    }
    let above = select(v, 0.0, v < 0.0);
    return select(above, 1.0, above > 1.0);
}

fn corrected(v: f32, channel: u32) -> f32 {
    let linear = limited(v * number(SLOPE + channel) + number(OFFSET + channel));
    let power = number(POWER + channel);
    if (power == 1.0 || !(linear > 0.0)) {
        return linear;
    }
    return general_power(linear, power);
}

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    let rgb = enter_space(0u, pixel_at(row, id.x));
    var v = vec3<f32>(corrected(rgb.x, 0u), corrected(rgb.y, 1u), corrected(rgb.z, 2u));
    let saturation = number(SATURATION);
    if (saturation != 1.0) {
        let luma = v.x * 0.2126 + v.y * 0.7152 + v.z * 0.0722;
        let wide = luma + saturation * (v - luma);
        v = vec3<f32>(limited(wide.x), limited(wide.y), limited(wide.z));
    }
    store_pixel(row, id.x, leave_space(0u, v));
}
