// words: 1 where samples are averaged as logarithms.
// tables, for columns and then for rows: of each output sample the first input sample, where its weights begin, and how many they
// are; the weights.
//
// Each workgroup goes along the columns of the input that its tile is made of, some at a time: it mixes rows of them into its
// own memory, and then columns of what is there.

const COLUMNS: u32 = 0u;
const ROWS: u32 = 2u;
// Columns of the input at a time.
const AT_ONCE: u32 = 3u * WG_X;
// Products that are summed in one go; sums of sums keep the rounding of strong reductions small.
const RUN: u32 = 16u;
const TIMES: f32 = 128.0;
const STOP: f32 = 8388608.0;

var<workgroup> mixed: array<vec3<f32>, AT_ONCE * WG_Y>;

struct Span {
    first: u32,
    weights: u32,
    count: u32,
}

fn span_of(t: u32, i: u32) -> Span {
    return Span(u32(table(t, 3u * i)), u32(table(t, 3u * i + 1u)), u32(table(t, 3u * i + 2u)));
}

// A scene-linear sample as what is averaged: the octave of 1 + 128 |v| and the place in it, as the bits of a float say.
fn entered(v: f32) -> f32 {
    let bits = bitcast<i32>(fma(TIMES, abs(v), 1.0)) - i32(ONE_BITS);
    return with_sign(f32(bits) * (1.0 / STOP), v);
}

fn left(v: f32) -> f32 {
    let size = abs(v);
    let limited = select(126.0, size, size < 126.0);
    let whole = round(limited - 0.5);
    let light = (1.0 + (limited - whole)) * bitcast<f32>(ONE_BITS + (u32(whole) << 23u));
    return with_sign((light - 1.0) * (1.0 / TIMES), v);
}

// The weighted sum of rows at a column of the input.
fn mix_rows(rows: Span, column: u32) -> vec3<f32> {
    let logarithms = word(0u) != 0u;
    var sum = vec3<f32>(0.0);
    for (var run = 0u; run < rows.count; run += RUN) {
        var part = vec3<f32>(0.0);
        for (var i = run; i < min(run + RUN, rows.count); i++) {
            var v = pixel_at(rows.first + i, column);
            if (logarithms) {
                v = vec3<f32>(entered(v.x), entered(v.y), entered(v.z));
            }
            part = fma(vec3<f32>(table(ROWS + 1u, rows.weights + i)), v, part);
        }
        sum += part;
    }
    return sum;
}

@compute @workgroup_size(WG_X, WG_Y)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    // Those beyond the edge compute what the last does, and do not store it.
    let row = g.dst_first + min(id.y, g.dst_rows - 1u);
    let rows = span_of(ROWS, row);
    let columns = span_of(COLUMNS, min(id.x, g.dst_width - 1u));
    let columns_end = columns.first + columns.count;
    let of_tile = span_of(COLUMNS, group.x * WG_X);
    let of_last = span_of(COLUMNS, min(group.x * WG_X + WG_X, g.dst_width) - 1u);
    let end = of_last.first + of_last.count;
    var sum = vec3<f32>(0.0);
    for (var begin = of_tile.first; begin < end; begin += AT_ONCE) {
        for (var at = local.x; at < AT_ONCE; at += WG_X) {
            if (begin + at < end) {
                mixed[local.y * AT_ONCE + at] = mix_rows(rows, begin + at);
            }
        }
        workgroupBarrier();
        var part = vec3<f32>(0.0);
        let stop = min(columns_end, begin + AT_ONCE);
        for (var column = max(columns.first, begin); column < stop; column++) {
            let weight = table(COLUMNS + 1u, columns.weights + column - columns.first);
            part = fma(vec3<f32>(weight), mixed[local.y * AT_ONCE + column - begin], part);
        }
        sum += part;
        workgroupBarrier();
    }
    if (inside(id)) {
        if (word(0u) != 0u) {
            sum = vec3<f32>(left(sum.x), left(sum.y), left(sum.z));
        }
        store_pixel(row, id.x, sum);
    }
}
