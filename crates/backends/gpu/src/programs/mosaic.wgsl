// What the debayers share.
// words: column and row of the window's top left in the plane; row and column (0 or 1) of red in the window.
// Those that interpolate have more: 1 where values are square roots; gains of red, green, blue; gains on the way out.

// The index that stands for i outside 0..n: mirrored about the first and the last.
fn mirrored(i: i32, n: i32) -> i32 {
    if (i >= 0 && i < n) {
        return i;
    }
    let period = 2 * (n - 1);
    let k = ((i % period) + period) % period;
    return select(period - k, k, k < n);
}

// The sample at row and column of the window, mirrored outside the plane.
fn sample(y: i32, x: i32) -> f32 {
    let row = mirrored(y + i32(word(1u)), i32(g.src_height));
    let column = mirrored(x + i32(word(0u)), i32(g.src_width));
    // Rows that are not here belong to pixels that nobody asked for.
    let here = clamp(row, i32(g.src_first), i32(g.src_first + g.src_rows) - 1);
    return src_at(0u, u32(here), u32(column));
}

// Whether the site is red or blue.
fn is_chroma(y: i32, x: i32) -> bool {
    return ((y + i32(word(2u)) + x + i32(word(3u))) & 1) == 0;
}

// The colour, 0 red or 2 blue, of the sites in row y that are not green.
fn chroma_of(y: i32) -> u32 {
    return select(2u, 0u, (y & 1) == i32(word(2u)));
}

// The value that the interpolation works with.
fn working(y: i32, x: i32) -> f32 {
    let color = select(1u, chroma_of(y), is_chroma(y, x));
    let v = sample(y, x) * number(5u + color);
    if (word(4u) == 0u) {
        return v;
    }
    let root = sqrt(abs(v));
    return select(root, -root, v < 0.0);
}

// A working value as a sample of a colour.
fn leave(v: f32, color: u32) -> f32 {
    let gain = number(8u + color);
    return select(v * gain, v * abs(v) * gain, word(4u) != 0u);
}
