//! The rows of a tile.

use super::line::{Line, LineValue};
use std::ops::Range;

/// Rows of a matrix that start at multiples of so many bytes share a few places of the first-level cache, which they then push each other
/// out of.
const CROWDED: usize = 2048;

/// The rows of a tile of x: where they lie in the matrix, or copied beside each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct TileRows<'x> {
    bytes: &'x [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// How many.
    pub count: usize,
    /// Lanes of each row: what is multiplied with a line of a panel.
    pub lanes: usize,
}

impl<'x> TileRows<'x> {
    /// Columns `part` of `rows` of a matrix of `width` columns, in lanes of `of_lane` values. What is missing of the last is zero. Rows that
    /// end within a lane, or would crowd each other in the cache, are copied into `room`.
    pub fn of<T: LineValue>(
        (matrix, width): (&'x [T], usize),
        rows: Range<usize>,
        part: Range<usize>,
        of_lane: usize,
        room: &'x mut Vec<Line>,
    ) -> Self {
        let (count, lanes, stride) = (rows.len(), part.len().div_ceil(of_lane), width * size_of::<T>());
        if part.len().is_multiple_of(of_lane) && !stride.is_multiple_of(CROWDED) && count > 0 {
            let values = &matrix[rows.start * width + part.start..(rows.end - 1) * width + part.end];
            return Self { bytes: T::bytes(values), stride, count, lanes };
        }
        // Of an odd number of lines, so that rows share no places in the cache.
        let lines = (lanes * of_lane).div_ceil(Line::holds::<T>()) | 1;
        let values = Line::values(Line::first_of(room, lines * count));
        for (row, to) in rows.zip(values.chunks_exact_mut(lines * Line::holds::<T>())) {
            let of_row = &matrix[row * width..][part.clone()];
            to[..of_row.len()].copy_from_slice(of_row);
            to[of_row.len()..lanes * of_lane].fill(T::ZERO);
        }
        Self { bytes: T::bytes(values), stride: lines * size_of::<Line>(), count, lanes }
    }

    /// Where they begin: `count` rows of `lanes` lanes of four bytes, `stride` bytes apart. They need not be aligned as a lane is.
    pub fn first<P>(&self) -> *const P {
        assert!((self.count - 1) * self.stride + 4 * self.lanes <= self.bytes.len(), "all rows");
        self.bytes.as_ptr().cast()
    }
}
