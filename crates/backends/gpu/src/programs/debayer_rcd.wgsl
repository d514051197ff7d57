// Ratio Corrected Demosaicing, tile by tile: each workgroup computes every step for its tile and as far around it as the next
// steps need, in its own memory. rushes_debayer::rcd says what the steps are.
//
// Regions are the tile and `R` sites around it. What is known of chroma sites alone has one place for two columns, one of
// which is a chroma site.

// Two rows of pixels an invocation.
const TILE_X: i32 = i32(WG_X);
const TILE_Y: i32 = 2 * i32(WG_Y);
const INVOCATIONS: i32 = i32(WG_X * WG_Y);

// The samples.
const LINES_R: i32 = 10;
const LINES_W: i32 = TILE_X + 2 * LINES_R;
const LINES: i32 = LINES_W * (TILE_Y + 2 * LINES_R);
// 0 where the picture runs along columns, 1 along rows.
const VH_R: i32 = 6;
const VH_W: i32 = TILE_X + 2 * VH_R;
const VH: i32 = VH_W * (TILE_Y + 2 * VH_R);
// 0 where the picture runs along \, 1 along /. Chroma sites, as are the others.
const PQ_R: i32 = 4;
const PQ_W: i32 = TILE_X / 2 + PQ_R;
const PQ: i32 = PQ_W * (TILE_Y + 2 * PQ_R);
// The low-pass; where it lay lies the opposite colour later.
const LOW_R: i32 = 7;
const LOW_W: i32 = (TILE_X + 2 * LOW_R) / 2;
const LOW: i32 = LOW_W * (TILE_Y + 2 * LOW_R);
const OPPOSITE_R: i32 = 3;
const OPPOSITE_W: i32 = (TILE_X + 2 * OPPOSITE_R) / 2;
const OPPOSITE: i32 = OPPOSITE_W * (TILE_Y + 2 * OPPOSITE_R);
const GREEN_R: i32 = 5;
const GREEN_W: i32 = (TILE_X + 2 * GREEN_R) / 2;
const GREEN: i32 = GREEN_W * (TILE_Y + 2 * GREEN_R);

var<workgroup> lines: array<f32, LINES>;
var<workgroup> vh: array<f32, VH>;
var<workgroup> pq: array<f32, PQ>;
var<workgroup> low_or_opposite: array<f32, LOW>;
var<workgroup> green: array<f32, GREEN>;

// Keeps weights finite where nothing changes.
const EPS: f32 = 1e-5;

fn line_at(y: i32, x: i32) -> f32 {
    return lines[(y + LINES_R) * LINES_W + x + LINES_R];
}

fn low_at(y: i32, x: i32) -> f32 {
    return low_or_opposite[(y + LOW_R) * LOW_W + ((x + LOW_R) >> 1u)];
}

fn opposite_at(y: i32, x: i32) -> f32 {
    return low_or_opposite[(y + OPPOSITE_R) * OPPOSITE_W + ((x + OPPOSITE_R) >> 1u)];
}

fn green_at(y: i32, x: i32) -> f32 {
    return green[(y + GREEN_R) * GREEN_W + ((x + GREEN_R) >> 1u)];
}

// The larger of the two, and the second where the first is no number.
fn at_least(v: f32, least: f32) -> f32 {
    return select(least, v, v > least);
}

// The square of the high-pass filter 1 -3 -1 6 -1 -3 1 along a line.
fn detail(y: i32, x: i32, dy: i32, dx: i32) -> f32 {
    let before = line_at(y - 3 * dy, x - 3 * dx) - line_at(y - dy, x - dx);
    let after = line_at(y + 3 * dy, x + 3 * dx) - line_at(y + dy, x + dx);
    let second = line_at(y - 2 * dy, x - 2 * dx) + line_at(y + 2 * dy, x + 2 * dx);
    let high = (before + after) - 3.0 * second + 6.0 * line_at(y, x);
    return high * high;
}

fn details(y: i32, x: i32, dy: i32, dx: i32) -> f32 {
    let sum = detail(y - dy, x - dx, dy, dx) + detail(y + dy, x + dx, dy, dx) + detail(y, x, dy, dx);
    return at_least(sum, EPS * EPS);
}

fn low_pass(y: i32, x: i32) -> f32 {
    let edges = (line_at(y - 1, x) + line_at(y + 1, x)) + (line_at(y, x - 1) + line_at(y, x + 1));
    let falling = line_at(y - 1, x - 1) + line_at(y + 1, x + 1);
    let corners = falling + (line_at(y - 1, x + 1) + line_at(y + 1, x - 1));
    return at_least(line_at(y, x) + 0.5 * edges + 0.25 * corners, 0.0);
}

// The direction at a site or, where that is more decided, the mean of its four diagonal neighbours.
fn refined(here: f32, a: f32, b: f32, c: f32, d: f32) -> f32 {
    let around = ((a + d) + (b + c)) * 0.25;
    return select(here, around, abs(0.5 - here) < abs(0.5 - around));
}

fn vh_at(y: i32, x: i32) -> f32 {
    let at = (y + VH_R) * VH_W + x + VH_R;
    return refined(vh[at], vh[at - VH_W - 1], vh[at - VH_W + 1], vh[at + VH_W - 1], vh[at + VH_W + 1]);
}

fn pq_one(y: i32, x: i32) -> f32 {
    return pq[(y + PQ_R) * PQ_W + ((x + PQ_R) >> 1u)];
}

fn pq_at(y: i32, x: i32) -> f32 {
    let above = vec2<f32>(pq_one(y - 1, x - 1), pq_one(y - 1, x + 1));
    let below = vec2<f32>(pq_one(y + 1, x - 1), pq_one(y + 1, x + 1));
    return refined(pq_one(y, x), above.x, above.y, below.x, below.y);
}

// Between two fractions: the first where `direction` is 0, the second where it is 1.
fn between(first: vec2<f32>, second: vec2<f32>, direction: f32) -> f32 {
    let first_part = (1.0 - direction) * first.x * second.y;
    return (first_part + direction * second.x * first.y) / (first.y * second.y);
}

// Green along one line, as a fraction.
fn along(y: i32, x: i32, dy: i32, dx: i32) -> vec2<f32> {
    let b4 = line_at(y - 4 * dy, x - 4 * dx);
    let b3 = line_at(y - 3 * dy, x - 3 * dx);
    let b2 = line_at(y - 2 * dy, x - 2 * dx);
    let b1 = line_at(y - dy, x - dx);
    let at = line_at(y, x);
    let a1 = line_at(y + dy, x + dx);
    let a2 = line_at(y + 2 * dy, x + 2 * dx);
    let a3 = line_at(y + 3 * dy, x + 3 * dx);
    let a4 = line_at(y + 4 * dy, x + 4 * dx);
    let near = abs(b1 - a1) + EPS;
    let gradient_b = near + abs(at - b2) + abs(b1 - b3) + abs(b2 - b4);
    let gradient_a = near + abs(at - a2) + abs(a1 - a3) + abs(a2 - a4);
    // A neighbouring green is brought here by 1 + (low - low_there) / (EPS + low + low_there).
    let low = low_at(y, x);
    let here = EPS + low;
    let sum_b = here + low_at(y - 2 * dy, x - 2 * dx);
    let sum_a = here + low_at(y + 2 * dy, x + 2 * dx);
    let found = gradient_a * b1 * sum_a + gradient_b * a1 * sum_b;
    return vec2<f32>(found * (here + low), (gradient_b + gradient_a) * sum_b * sum_a);
}

// Red or blue less green along one line, as a fraction: the colour three and one before, one and three after; green two and one
// before, one and two after.
fn difference(at: f32, color: vec4<f32>, other: vec4<f32>) -> vec2<f32> {
    let near = abs(color.y - color.z) + EPS;
    let before = near + abs(color.y - color.x) + abs(at - other.x);
    let after = near + abs(color.z - color.w) + abs(at - other.w);
    return vec2<f32>(after * (color.y - other.y) + before * (color.z - other.z), before + after);
}

// What `opposite` takes of one diagonal.
fn diagonal(y: i32, x: i32, dx: i32) -> vec2<f32> {
    let color = vec4<f32>(
        line_at(y - 3, x - 3 * dx), line_at(y - 1, x - dx), line_at(y + 1, x + dx), line_at(y + 3, x + 3 * dx),
    );
    let other = vec4<f32>(
        green_at(y - 2, x - 2 * dx), green_at(y - 1, x - dx), green_at(y + 1, x + dx), green_at(y + 2, x + 2 * dx),
    );
    return difference(green_at(y, x), color, other);
}

// The colours along the column and the row of a green site.
fn measured_line(y: i32, x: i32, dy: i32, dx: i32) -> vec4<f32> {
    return vec4<f32>(
        line_at(y - 3 * dy, x - 3 * dx), line_at(y - dy, x - dx), line_at(y + dy, x + dx), line_at(y + 3 * dy, x + 3 * dx),
    );
}

fn found_line(y: i32, x: i32, dy: i32, dx: i32) -> vec4<f32> {
    return vec4<f32>(
        opposite_at(y - 3 * dy, x - 3 * dx), opposite_at(y - dy, x - dx),
        opposite_at(y + dy, x + dx), opposite_at(y + 3 * dy, x + 3 * dx),
    );
}

fn greens_line(y: i32, x: i32, dy: i32, dx: i32) -> vec4<f32> {
    return vec4<f32>(
        line_at(y - 2 * dy, x - 2 * dx), green_at(y - dy, x - dx), green_at(y + dy, x + dx), line_at(y + 2 * dy, x + 2 * dx),
    );
}

// The chroma site of place i of a region of chroma sites: row and column, of the tile.
fn chroma_site(i: i32, width: i32, radius: i32) -> vec2<i32> {
    let y = i / width - radius;
    let x = 2 * (i % width) - radius;
    return vec2<i32>(y, select(x + 1, x, is_chroma(y, x)));
}

// Tiles begin at even rows and columns, so that the colours of a tile lie as those of the window.
@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let top = i32(g.dst_first / 2u * 2u + group.y * u32(TILE_Y));
    let left = i32(group.x * u32(TILE_X));
    let me = i32(local.y * WG_X + local.x);

    for (var i = me; i < LINES; i += INVOCATIONS) {
        lines[i] = working(top + i / LINES_W - LINES_R, left + i % LINES_W - LINES_R);
    }
    workgroupBarrier();
    for (var i = me; i < VH; i += INVOCATIONS) {
        let y = i / VH_W - VH_R;
        let x = i % VH_W - VH_R;
        let vertical = details(y, x, 1, 0);
        vh[i] = vertical / (vertical + details(y, x, 0, 1));
    }
    for (var i = me; i < PQ; i += INVOCATIONS) {
        let at = chroma_site(i, PQ_W, PQ_R);
        let falling = details(at.x, at.y, 1, 1);
        pq[i] = falling / (falling + details(at.x, at.y, 1, -1));
    }
    for (var i = me; i < LOW; i += INVOCATIONS) {
        let at = chroma_site(i, LOW_W, LOW_R);
        low_or_opposite[i] = low_pass(at.x, at.y);
    }
    workgroupBarrier();
    for (var i = me; i < GREEN; i += INVOCATIONS) {
        let at = chroma_site(i, GREEN_W, GREEN_R);
        green[i] = between(along(at.x, at.y, 1, 0), along(at.x, at.y, 0, 1), vh_at(at.x, at.y));
    }
    workgroupBarrier();
    for (var i = me; i < OPPOSITE; i += INVOCATIONS) {
        let at = chroma_site(i, OPPOSITE_W, OPPOSITE_R);
        let chroma = between(diagonal(at.x, at.y, 1), diagonal(at.x, at.y, -1), pq_at(at.x, at.y));
        low_or_opposite[i] = green_at(at.x, at.y) + chroma;
    }
    workgroupBarrier();
    for (var i = 0; i < 2; i++) {
        finish(top, left, 2 * i32(local.y) + i, i32(local.x));
    }
}

// Puts a pixel of the tile together and writes it.
fn finish(top: i32, left: i32, y: i32, x: i32) {
    let row = u32(top + y);
    let column = u32(left + x);
    if (row < g.dst_first || row >= g.dst_first + g.dst_rows || column >= g.dst_width) {
        return;
    }
    let own = chroma_of(y);
    let other = 2u - own;
    let measured = sample(top + y, left + x);
    if (is_chroma(y, x)) {
        store(own, row, column, measured);
        store(1u, row, column, leave(green_at(y, x), 1u));
        store(other, row, column, leave(opposite_at(y, x), other));
    } else {
        let at = line_at(y, x);
        let direction = vh_at(y, x);
        let down = greens_line(y, x, 1, 0);
        let across = greens_line(y, x, 0, 1);
        // The colour of this row was measured left and right, that of the column above and below.
        let first = difference(at, found_line(y, x, 1, 0), down);
        let second = difference(at, measured_line(y, x, 0, 1), across);
        store(own, row, column, leave(at + between(first, second, direction), own));
        let third = difference(at, measured_line(y, x, 1, 0), down);
        let fourth = difference(at, found_line(y, x, 0, 1), across);
        store(other, row, column, leave(at + between(third, fourth, direction), other));
        store(1u, row, column, measured);
    }
}
