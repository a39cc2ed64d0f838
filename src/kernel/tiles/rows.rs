//! The rows of a tile.

use super::line::{Line, LineValue};
use std::ops::Range;

/// The rows of a tile of x, beside each other: those of a matrix may crowd each other in the cache, and are far from the processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct TileRows<'x> {
    lines: &'x [Line],
    /// Lines from one row to the next.
    pub stride: usize,
    /// How many.
    pub count: usize,
    /// Lanes of each row: what is multiplied with a line of a panel.
    pub lanes: usize,
}

impl<'x> TileRows<'x> {
    /// Columns `part` of `rows` of a matrix of `width` columns, in `room`, in lanes of `of_lane` values. What is missing of the last is zero.
    pub fn copied<T: LineValue>(
        (matrix, width): (&[T], usize),
        rows: Range<usize>,
        part: Range<usize>,
        of_lane: usize,
        room: &'x mut Vec<Line>,
    ) -> Self {
        let lanes = part.len().div_ceil(of_lane);
        // Of an odd number of lines, so that rows share no places in the cache.
        let stride = (lanes * of_lane).div_ceil(Line::holds::<T>()) | 1;
        room.resize(stride * rows.len(), Line::default());
        let values = Line::values(room);
        for (row, to) in rows.clone().zip(values.chunks_exact_mut(stride * Line::holds::<T>())) {
            let of_row = &matrix[row * width..][part.clone()];
            to[..of_row.len()].copy_from_slice(of_row);
            to[of_row.len()..lanes * of_lane].fill(T::ZERO);
        }
        Self { lines: room, stride, count: rows.len(), lanes }
    }

    /// Where they begin: `count` rows of `lanes` lanes of four bytes, `stride` lines apart.
    pub fn first<P>(&self) -> *const P {
        let of_line = size_of::<Line>() / 4;
        assert!((self.count - 1) * self.stride * of_line + self.lanes <= self.lines.len() * of_line, "all rows");
        self.lines.as_ptr().cast()
    }
}
