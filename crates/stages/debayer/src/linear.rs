//! Row kernels of the linear filters: bilinear and Malvar-He-Cutler.
//!
//! Every slice holds one sample per output sample. Directions are as on a map: `n` the row above, `w` the
//! column to the left, `nn` two rows above. Two kinds of site occur in a row: *chroma* sites (red in one row,
//! blue in the next) lack green and the opposite colour, *green* sites lack the colour of their row and that of
//! their column.

use rushes_core::simd::kernel;

use crate::kernel::Sites;
use crate::lines::Lines;

/// The bilinear filter for row `y`, whose chroma sites are at columns of `parity`: the mean of the two or four
/// nearest samples of the colour wanted.
pub(crate) fn bilinear(lines: &Lines, y: isize, parity: usize, sites: &mut Sites) {
    let (level, range) = (lines.level(), lines.inside());
    let col = parity as isize;
    let chroma = |dy: isize, dx: isize| lines.tap(y + dy, col + dx, &range);
    mean4(level, &mut sites.green, [chroma(-1, 0), chroma(0, -1), chroma(0, 1), chroma(1, 0)]);
    mean4(level, &mut sites.opposite, [chroma(-1, -1), chroma(-1, 1), chroma(1, -1), chroma(1, 1)]);
    let green = |dy: isize, dx: isize| lines.tap(y + dy, 1 - col + dx, &range);
    mean2(level, &mut sites.of_row, green(0, -1), green(0, 1));
    mean2(level, &mut sites.of_column, green(-1, 0), green(1, 0));
}

/// The filters of Malvar, He and Cutler 2004, figure 2, for row `y`, whose chroma sites are at columns of
/// `parity`.
pub(crate) fn malvar(lines: &Lines, y: isize, parity: usize, sites: &mut Sites) {
    let (level, range) = (lines.level(), lines.inside());
    let col = parity as isize;
    let chroma = |dy: isize, dx: isize| lines.tap(y + dy, col + dx, &range);
    let centre = chroma(0, 0);
    let near = [chroma(-1, 0), chroma(0, -1), chroma(0, 1), chroma(1, 0)];
    let diagonal = [chroma(-1, -1), chroma(-1, 1), chroma(1, -1), chroma(1, 1)];
    let far = [chroma(-2, 0), chroma(0, -2), chroma(0, 2), chroma(2, 0)];
    malvar_chroma(level, &mut sites.green, centre, near, far, [4.0, 2.0, 1.0]);
    malvar_chroma(level, &mut sites.opposite, centre, diagonal, far, [6.0, 2.0, 1.5]);
    let green = |dy: isize, dx: isize| lines.tap(y + dy, 1 - col + dx, &range);
    let centre = green(0, 0);
    let diagonal = [green(-1, -1), green(-1, 1), green(1, -1), green(1, 1)];
    let row_far = [green(0, -2), green(0, 2)];
    let col_far = [green(-2, 0), green(2, 0)];
    malvar_green(level, &mut sites.of_row, centre, [green(0, -1), green(0, 1)], row_far, diagonal, col_far);
    malvar_green(level, &mut sites.of_column, centre, [green(-1, 0), green(1, 0)], col_far, diagonal, row_far);
}

kernel! {
    /// The mean of two neighbours.
    pub(crate) fn mean2(out: &mut [f32], a: &[f32], b: &[f32]) {
        for ((v, a), b) in out.iter_mut().zip(a).zip(b) {
            *v = (a + b) * 0.5;
        }
    }
}

kernel! {
    /// The mean of four neighbours.
    pub(crate) fn mean4(out: &mut [f32], near: [&[f32]; 4]) {
        let len = out.len();
        let [a, b, c, d] = near.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            *v = ((a[k] + d[k]) + (b[k] + c[k])) * 0.25;
        }
    }
}

kernel! {
    /// Green or the opposite colour at chroma sites: `(w0 centre + w1 sum of near - w2 sum of far) / 8`.
    ///
    /// `near` are the four nearest samples of the colour wanted, `far` those of the centre's colour two away.
    pub(crate) fn malvar_chroma(out: &mut [f32], centre: &[f32], near: [&[f32]; 4], far: [&[f32]; 4], weights: [f32; 3]) {
        let len = out.len();
        let centre = &centre[..len];
        let [na, nb, nc, nd] = near.map(|s| &s[..len]);
        let [fa, fb, fc, fd] = far.map(|s| &s[..len]);
        let [w0, w1, w2] = weights;
        for (k, v) in out.iter_mut().enumerate() {
            let near = (na[k] + nd[k]) + (nb[k] + nc[k]);
            let far = (fa[k] + fd[k]) + (fb[k] + fc[k]);
            *v = (w0 * centre[k] + w1 * near - w2 * far) * 0.125;
        }
    }
}

kernel! {
    /// Red or blue at green sites: `(5 centre + 4 sum of near - sum of along - sum of diagonal + sum of across / 2) / 8`.
    ///
    /// `near` are the two neighbours of the colour wanted; `along` are the greens two away in their direction,
    /// `across` in the other.
    pub(crate) fn malvar_green(
        out: &mut [f32],
        centre: &[f32],
        near: [&[f32]; 2],
        along: [&[f32]; 2],
        diagonal: [&[f32]; 4],
        across: [&[f32]; 2],
    ) {
        let len = out.len();
        let centre = &centre[..len];
        let [na, nb] = near.map(|s| &s[..len]);
        let [la, lb] = along.map(|s| &s[..len]);
        let [da, db, dc, dd] = diagonal.map(|s| &s[..len]);
        let [ca, cb] = across.map(|s| &s[..len]);
        for (k, v) in out.iter_mut().enumerate() {
            let diagonal = (da[k] + dd[k]) + (db[k] + dc[k]);
            let minus = (la[k] + lb[k]) + diagonal;
            *v = (5.0 * centre[k] + 4.0 * (na[k] + nb[k]) - minus + 0.5 * (ca[k] + cb[k])) * 0.125;
        }
    }
}

#[cfg(test)]
mod tests {
    use rushes_core::simd::Level;

    use super::*;

    #[test]
    fn the_weights_of_each_filter_add_up_to_one() {
        let one = [1.0f32];
        let s: &[f32] = &one;
        let mut out = [0.0];
        mean2(Level::Plain, &mut out, s, s);
        assert_eq!(out, [1.0]);
        mean4(Level::Plain, &mut out, [s; 4]);
        assert_eq!(out, [1.0]);
        malvar_chroma(Level::Plain, &mut out, s, [s; 4], [s; 4], [4.0, 2.0, 1.0]);
        assert_eq!(out, [1.0]);
        malvar_chroma(Level::Plain, &mut out, s, [s; 4], [s; 4], [6.0, 2.0, 1.5]);
        assert_eq!(out, [1.0]);
        malvar_green(Level::Plain, &mut out, s, [s; 2], [s; 2], [s; 4], [s; 2]);
        assert_eq!(out, [1.0]);
    }
}
