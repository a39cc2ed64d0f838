//! Element-wise loops over large arrays: output memory that is written once, and threads above a size.

use super::threads::is_alone;
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Elements per piece of work. Fixed, so that nothing depends on the number of threads.
pub(super) const PIECE: usize = 1 << 14;

/// An array of `len` values made by `fill`, which gets pieces of whole rows of `width` values with the index of each
/// piece's first element, and must write every value of the piece.
pub(super) fn build(len: usize, width: usize, fill: impl Fn(usize, &mut [MaybeUninit<f32>]) + Sync) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    let spare = &mut values.spare_capacity_mut()[..len];
    let piece = piece_of(width);
    if len < 2 * piece || is_alone() {
        fill(0, spare);
    } else {
        spare.par_chunks_mut(piece).enumerate().for_each(|(index, out)| fill(index * piece, out));
    }
    // SAFETY: the capacity is at least `len`, and `fill` wrote each of the first `len` values: they were all in a piece.
    unsafe { values.set_len(len) };
    values
}

/// Like [`build`] for two arrays of the same length.
pub(super) fn build_two(
    len: usize,
    width: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<f32>], &mut [MaybeUninit<f32>]) + Sync,
) -> (Vec<f32>, Vec<f32>) {
    let (mut first, mut second) = (Vec::with_capacity(len), Vec::with_capacity(len));
    let (a, b) = (&mut first.spare_capacity_mut()[..len], &mut second.spare_capacity_mut()[..len]);
    let piece = piece_of(width);
    if len < 2 * piece || is_alone() {
        fill(0, a, b);
    } else {
        let pieces = a.par_chunks_mut(piece).zip(b.par_chunks_mut(piece)).enumerate();
        pieces.for_each(|(index, (a, b))| fill(index * piece, a, b));
    }
    // SAFETY: both have capacity for `len` values, and `fill` wrote each of them: they were all in a piece.
    unsafe {
        first.set_len(len);
        second.set_len(len);
    }
    (first, second)
}

/// About [`PIECE`] elements, in whole rows.
fn piece_of(width: usize) -> usize {
    let width = width.max(1);
    PIECE.div_ceil(width) * width
}

/// How many rows that take `work` multiplications each make a piece.
pub(super) fn piece_rows(work: usize) -> usize {
    (2 * PIECE).div_ceil(work.max(1))
}
