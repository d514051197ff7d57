// Gradient Based Threshold Free interpolation, tile by tile: each workgroup computes every step for its tile and as far around
// it as the next steps need, in its own memory. rushes_debayer::gbtf says what the steps are.
//
// Regions are the tile and some sites around it. What is known of chroma sites alone has one place for two columns, one of
// which is a chroma site.

// Two rows of pixels an invocation.
const TILE_X: i32 = i32(WG_X);
const TILE_Y: i32 = 2 * i32(WG_Y);
const INVOCATIONS: i32 = i32(WG_X * WG_Y);

// The samples.
const LINES_R: i32 = 12;
const LINES_W: i32 = TILE_X + 2 * LINES_R;
const LINES: i32 = LINES_W * (TILE_Y + 2 * LINES_R);
// How much differences change along columns: `FAR` rows and `NEAR` columns around the tile; along rows, the other way round.
const FAR: i32 = 9;
const NEAR: i32 = 6;
const V_W: i32 = TILE_X + 2 * NEAR;
const V: i32 = V_W * (TILE_Y + 2 * FAR);
const H_W: i32 = TILE_X + 2 * FAR;
const H: i32 = H_W * (TILE_Y + 2 * NEAR);
// The difference of green and what was measured, at chroma sites.
const FOUND_R: i32 = 6;
const FOUND_W: i32 = TILE_X / 2 + FOUND_R;
const FOUND: i32 = FOUND_W * (TILE_Y + 2 * FOUND_R);
// The difference of green and the opposite colour lies where the changes along columns lay.
const OPPOSITE_R: i32 = 3;
const OPPOSITE_W: i32 = (TILE_X + 2 * OPPOSITE_R) / 2;
const OPPOSITE: i32 = OPPOSITE_W * (TILE_Y + 2 * OPPOSITE_R);

var<workgroup> lines: array<f32, LINES>;
var<workgroup> change_v_or_opposite: array<f32, V>;
var<workgroup> change_h: array<f32, H>;
var<workgroup> found: array<f32, FOUND>;

// Keep weights finite where nothing changes.
const FLAT: f32 = 1e-6;
const EVEN: f32 = 1e-4;

fn line_at(y: i32, x: i32) -> f32 {
    return lines[(y + LINES_R) * LINES_W + x + LINES_R];
}

fn change_v_at(y: i32, x: i32) -> f32 {
    return change_v_or_opposite[(y + FAR) * V_W + x + NEAR];
}

fn change_h_at(y: i32, x: i32) -> f32 {
    return change_h[(y + NEAR) * H_W + x + FAR];
}

fn found_at(y: i32, x: i32) -> f32 {
    return found[(y + FOUND_R) * FOUND_W + ((x + FOUND_R) >> 1u)];
}

// Green at chroma sites.
fn green_at(y: i32, x: i32) -> f32 {
    return line_at(y, x) + found_at(y, x);
}

fn opposite_at(y: i32, x: i32) -> f32 {
    return change_v_or_opposite[(y + OPPOSITE_R) * OPPOSITE_W + ((x + OPPOSITE_R) >> 1u)];
}

// The difference of green and chroma along a line of five.
fn difference(y: i32, x: i32, dy: i32, dx: i32) -> f32 {
    let sides = line_at(y - dy, x - dx) + line_at(y + dy, x + dx);
    let far = line_at(y - 2 * dy, x - 2 * dx) + line_at(y + 2 * dy, x + 2 * dx);
    let v = 0.5 * sides + -0.1875 * far + -0.625 * line_at(y, x);
    return select(-v, v, is_chroma(y, x));
}

// How much the difference along columns changes at a site.
fn change_down(y: i32, x: i32) -> f32 {
    return abs(difference(y - 1, x, 1, 0) - difference(y + 1, x, 1, 0));
}

fn change_across(y: i32, x: i32) -> f32 {
    return abs(difference(y, x - 1, 0, 1) - difference(y, x + 1, 0, 1));
}

// The mean of four values, weighted by the inverses of `rest`.
fn weighted(v: vec4<f32>, rest: vec4<f32>) -> f32 {
    let ab = rest.x * rest.y;
    let cd = rest.z * rest.w;
    let above = (rest.y * v.x + rest.x * v.y) * cd + (rest.w * v.z + rest.z * v.w) * ab;
    return above / ((rest.x + rest.y) * cd + (rest.z + rest.w) * ab);
}

// The difference of green and what was measured at a chroma site.
fn difference_found(y: i32, x: i32) -> f32 {
    let vc = change_v_at(y, x);
    let hc = change_h_at(y, x);
    let up = vc + change_v_at(y - 1, x) + (change_v_at(y - 2, x) + change_v_at(y - 3, x));
    let down = vc + change_v_at(y + 1, x) + (change_v_at(y + 2, x) + change_v_at(y + 3, x));
    let left = hc + change_h_at(y, x - 1) + (change_h_at(y, x - 2) + change_h_at(y, x - 3));
    let right = hc + change_h_at(y, x + 1) + (change_h_at(y, x + 2) + change_h_at(y, x + 3));
    let v = 3.0 * difference(y, x, 1, 0);
    let h = 3.0 * difference(y, x, 0, 1);
    let sides = vec4<f32>(
        v + 2.0 * difference(y - 1, x, 1, 0) + difference(y - 2, x, 1, 0),
        v + 2.0 * difference(y + 1, x, 1, 0) + difference(y + 2, x, 1, 0),
        h + 2.0 * difference(y, x - 1, 0, 1) + difference(y, x - 2, 0, 1),
        h + 2.0 * difference(y, x + 1, 0, 1) + difference(y, x + 2, 0, 1),
    );
    let changes = vec4<f32>(up, down, left, right);
    return weighted(sides, changes * changes + FLAT) * (1.0 / 6.0);
}

// A difference from four directions, opposite ones side by side, each weighted by the inverse of how much it, near and far, and
// green change there.
fn between(near: vec4<f32>, far: vec4<f32>, changes: vec4<f32>) -> f32 {
    let one = abs(near.x - near.y) + EVEN;
    let two = abs(near.z - near.w) + EVEN;
    return weighted(near, vec4<f32>(one, one, two, two) + abs(near - far) + changes);
}

// Differences at `d` sites from a chroma site along its diagonals.
fn diagonal(y: i32, x: i32, d: i32) -> vec4<f32> {
    return vec4<f32>(found_at(y - d, x - d), found_at(y + d, x + d), found_at(y - d, x + d), found_at(y + d, x - d));
}

fn difference_opposite(y: i32, x: i32) -> f32 {
    let beside = vec4<f32>(
        green_at(y - 2, x - 2), green_at(y + 2, x + 2), green_at(y - 2, x + 2), green_at(y + 2, x - 2),
    );
    return between(diagonal(y, x, 1), diagonal(y, x, 3), abs(green_at(y, x) - beside));
}

// Differences at `d` sites from a green site along its column and its row: of the colour that is measured in the row.
fn sides_of_row(y: i32, x: i32, d: i32) -> vec4<f32> {
    return vec4<f32>(opposite_at(y - d, x), opposite_at(y + d, x), found_at(y, x - d), found_at(y, x + d));
}

// Of the colour that is measured in the column.
fn sides_of_column(y: i32, x: i32, d: i32) -> vec4<f32> {
    return vec4<f32>(found_at(y - d, x), found_at(y + d, x), opposite_at(y, x - d), opposite_at(y, x + d));
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
    for (var i = me; i < V; i += INVOCATIONS) {
        let y = i / V_W - FAR;
        let x = i % V_W - NEAR;
        change_v_or_opposite[i] = change_down(y, x - 1) + change_down(y, x) + change_down(y, x + 1);
    }
    for (var i = me; i < H; i += INVOCATIONS) {
        let y = i / H_W - NEAR;
        let x = i % H_W - FAR;
        change_h[i] = change_across(y - 1, x) + change_across(y, x) + change_across(y + 1, x);
    }
    workgroupBarrier();
    for (var i = me; i < FOUND; i += INVOCATIONS) {
        let at = chroma_site(i, FOUND_W, FOUND_R);
        found[i] = difference_found(at.x, at.y);
    }
    workgroupBarrier();
    for (var i = me; i < OPPOSITE; i += INVOCATIONS) {
        let at = chroma_site(i, OPPOSITE_W, OPPOSITE_R);
        change_v_or_opposite[i] = difference_opposite(at.x, at.y);
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
        let green = green_at(y, x);
        store(own, row, column, measured);
        store(1u, row, column, leave(green, 1u));
        store(other, row, column, leave(green - opposite_at(y, x), other));
    } else {
        let at = line_at(y, x);
        let beside = vec4<f32>(line_at(y - 2, x), line_at(y + 2, x), line_at(y, x - 2), line_at(y, x + 2));
        let changes = abs(at - beside);
        let of_row = at - between(sides_of_row(y, x, 1), sides_of_row(y, x, 3), changes);
        let of_column = at - between(sides_of_column(y, x, 1), sides_of_column(y, x, 3), changes);
        store(own, row, column, leave(of_row, own));
        store(1u, row, column, measured);
        store(other, row, column, leave(of_column, other));
    }
}
