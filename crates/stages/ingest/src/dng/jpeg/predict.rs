//! From differences to samples (ITU-T T.81, H.1.2.1 and table H.1).
//!
//! Predictors that add the left sample whole (1, 4, 5) are running sums of what is known beforehand, and those that
//! take none of it (2, 3) are no sums at all. The other two need the left sample before they can halve: one after
//! the other along a row, but the row below may follow a pixel behind.

use rushes_core::simd::{Level, kernel};

/// Turns differences of rows of `width` samples into samples, in place. The first row of `rows` holds samples: those
/// above the differences. `components` lie side by side; `selection` is the predictor of all but the left column,
/// which is predicted from above.
pub(super) fn rows(level: Level, selection: u8, components: usize, width: usize, rows: &mut [u16]) {
    match components {
        1 => of::<1>(level, selection, width, rows),
        2 => of::<2>(level, selection, width, rows),
        3 => of::<3>(level, selection, width, rows),
        _ => of::<4>(level, selection, width, rows),
    }
}

/// The same for a row that has none above it: `start` predicts its leftmost samples, those left of them all others.
pub(super) fn first_row(components: usize, start: u16, row: &mut [u16]) {
    row.iter_mut().take(components).for_each(|v| *v = v.wrapping_add(start));
    match components {
        1 => sums::<1>(row),
        2 => sums::<2>(row),
        3 => sums::<3>(row),
        _ => sums::<4>(row),
    }
}

fn of<const N: usize>(level: Level, selection: u8, width: usize, mut rows: &mut [u16]) {
    if selection >= 6 {
        // Four rows at a time, then one by one.
        while rows.len() >= 5 * width && width >= 4 * N {
            match selection {
                6 => staggered::<N>(width, rows, halfway_from_above),
                _ => staggered::<N>(width, rows, mean),
            }
            rows = &mut rows[4 * width..];
        }
    }
    while rows.len() >= 2 * width {
        let (above, row) = rows.split_at_mut(width);
        let row = &mut row[..width];
        row.iter_mut().zip(&*above).take(N).for_each(|(v, above)| *v = v.wrapping_add(*above));
        let (b, c, rest) = (&above[N..], &above[..width - N], &mut row[N..]);
        match selection {
            2 => add_above(level, b, rest),
            3 => add_above(level, c, rest),
            4 => add_slope(level, b, c, rest),
            5 => add_half_slope(level, b, c, rest),
            6 => one_row::<N>(above, row, halfway_from_above),
            7 => one_row::<N>(above, row, mean),
            _ => {}
        }
        if matches!(selection, 1 | 4 | 5) {
            sums::<N>(row);
        }
        rows = &mut rows[width..];
    }
}

/// Predictor 6 from left, above and above left.
#[inline(always)]
fn halfway_from_above(a: i32, b: i32, c: i32) -> i32 {
    b + ((a - c) >> 1)
}

/// Predictor 7.
#[inline(always)]
fn mean(a: i32, b: i32, _: i32) -> i32 {
    (a + b) >> 1
}

/// Adds to each sample the one `N` before it.
fn sums<const N: usize>(row: &mut [u16]) {
    let mut left = [0u16; N];
    for pixel in row.as_chunks_mut::<N>().0 {
        for (left, v) in left.iter_mut().zip(pixel) {
            *left = left.wrapping_add(*v);
            *v = *left;
        }
    }
}

kernel! {
    fn add_above(above: &[u16], row: &mut [u16]) {
        for (v, above) in row.iter_mut().zip(above) {
            *v = v.wrapping_add(*above);
        }
    }
}

kernel! {
    fn add_slope(b: &[u16], c: &[u16], row: &mut [u16]) {
        for ((v, b), c) in row.iter_mut().zip(b).zip(c) {
            *v = v.wrapping_add(b.wrapping_sub(*c));
        }
    }
}

kernel! {
    fn add_half_slope(b: &[u16], c: &[u16], row: &mut [u16]) {
        for ((v, b), c) in row.iter_mut().zip(b).zip(c) {
            *v = v.wrapping_add(((i32::from(*b) - i32::from(*c)) >> 1) as u16);
        }
    }
}

/// Applies a predictor of left, above and above left to all pixels but the first.
#[inline(always)]
fn one_row<const N: usize>(above: &[u16], row: &mut [u16], p: impl Fn(i32, i32, i32) -> i32) {
    for i in 0..N {
        let mut column = row.iter_mut().zip(above).skip(i).step_by(N);
        let Some((first, above)) = column.next() else { return };
        let (mut left, mut above_left) = (*first, *above);
        for (v, above) in column {
            *v = v.wrapping_add(p(i32::from(left), i32::from(*above), i32::from(above_left)) as u16);
            (left, above_left) = (*v, *above);
        }
    }
}

/// The same for four rows at a time below the first of `rows`, the left column included: each is a pixel behind the one
/// above it, so that four samples at a time wait for nobody.
#[inline(always)]
fn staggered<const N: usize>(width: usize, rows: &mut [u16], p: impl Fn(i32, i32, i32) -> i32) {
    let columns = width / N;
    let (above, rest) = rows.split_at_mut(width);
    let (r0, rest) = rest.split_at_mut(width);
    let (r1, rest) = rest.split_at_mut(width);
    let (r2, rest) = rest.split_at_mut(width);
    let r3 = &mut rest[..width];
    for i in 0..N {
        // The sample left of each row's next one, and that above it.
        let (mut left, mut above_left) = ([0u16; 4], [0u16; 4]);
        let mut step = |row: usize, x: usize, above: u16, out: &mut [u16]| {
            let (a, b, c) = (i32::from(left[row]), i32::from(above), i32::from(above_left[row]));
            let predicted = if x == 0 { b } else { p(a, b, c) };
            let at = x * N + i;
            out[at] = out[at].wrapping_add(predicted as u16);
            (left[row], above_left[row]) = (out[at], above);
        };
        for x in 0..columns + 3 {
            if x < columns {
                step(0, x, above[x * N + i], r0);
            }
            if (1..columns + 1).contains(&x) {
                step(1, x - 1, r0[(x - 1) * N + i], r1);
            }
            if (2..columns + 2).contains(&x) {
                step(2, x - 2, r1[(x - 2) * N + i], r2);
            }
            if x >= 3 {
                step(3, x - 3, r2[(x - 3) * N + i], r3);
            }
        }
    }
}
