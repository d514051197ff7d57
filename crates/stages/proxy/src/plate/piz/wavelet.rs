//! The transform of PIZ: sums and differences of neighbours, and of the sums again.

use rushes_core::simd::{Level, kernel};

/// Transforms a plane of `width` columns in place.
///
/// Of four neighbours it makes their mean and three differences, each in the place of one of the four; the means,
/// half as many in both directions, are transformed in the same way, until one direction has a single one. A column
/// or row without a partner takes part in the other direction alone, and goes no further (OpenEXR file layout,
/// "PIZ compression").
///
/// `narrow` says that every sample is below 2^14: then 16 bits hold all differences with their sign.
/// Otherwise they are kept modulo 2^16.
///
/// `means` has room for the means of all levels: a third of the plane is enough.
pub(super) fn transform(level: Level, plane: &mut [u16], width: usize, narrow: bool, means: &mut [u16]) {
    let height = plane.len() / width.max(1);
    if width < 2 || height < 2 {
        return;
    }
    // The means lie together while they are transformed, so that every level is a loop over whole rows.
    let (here, deeper) = means.split_at_mut((width / 2) * (height / 2));
    let mut rows = plane.chunks_exact_mut(2 * width);
    for (two, means) in (&mut rows).zip(here.chunks_exact_mut(width / 2)) {
        let (upper, lower) = two.split_at_mut(width);
        if narrow { rows_narrow(level, upper, lower, means) } else { rows_wide(level, upper, lower, means) }
    }
    let last = rows.into_remainder();
    if narrow {
        row_narrow(level, last)
    } else {
        row_wide(level, last)
    }

    transform(level, here, width / 2, narrow, deeper);
    for (two, means) in plane.chunks_exact_mut(2 * width).zip(here.chunks_exact(width / 2)) {
        put_back(level, means, &mut two[..width]);
    }
}

/// Mean and difference of samples below 2^14, or of their differences: neither leaves 16 bits with a sign.
#[inline(always)]
fn narrow(a: u16, b: u16) -> (u16, u16) {
    let (a, b) = (a as i16, b as i16);
    ((a.wrapping_add(b) >> 1) as u16, a.wrapping_sub(b) as u16)
}

/// Mean and difference modulo 2^16 of any samples. The first is moved by half the range, so that neighbours
/// differ by about that much and the half that the mean lies in tells the sign.
#[inline(always)]
fn wide(a: u16, b: u16) -> (u16, u16) {
    let a = a ^ 0x8000;
    let mean = (a & b) + ((a ^ b) >> 1);
    (if a < b { mean ^ 0x8000 } else { mean }, a.wrapping_sub(b))
}

#[inline(always)]
fn two_rows(upper: &mut [u16], lower: &mut [u16], means: &mut [u16], both: impl Fn(u16, u16) -> (u16, u16) + Copy) {
    let (upper, upper_last) = upper.as_chunks_mut::<2>();
    let (lower, lower_last) = lower.as_chunks_mut::<2>();
    for ((upper, lower), mean) in upper.iter_mut().zip(lower).zip(means) {
        let (upper_mean, upper_step) = both(upper[0], upper[1]);
        let (lower_mean, lower_step) = both(lower[0], lower[1]);
        (*mean, lower[0]) = both(upper_mean, lower_mean);
        (upper[1], lower[1]) = both(upper_step, lower_step);
    }
    for (upper, lower) in upper_last.iter_mut().zip(lower_last) {
        (*upper, *lower) = both(*upper, *lower);
    }
}

#[inline(always)]
fn one_row(row: &mut [u16], both: impl Fn(u16, u16) -> (u16, u16) + Copy) {
    for two in row.as_chunks_mut::<2>().0 {
        let (mean, step) = both(two[0], two[1]);
        *two = [mean, step];
    }
}

kernel! {
    fn rows_narrow(upper: &mut [u16], lower: &mut [u16], means: &mut [u16]) {
        two_rows(upper, lower, means, narrow);
    }
}

kernel! {
    fn rows_wide(upper: &mut [u16], lower: &mut [u16], means: &mut [u16]) {
        two_rows(upper, lower, means, wide);
    }
}

kernel! {
    fn row_narrow(row: &mut [u16]) {
        one_row(row, narrow);
    }
}

kernel! {
    fn row_wide(row: &mut [u16]) {
        one_row(row, wide);
    }
}

kernel! {
    /// Every second sample of a row.
    fn put_back(means: &[u16], row: &mut [u16]) {
        for (two, mean) in row.as_chunks_mut::<2>().0.iter_mut().zip(means) {
            two[0] = *mean;
        }
    }
}
