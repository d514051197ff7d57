// The ACES 2.0 output transform; rushes_color::output says what its steps are, and what the words and tables below.

const ENCODING: u32 = 0u;
const OTHER_GAMUT: u32 = 1u;
const BENDS: u32 = 2u;
const TO_AP1: u32 = 3u;
const TO_CONES: u32 = 12u;
const TO_OPPONENT: u32 = 21u;
const FROM_OPPONENT: u32 = 30u;
const FROM_CONES: u32 = 39u;
const TO_CODED: u32 = 48u;
const BRIGHTEST: u32 = 57u;
const WHITE: u32 = 58u;
const ACHROMATIC: u32 = 59u;
const SATURATION: u32 = 60u;
const EXPAND_FROM: u32 = 61u;
const COMPRESSION: u32 = 62u;
const NORM: u32 = 63u;
const LIMIT: u32 = 64u;
const MID_J: u32 = 65u;
const GAIN: u32 = 66u;
const LEAST_ROOM: u32 = 67u;
const SLOPE: u32 = 68u;
const FROM_ACESCG: u32 = 69u;
const TO_AP0: u32 = 70u;

// Places of powers in table 0 and of curves in table 1.
const A_POWER: u32 = 65u;
const RESPOND: u32 = 0u;
const LIGHTNESS: u32 = A_POWER;
const INVERSE: u32 = 2u * A_POWER;
const UNRESPOND: u32 = 3u * A_POWER;
const BELOW: u32 = 4u * A_POWER;
const ENCODE: u32 = 5u * A_POWER;
const A_CURVE: u32 = 321u;
const TONE: u32 = 0u;
const PQ: u32 = A_CURVE;
const REACH_TABLE: u32 = 2u;
const HULL_TABLE: u32 = 3u;
const BENDS_TABLE: u32 = 4u;

// Offset of the cone response, and the largest number of a half float.
const OFFSET: f32 = 27.13;
const HALF_MAX: f32 = 65504.0;
const LOG10_2: f32 = 0.30102999566;
// How much the parts of the hull are smoothed into each other, and from which part of it M is compressed.
const SMOOTH: f32 = 0.12;
const THRESHOLD: f32 = 0.75;

// As rushes_core::simd::Power: zero below the smallest number that has a place.
fn raised(at: u32, x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let piece = at + ((bits >> 20u) & 7u);
    let t = bitcast<f32>((bits & 0x000fffffu) | ONE_BITS) - 1.0625;
    var v = fma(table(0u, piece + 24u), t, table(0u, piece + 16u));
    v = fma(v, t, table(0u, piece + 8u));
    v = fma(v, t, table(0u, piece));
    v = v * table(0u, at + 32u + ((bits >> 23u) & 31u));
    return select(0.0, v, x >= table(0u, at + 64u));
}

fn all_raised(at: u32, v: vec3<f32>) -> vec3<f32> {
    return vec3<f32>(raised(at, v.x), raised(at, v.y), raised(at, v.z));
}

// As rushes_core::simd::Curve.
fn curved(at: u32, x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let piece = at + ((bits >> 21u) & 63u);
    let t = bitcast<f32>((bits & 0x001fffffu) | ONE_BITS) - 1.125;
    var v = fma(table(1u, piece + 256u), t, table(1u, piece + 192u));
    v = fma(v, t, table(1u, piece + 128u));
    v = fma(v, t, table(1u, piece + 64u));
    v = fma(v, t, table(1u, piece));
    return select(0.0, v, x >= table(1u, at + 320u));
}

// Quantity k of a table of `count` at the places from 0 to 360, linear between them.
fn between_places(t: u32, count: u32, k: u32, place: f32) -> f32 {
    let whole = round(place - 0.5);
    let at = min(u32(max(whole, 0.0)), 360u);
    let low = table(t, at * count + k);
    let high = table(t, min(at + 1u, 360u) * count + k);
    return fma(high - low, place - whole, low);
}

// The angle of (x, y) in degrees, 0 to 360, where the smaller of the two is `ratio` of the larger, without signs.
fn degrees_of(ratio: f32, y: f32, x: f32) -> f32 {
    let s = ratio * ratio;
    var v = fma(-0.004054562, s, 0.02186294);
    v = fma(v, s, -0.0559123);
    v = fma(v, s, 0.096421955);
    v = fma(v, s, -0.13908629);
    v = fma(v, s, 0.19946566);
    v = fma(v, s, -0.3332986);
    v = fma(v, s, 0.99999934);
    let eighth = ratio * v * 57.29578;
    let quarter = select(eighth, 90.0 - eighth, abs(y) > abs(x));
    let half = select(quarter, 180.0 - quarter, x < 0.0);
    return select(half, 360.0 - half, y < 0.0);
}

// From 0 to `most`; what is no number is 0.
fn within(v: f32, most: f32) -> f32 {
    let above = select(0.0, v, v > 0.0);
    return select(most, above, above < most);
}

fn between(a: f32, b: f32, t: f32) -> f32 {
    return fma(b - a, t, a);
}

// A colour of a hue.
struct Colour {
    // Lightness, 1 at the display's white; colourfulness; cosine and sine of the hue.
    j: f32,
    m: f32,
    cosine: f32,
    sine: f32,
    // The achromatic response, what the tone scale makes of it, and by which factor.
    a: f32,
    now: f32,
    ratio: f32,
    // The largest M of the reach gamut; the display's cusp: J, M and the inverse exponent above.
    reach: f32,
    cusp_j: f32,
    cusp_m: f32,
    above: f32,
}

fn finite(v: f32) -> f32 {
    return select(clamp(v, -HALF_MAX, HALF_MAX), 0.0, is_nan(v));
}

// Lightness by the tone scale, colourfulness as it was, and what depends on the hue.
fn colour_of(ap0: vec3<f32>) -> Colour {
    let scene = matrix(TO_AP1, vec3<f32>(finite(ap0.x), finite(ap0.y), finite(ap0.z)));
    let most = number(BRIGHTEST);
    let cones = matrix(TO_CONES, vec3<f32>(within(scene.x, most), within(scene.y, most), within(scene.z, most)));
    let v = all_raised(RESPOND, cones);
    let response = matrix(TO_OPPONENT, v / (OFFSET + v));
    let p = response.y;
    let q = response.z;
    var c: Colour;
    c.a = response.x;
    c.ratio = curved(TONE, c.a);
    c.now = c.a * c.ratio;
    c.j = raised(LIGHTNESS, c.now);
    c.m = sqrt(p * p + q * q);
    let small = min(abs(p), abs(q));
    let large = max(abs(p), abs(q));
    let per_both = 1.0 / max(c.m * large, SMALLEST);
    let hue = degrees_of(small * (c.m * per_both), q, p);
    let per_m = large * per_both;
    c.cosine = select(1.0, p * per_m, c.m > 0.0);
    c.sine = q * per_m;
    c.reach = between_places(REACH_TABLE, 1u, 0u, hue);
    var place = hue * number(SLOPE);
    for (var i = 0u; i < word(BENDS); i++) {
        place = fma(max(hue - table(BENDS_TABLE, 2u * i), 0.0), table(BENDS_TABLE, 2u * i + 1u), place);
    }
    place = clamp(place, 0.0, 360.0);
    c.cusp_j = between_places(HULL_TABLE, 3u, 0u, place);
    c.cusp_m = between_places(HULL_TABLE, 3u, 1u, place);
    c.above = between_places(HULL_TABLE, 3u, 2u, place);
    return c;
}

// A toe below `limit`: the identity there and above, slower near zero.
fn toe(x: f32, limit: f32, k1: f32, k2: f32) -> f32 {
    let k3 = (limit + k1) / (limit + k2);
    let b = fma(k3, x, -k1);
    return select(0.5 * (b + sqrt(fma(b, b, 4.0 * k2 * k3 * x))), x, x > limit);
}

// How colourful a display is in the direction of a hue.
fn colourfulness(sine: f32, cosine: f32) -> f32 {
    let cos2 = fma(2.0 * cosine, cosine, -1.0);
    let sin2 = 2.0 * cosine * sine;
    let cos3 = fma(cos2, cosine, -sin2 * sine);
    let sin3 = fma(sin2, cosine, cos2 * sine);
    let even = fma(cosine, 11.34072, fma(cos2, 16.46899, fma(cos3, 7.88380, 77.12896)));
    return fma(sine, 14.66441, fma(sin2, -6.37224, fma(sin3, 9.19364, even)));
}

// Colourfulness follows the lightness that the tone scale took away.
fn compress_chroma(c: Colour) -> f32 {
    let dark = max(1.0 - c.j, 0.0);
    let square = fma(c.j, c.j, number(EXPAND_FROM));
    let saturation = dark * number(SATURATION);
    let expand = sqrt(fma(saturation, saturation, square));
    let compression = c.j * number(COMPRESSION);
    let darkness = max(dark, 0.001);
    let compress = sqrt(fma(compression, compression, darkness * darkness));
    let norm = number(NORM) * colourfulness(c.sine, c.cosine);
    let limit = c.now * (1.0 / number(LIMIT)) * c.reach;
    let reversed = fma(c.m, -c.ratio, limit);
    let expanded = limit - toe(reversed, fma(norm, -0.001, limit), expand * norm, sqrt(square) * norm);
    let compressed = toe(expanded, limit, compress * norm, darkness * norm);
    return select(compressed, 0.0, c.m == 0.0);
}

// Where the line through J and M meets the axis, as numerator and denominator; `both` is the focus times the gain of M.
fn meets_axis(focus: f32, both: f32, j: f32, m: f32) -> vec2<f32> {
    let below = j < focus;
    let scaled = m * focus;
    let b = select(-(m + both + scaled), both - scaled, below);
    let c = select(fma(both, j, scaled), -j * both, below);
    let root = sqrt(fma(b, b, -4.0 * m * c));
    return vec2<f32>(-2.0 * c, b - with_sign(root, j - focus));
}

// The smaller of two M, rounded off near the cusp.
fn smooth_min(a: f32, b: f32, cusp_m: f32) -> f32 {
    let near = max(SMOOTH * cusp_m - abs(a - b), 0.0);
    return min(a, b) - near * near * near / (cusp_m * cusp_m) * (1.0 / (6.0 * SMOOTH * SMOOTH));
}

// M from a threshold to a reach into what is left below `hull`, by a Reinhard curve; the reach is over / under.
fn into_hull(m: f32, hull: f32, over: f32, under: f32) -> f32 {
    let scaled = hull * over;
    let reached = hull * under;
    let threshold = hull * max(reached, THRESHOLD * over);
    let beyond = fma(m, over, -threshold);
    let room = scaled - threshold;
    let span = fma(threshold, -under, over * over);
    let bend = fma(beyond, fma(room, -under, span), span * room);
    let remapped = fma(beyond * span, room, threshold * bend) / (bend * over);
    return select(remapped, m, beyond <= 0.0 || reached >= over);
}

// Brings J and M into the display's gamut along lines to a focus.
fn compress_gamut(c: Colour) -> vec2<f32> {
    // The gain of M.
    let flat_from = between(c.cusp_j, 1.0, 0.3);
    let flatter = binary_log((1.0 - flat_from) / max(1.0 - c.j, number(LEAST_ROOM))) * LOG10_2;
    let gain = number(GAIN) * select(1.0, fma(flatter, flatter, 1.0), c.j > flat_from);
    // Where the lines through J and M and through the cusp meet the axis.
    let focus = between(c.cusp_j, number(MID_J), min(1.3 - c.cusp_j, 1.0));
    let both = gain * focus;
    let line = meets_axis(focus, both, c.j, c.m);
    let cusp_line = meets_axis(focus, both, c.cusp_j, c.cusp_m);
    let axis = line.x / line.y;
    let cusp_axis = cusp_line.x / cusp_line.y;
    let room = select(1.0 - axis, axis, axis < focus);
    let slope = room * (axis - focus) / both;
    // J over that of the cusp's line: below, and from white.
    let over_cusp = axis / cusp_axis;
    let lower_part = raised(BELOW, select(over_cusp, 255.0, over_cusp > 255.0)) * cusp_axis;
    let upper = ((line.y - line.x) / line.y) / ((cusp_line.y - cusp_line.x) / cusp_line.y);
    let bent = power_of_two(c.above * binary_log(upper));
    let upper_part = select(0.0, bent, upper > 0.0) * (1.0 - cusp_axis);
    // Where the line, moved as the curves bend, leaves their chords.
    let lower_m = lower_part * c.cusp_m / fma(slope, -c.cusp_m, c.cusp_j);
    let upper_m = upper_part * c.cusp_m / fma(slope, c.cusp_m, 1.0 - c.cusp_j);
    let hull = smooth_min(lower_m, upper_m, c.cusp_m);
    let inside_m = into_hull(c.m, hull, raised(INVERSE, axis) * c.reach, fma(slope, -c.reach, 1.0));
    // Black, greys, whites and what has no room in the display have no colour.
    let coloured = c.j > 0.0 && c.m > 0.0 && c.j <= 1.0 && hull > 0.0;
    let j = select(max(c.j, 0.0), fma(inside_m, slope, axis), coloured);
    return vec2<f32>(j, select(0.0, inside_m, coloured));
}

// Display light of lightness, colourfulness and hue; 1 at 100 nits.
fn light_of(jm: vec2<f32>, c: Colour) -> vec3<f32> {
    let a = raised(INVERSE, jm.x) * number(ACHROMATIC);
    let response = matrix(FROM_OPPONENT, vec3<f32>(a, jm.y * c.cosine, jm.y * c.sine));
    let size = abs(response);
    // Responses near saturation count as 0.99.
    let limited = select(vec3<f32>(0.99), size, size < vec3<f32>(0.99));
    let v = all_raised(UNRESPOND, OFFSET * (limited / (1.0 - limited)));
    let cones = vec3<f32>(with_sign(v.x, response.x), with_sign(v.y, response.y), with_sign(v.z, response.z));
    let rgb = matrix(FROM_CONES, cones);
    // Black has no response.
    if (!(c.a > 0.0)) {
        return vec3<f32>(0.0);
    }
    let white = number(WHITE);
    return vec3<f32>(within(rgb.x, white), within(rgb.y, white), within(rgb.z, white));
}

fn pq(light: f32) -> f32 {
    return within(curved(PQ, raised(ENCODE, light)), 1.0);
}

fn hlg(scene: f32) -> f32 {
    let log = fma(binary_log(max(12.0 * scene - 0.28466892, SMALLEST)), 0.17883277 * 0.6931472, 0.5599107);
    return select(sqrt(max(3.0 * scene, 0.0)), min(log, 1.0), scene > 1.0 / 12.0);
}

fn code_of(light: vec3<f32>) -> vec3<f32> {
    var v = light;
    if (word(OTHER_GAMUT) != 0u) {
        let white = number(WHITE);
        v = matrix(TO_CODED, v);
        v = vec3<f32>(within(v.x, white), within(v.y, white), within(v.z, white));
    }
    switch word(ENCODING) {
        case 0u: {
            return min(all_raised(ENCODE, v), vec3<f32>(1.0));
        }
        case 1u: {
            return vec3<f32>(pq(v.x), pq(v.y), pq(v.z));
        }
        default: {
            // The inverse of HLG's OOTF, of 1,000 nits.
            v = v * 0.1;
            let luminance = 0.2627 * v.x + 0.6780 * v.y + 0.0593 * v.z;
            v = v * general_power(max(luminance, 1e-4 / 3.7371928), (1.0 - 1.2) / 1.2);
            return vec3<f32>(hlg(v.x), hlg(v.y), hlg(v.z));
        }
    }
}

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (!inside(id)) {
        return;
    }
    let row = row_of(id);
    var rgb = pixel_at(row, id.x);
    if (word(FROM_ACESCG) != 0u) {
        rgb = matrix(TO_AP0, rgb);
    }
    var c = colour_of(rgb);
    c.m = compress_chroma(c);
    store_pixel(row, id.x, code_of(light_of(compress_gamut(c), c)));
}
