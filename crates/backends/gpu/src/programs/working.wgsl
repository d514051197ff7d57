// The way into the working space of a look and back. In the words from `at` on: 0 where the space is linear, 1 for ACEScct, 2
// for a camera's log encoding; the matrix into it and the one back; and of the camera's curve light and code value of the
// break, slope and offset before the logarithm, slope and offset after it, slope and offset of the toe.

const BACK: u32 = 10u;
const CURVE: u32 = 19u;

const SLOPE_A: f32 = 10.5402377416545;
const OFFSET_B: f32 = 0.0729055341958355;
const STOPS: f32 = 17.52;

fn to_acescct(v: f32) -> f32 {
    let log = (binary_log(v) + 9.72) * (1.0 / STOPS);
    return select(SLOPE_A * v + OFFSET_B, log, v > 0.0078125);
}

fn from_acescct(v: f32) -> f32 {
    let power = power_of_two(v * STOPS - 9.72);
    return select((v - OFFSET_B) * (1.0 / SLOPE_A), power, v > 0.155251141552511);
}

fn to_camera(at: u32, v: f32) -> f32 {
    let log = fma(number(at + 4u), binary_log(fma(number(at + 2u), v, number(at + 3u))), number(at + 5u));
    return select(fma(number(at + 6u), v, number(at + 7u)), log, v > number(at));
}

fn from_camera(at: u32, v: f32) -> f32 {
    let light = (power_of_two((v - number(at + 5u)) / number(at + 4u)) - number(at + 3u)) / number(at + 2u);
    return select((v - number(at + 7u)) / number(at + 6u), light, v > number(at + 1u));
}

fn enter_space(at: u32, rgb: vec3<f32>) -> vec3<f32> {
    let v = matrix(at + 1u, rgb);
    let curve = at + CURVE;
    switch word(at) {
        case 0u: { return v; }
        case 1u: { return vec3<f32>(to_acescct(v.x), to_acescct(v.y), to_acescct(v.z)); }
        default: { return vec3<f32>(to_camera(curve, v.x), to_camera(curve, v.y), to_camera(curve, v.z)); }
    }
}

fn leave_space(at: u32, rgb: vec3<f32>) -> vec3<f32> {
    let curve = at + CURVE;
    var v = rgb;
    switch word(at) {
        case 0u: {}
        case 1u: { v = vec3<f32>(from_acescct(v.x), from_acescct(v.y), from_acescct(v.z)); }
        default: { v = vec3<f32>(from_camera(curve, v.x), from_camera(curve, v.y), from_camera(curve, v.z)); }
    }
    return matrix(at + BACK, v);
}
