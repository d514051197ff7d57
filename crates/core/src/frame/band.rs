//! Some rows of a frame: the unit in which frame stages compute.

use std::ops::Range;

use ndarray::{Array3, ArrayView3, ArrayViewMut3, CowArray, Ix3, ShapeBuilder};

/// Rows `rows` of a frame, planar: plane 0's rows, then plane 1's, each row contiguous. The rows of a plane may go on
/// at its beginning ([`Band::ring`]).
///
/// Rows are addressed by their number in the whole frame, so a kernel needs no offsets.
#[derive(Debug, Clone)]
pub struct Band<'a> {
    data: &'a [f32],
    planes: usize,
    width: usize,
    rows: Range<usize>,
    /// Where in a plane the first row lies, in rows.
    at: usize,
    /// Rows a plane has room for.
    room: usize,
}

impl<'a> Band<'a> {
    /// A band over `data`, which holds exactly `planes * rows * width` samples.
    ///
    /// # Panics
    /// When `data` has another length: a bug of the caller.
    pub fn new(data: &'a [f32], planes: usize, width: usize, rows: Range<usize>) -> Self {
        assert_eq!(data.len(), planes * rows.len() * width, "a band's slice has the size of its rows");
        Self { data, planes, width, at: 0, room: rows.len(), rows }
    }

    /// A band of planes that have room for `room` rows each: row `r` of the frame is row `r` modulo `room`
    /// of its plane.
    ///
    /// # Panics
    /// When there are more rows than room, or `data` does not hold the planes: a bug of the caller.
    pub fn ring(data: &'a [f32], planes: usize, width: usize, rows: Range<usize>, room: usize) -> Self {
        assert!(rows.len() <= room && planes * room * width <= data.len(), "a band's planes have room for its rows");
        Self { data, planes, width, at: rows.start % room.max(1), room, rows }
    }

    /// Rows of the frame that are here.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Planes.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Row `row` of the frame, in `plane`.
    ///
    /// # Panics
    /// When the row is not in the band.
    #[inline]
    pub fn row(&self, plane: usize, row: usize) -> &'a [f32] {
        assert!(self.rows.contains(&row) && plane < self.planes, "row {row} of {:?}", self.rows);
        let row = self.at + (row - self.rows.start);
        let row = if row < self.room { row } else { row - self.room };
        let at = (plane * self.room + row) * self.width;
        &self.data[at..at + self.width]
    }

    /// The samples as (planes, rows, columns): where they lie, or a copy where the rows are not in one piece.
    pub fn array(&self) -> CowArray<'a, f32, Ix3> {
        let (n, stride) = (self.rows.len(), self.room * self.width);
        let shape = (self.planes, n, self.width).strides((stride, self.width, 1));
        let first = self.at * self.width;
        let view = self.data.get(first..).filter(|_| self.at + n <= self.room);
        match view.and_then(|data| ArrayView3::from_shape(shape, data).ok()) {
            Some(view) => view.into(),
            None => {
                let sample = |(p, r, c)| self.row(p, self.rows.start + r)[c];
                Array3::from_shape_fn((self.planes, n, self.width), sample).into()
            }
        }
    }
}

/// Rows to be written, planar, in one piece a plane. Planes may lie further apart than their rows need
/// ([`BandMut::strided`]).
#[derive(Debug)]
pub struct BandMut<'a> {
    data: &'a mut [f32],
    planes: usize,
    width: usize,
    rows: Range<usize>,
    stride: usize,
}

impl<'a> BandMut<'a> {
    /// A band over `data`, which holds exactly `planes * rows * width` samples.
    ///
    /// # Panics
    /// When `data` has another length: a bug of the caller.
    pub fn new(data: &'a mut [f32], planes: usize, width: usize, rows: Range<usize>) -> Self {
        assert_eq!(data.len(), planes * rows.len() * width, "a band's slice has the size of its rows");
        let stride = rows.len() * width;
        Self { data, planes, width, rows, stride }
    }

    /// A band whose planes begin `stride` samples apart in `data`.
    ///
    /// # Panics
    /// When the rows overlap the next plane or the end of `data`: a bug of the caller.
    pub fn strided(data: &'a mut [f32], planes: usize, width: usize, rows: Range<usize>, stride: usize) -> Self {
        let plane = rows.len() * width;
        assert!(planes == 0 || (plane <= stride && (planes - 1) * stride + plane <= data.len()), "planes lie apart");
        Self { data, planes, width, rows, stride }
    }

    /// Rows of the frame that are here.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Planes.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Row `row` of the frame, in `plane`.
    ///
    /// # Panics
    /// When the row is not in the band.
    #[inline]
    pub fn row_mut(&mut self, plane: usize, row: usize) -> &mut [f32] {
        assert!(self.rows.contains(&row) && plane < self.planes, "row {row} of {:?}", self.rows);
        let at = plane * self.stride + (row - self.rows.start) * self.width;
        &mut self.data[at..at + self.width]
    }

    /// The same row of three planes at once, for kernels that mix channels.
    ///
    /// # Panics
    /// When the band has not three planes, or the row is not in it.
    #[inline]
    pub fn rgb_row_mut(&mut self, row: usize) -> [&mut [f32]; 3] {
        assert!(self.rows.contains(&row) && self.planes == 3, "row {row} of {:?}", self.rows);
        let (n, w) = (self.stride, self.width);
        let at = (row - self.rows.start) * w;
        let (r, rest) = self.data.split_at_mut(n);
        let (g, b) = rest.split_at_mut(n);
        [&mut r[at..at + w], &mut g[at..at + w], &mut b[at..at + w]]
    }

    /// The samples as (planes, rows, columns).
    pub fn view_mut(&mut self) -> ArrayViewMut3<'_, f32> {
        let shape = (self.planes, self.rows.len(), self.width).strides((self.stride, self.width, 1));
        ArrayViewMut3::from_shape(shape, &mut *self.data)
            .unwrap_or_else(|_| unreachable!("the slice has the size of the band"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_addressed_by_their_number_in_the_frame() {
        let data: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let band = Band::new(&data, 2, 3, 10..12);
        assert_eq!(band.row(0, 11), [3.0, 4.0, 5.0]);
        assert_eq!(band.row(1, 10), [6.0, 7.0, 8.0]);
        assert_eq!(band.array()[[1, 0, 2]], 8.0);
        assert!(band.array().is_view());
    }

    #[test]
    fn rows_may_go_on_at_the_beginning() {
        // Two planes with room for 4 rows of 3: rows 6 to 8 lie at 2, 3 and 0.
        let data: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let band = Band::ring(&data, 2, 3, 6..9, 4);
        assert_eq!((band.row(0, 6), band.row(0, 8), band.row(1, 8)), (&data[6..9], &data[0..3], &data[12..15]));
        let array = band.array();
        assert!(!array.is_view());
        assert_eq!((array.dim(), array[[1, 2, 1]], array[[0, 1, 0]]), ((2, 3, 3), 13.0, 9.0));
        let piece = Band::ring(&data, 2, 3, 4..6, 4).array();
        assert!(piece.is_view());
        assert_eq!(piece[[1, 1, 0]], 15.0);
    }

    #[test]
    fn planes_may_lie_apart() {
        let mut data = vec![9.0; 20];
        let mut out = BandMut::strided(&mut data, 3, 2, 5..7, 7);
        out.row_mut(2, 6)[1] = 1.0;
        out.rgb_row_mut(5)[1][0] = 2.0;
        assert_eq!((out.view_mut()[[2, 1, 1]], out.view_mut()[[1, 0, 1]]), (1.0, 9.0));
        assert_eq!((data[17], data[7]), (1.0, 2.0));
    }

    #[test]
    #[should_panic(expected = "row 9")]
    fn a_row_outside_the_band_is_a_bug() {
        Band::new(&[0.0; 6], 1, 3, 10..12).row(0, 9);
    }
}
