//! From differences to samples (ITU-T T.81, H.1.2.1).

/// Turns differences into samples: `first` predicts the leftmost pixel, `selection` (T.81, table
/// H.1) all others.
pub(super) fn predict<const N: usize>(selection: u8, first: &[u16], above: Option<&[u16]>, row: &mut [u16]) {
    for (r, p) in row.iter_mut().zip(first).take(N) {
        *r = r.wrapping_add(*p);
    }
    match (selection, above) {
        (2, Some(above)) => with::<N>(above, row, |_, b, _| b),
        (3, Some(above)) => with::<N>(above, row, |_, _, c| c),
        (4, Some(above)) => with::<N>(above, row, |a, b, c| a + b - c),
        (5, Some(above)) => with::<N>(above, row, |a, b, c| a + ((b - c) >> 1)),
        (6, Some(above)) => with::<N>(above, row, |a, b, c| b + ((a - c) >> 1)),
        (7, Some(above)) => with::<N>(above, row, |a, b, _| (a + b) >> 1),
        _ => {
            let mut left = [0u16; N];
            for pixel in row.as_chunks_mut::<N>().0 {
                for (left, v) in left.iter_mut().zip(pixel) {
                    *left = left.wrapping_add(*v);
                    *v = *left;
                }
            }
        }
    }
}

/// Applies a predictor of left, above and above left to all pixels but the first.
#[inline]
fn with<const N: usize>(above: &[u16], row: &mut [u16], p: impl Fn(i32, i32, i32) -> i32) {
    let mut pixels = row.as_chunks_mut::<N>().0.iter_mut().zip(above.as_chunks::<N>().0);
    let Some((first, above)) = pixels.next() else { return };
    let (mut left, mut above_left) = (*first, *above);
    for (pixel, above) in pixels {
        for c in 0..N {
            let predicted = p(i32::from(left[c]), i32::from(above[c]), i32::from(above_left[c]));
            pixel[c] = pixel[c].wrapping_add(predicted as u16);
        }
        (left, above_left) = (*pixel, *above);
    }
}
