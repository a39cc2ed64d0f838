//! The blocks that a product is cut into, each computed by one thread.

use crate::kernel::threads::is_alone;
use rayon::prelude::*;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Multiplications above which a product is spread over threads: about 5 µs of work.
const PARALLEL_FROM: usize = 1 << 21;

/// How large a block is at most, and what its rows and columns end at multiples of.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProductBlockSize {
    pub rows: usize,
    pub columns: usize,
    pub multiples: [usize; 2],
}

/// Part of a product's rows and columns, which nobody else writes.
pub(super) struct ProductBlock<'o, T> {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
    values: TileValues<'o, T>,
}

/// Some rows and columns of values that lie in longer rows.
pub(super) struct TileValues<'o, T> {
    first: *mut MaybeUninit<T>,
    stride: usize,
    rows: usize,
    columns: usize,
    of: PhantomData<&'o mut [MaybeUninit<T>]>,
}

// SAFETY: it stands for unique borrows of parts of a slice, which may go to another thread where the values may.
unsafe impl<T: Send> Send for TileValues<'_, T> {}

impl<T> ProductBlock<'_, T> {
    /// The values of some rows and columns of the block, both counted from its first.
    pub fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> TileValues<'_, T> {
        let whole = &self.values;
        assert!(rows.start <= rows.end && rows.end <= whole.rows, "rows of the block");
        assert!(columns.start <= columns.end && columns.end <= whole.columns, "columns of the block");
        TileValues {
            // An empty part may lie past the end, where no pointer may be moved to by `add`; it is never followed.
            first: whole.first.wrapping_add(rows.start * whole.stride + columns.start),
            stride: whole.stride,
            rows: rows.len(),
            columns: columns.len(),
            of: PhantomData,
        }
    }
}

impl<T> TileValues<'_, T> {
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One of its rows.
    pub fn row(&mut self, row: usize) -> &mut [MaybeUninit<T>] {
        assert!(row < self.rows, "a row of the part");
        // SAFETY: `each_block` borrowed all of the product uniquely and gave each of its values to one block; `part` stays within its
        // block and borrows that uniquely. So this row of `columns` values lies in the slice, and nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.stride), self.columns) }
    }
}

/// Whether a product is spread over threads.
pub(super) fn is_spread([rows, depth, columns]: [usize; 3]) -> bool {
    !is_alone() && rows * depth * columns >= PARALLEL_FROM
}

/// Cuts a product of `extents` (rows, depth, columns) into blocks and calls `fill`, which may be called for several at once and must write
/// every value of each.
pub(super) fn each_block<T: Send>(
    out: &mut [MaybeUninit<T>],
    [rows, depth, columns]: [usize; 3],
    size: ProductBlockSize,
    fill: impl Fn(ProductBlock<T>) + Send + Sync,
) {
    assert_eq!(out.len(), rows * columns, "room for the product");
    let down = parts(rows, size.rows, size.multiples[0]);
    let across = parts(columns, size.columns, size.multiples[1]);
    let blocks: Vec<ProductBlock<T>> = across
        .flat_map(|columns| down.clone().map(move |rows| (rows, columns.clone())))
        .map(|(rows, block_columns)| ProductBlock {
            values: TileValues {
                first: out.as_mut_ptr().wrapping_add(rows.start * columns + block_columns.start),
                stride: columns,
                rows: rows.len(),
                columns: block_columns.len(),
                of: PhantomData,
            },
            rows,
            columns: block_columns,
        })
        .collect();
    if blocks.len() < 2 || !is_spread([rows, depth, columns]) {
        blocks.into_iter().for_each(fill);
    } else {
        blocks.into_par_iter().for_each(fill);
    }
}

/// As few parts of about the same size as there can be, of `most` at most, that end at multiples.
fn parts(len: usize, most: usize, multiple: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let size = len.div_ceil(len.div_ceil(most.max(1)).max(1)).next_multiple_of(multiple).max(1);
    (0..len).step_by(size).map(move |start| start..len.min(start + size))
}
