// The way into the working space of a look and back. In the words from `at` on: 1 where the space is ACEScct; the matrix
// into it and the one back.

const SLOPE_A: f32 = 10.5402377416545;
const OFFSET_B: f32 = 0.0729055341958355;
const STOPS: f32 = 17.52;

fn to_acescct(v: f32) -> f32 {
    let log = (binary_log(v) + 9.72) * (1.0 / STOPS);
    return select(log, SLOPE_A * v + OFFSET_B, v <= 0.0078125);
}

fn from_acescct(v: f32) -> f32 {
    let power = power_of_two(v * STOPS - 9.72);
    return select(power, (v - OFFSET_B) * (1.0 / SLOPE_A), v <= 0.155251141552511);
}

fn enter_space(at: u32, rgb: vec3<f32>) -> vec3<f32> {
    let v = matrix(at + 1u, rgb);
    if (word(at) == 0u) {
        return v;
    }
    return vec3<f32>(to_acescct(v.x), to_acescct(v.y), to_acescct(v.z));
}

fn leave_space(at: u32, rgb: vec3<f32>) -> vec3<f32> {
    if (word(at) == 0u) {
        return matrix(at + 10u, rgb);
    }
    return matrix(at + 10u, vec3<f32>(from_acescct(rgb.x), from_acescct(rgb.y), from_acescct(rgb.z)));
}
