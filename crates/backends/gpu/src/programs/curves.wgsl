// Curves and matrices that several programs share; as in rushes_core::simd, so that no driver's own exp2, log2 and pow,
// whose precision differs, is asked. Rounding is by round(), which no optimiser sees through.

const ONE_BITS: u32 = 0x3f800000u;
const SMALLEST: f32 = 1.1754944e-38;

// Whether v is no number: by its bits, because drivers may take for granted that none comes.
fn is_nan(v: f32) -> bool {
    return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// The size of one number with the sign of another.
fn with_sign(size: f32, signed: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(size) & 0x7fffffffu) | (bitcast<u32>(signed) & 0x80000000u));
}

// Binary logarithm of a positive number, to 1e-7 or the last bit.
fn binary_log(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let e = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
    let t = bitcast<f32>(bits - bitcast<u32>(e << 23u)) - 1.0;
    var v = fma(0.12541249, t, -0.21030342);
    v = fma(v, t, 0.2173794);
    v = fma(v, t, -0.23851943);
    v = fma(v, t, 0.28765667);
    v = fma(v, t, -0.3607212);
    v = fma(v, t, 0.48092253);
    v = fma(v, t, -0.72134713);
    v = fma(v, t, 1.44269487);
    return fma(t, v, f32(e));
}

// Two to the power of y, limited to normal numbers; 1e-7 of the result.
fn power_of_two(y: f32) -> f32 {
    let above = select(-126.0, y, y > -126.0);
    let limited = select(127.0, above, above < 127.0);
    let whole = round(limited);
    let f = limited - whole;
    var v = fma(0.00015478022, f, 0.001340043);
    v = fma(v, f, 0.0096179945);
    v = fma(v, f, 0.05550327);
    v = fma(v, f, 0.24022652);
    v = fma(v, f, 0.6931472);
    v = fma(v, f, 1.0);
    return bitcast<f32>(bitcast<u32>(v) + (bitcast<u32>(i32(whole)) << 23u));
}

// x to the power of p; zero for zero, negative numbers and what is no number.
fn general_power(x: f32, p: f32) -> f32 {
    return select(0.0, power_of_two(p * binary_log(x)), x > 0.0);
}

// The whole number below x and what is above it; from 0 to `most`, and 0 for what is no number.
struct Place {
    whole: u32,
    part: f32,
}

fn place_of(x: f32, most: f32) -> Place {
    let above = select(0.0, x, x > 0.0);
    let within = select(most, above, above < most);
    let whole = u32(within);
    return Place(whole, within - f32(whole));
}

// The matrix whose nine numbers, row by row, stand in the words from `at` on.
fn matrix(at: u32, v: vec3<f32>) -> vec3<f32> {
    return vec3<f32>(
        number(at) * v.x + number(at + 1u) * v.y + number(at + 2u) * v.z,
        number(at + 3u) * v.x + number(at + 4u) * v.y + number(at + 5u) * v.z,
        number(at + 6u) * v.x + number(at + 7u) * v.y + number(at + 8u) * v.z,
    );
}

// The three planes of a pixel.
fn pixel_at(row: u32, column: u32) -> vec3<f32> {
    return vec3<f32>(src_at(0u, row, column), src_at(1u, row, column), src_at(2u, row, column));
}

fn store_pixel(row: u32, column: u32, v: vec3<f32>) {
    store(0u, row, column, v.x);
    store(1u, row, column, v.y);
    store(2u, row, column, v.z);
}
