//! Products of few rows with a large matrix, which take as long as reading the matrix does: each thread reads columns of its own once,
//! for all rows.
//!
//! General products read a matrix into another order first, or do single rows on one thread. They round in another order, so that a
//! run has one or the other throughout: who computes token by token asks for these.

use super::threads::each_piece;
use super::vector::{add_scaled, vectorise};
use std::cell::Cell;

/// Rows from which on a general product is faster.
const MOST_ROWS: usize = 8;

/// Weights of a piece of the work, about: a megabyte is some 50 µs of reading.
const WEIGHTS: usize = 1 << 17;

/// Pieces at most: on a piece of a large matrix's columns hangs a page of memory for each of its rows.
const MOST_PIECES: usize = 64;

/// Rows of the weights that are added to the output together: adding one alone, the output is read and written as often as it is multiplied.
const TOGETHER: usize = 8;

/// Columns below which rows of the weights are too short to read several of them side by side.
const NARROW: usize = 256;

/// Columns that are summed in registers.
const LANES: usize = 16;

thread_local! {
    static WANTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with the products of few rows on this thread made here.
pub fn few_rows<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WANTED.set(self.0);
        }
    }
    let _restore = Restore(WANTED.replace(true));
    work()
}

/// Whether a product of so many rows is to be made here.
pub(super) fn takes_few_rows(rows: usize) -> bool {
    WANTED.get() && (1..=MOST_ROWS).contains(&rows)
}

/// x·w + b of `x`, `[row, d_in]`, and `weight`, `[d_in, d_out]`, both row by row; none where a general product is to be taken.
pub(super) fn product_of_few(x: &[f32], weight: &[f32], bias: Option<&[f32]>, d_out: usize) -> Option<Vec<f32>> {
    let d_in = weight.len().checked_div(d_out)?;
    let rows = x.len().checked_div(d_in)?;
    if !takes_few_rows(rows) {
        return None;
    }
    let pieces = few_pieces(weight.len(), d_out);
    let parts = pieces.each(rows, bias, |columns, width, part| {
        add_products(x, weight, (d_in, d_out), columns, width, part);
    });
    Some(joined(parts, rows, pieces, d_out))
}

/// The columns of a matrix, cut into pieces.
#[derive(Clone, Copy)]
pub(super) struct FewPieces {
    d_out: usize,
    /// Columns of a piece.
    width: usize,
    count: usize,
}

/// How the columns of a matrix of so many weights are cut.
pub(super) fn few_pieces(weights: usize, d_out: usize) -> FewPieces {
    let pieces = (weights / WEIGHTS).clamp(1, MOST_PIECES);
    // Whole vectors, so that pieces end where they do.
    let width = d_out.div_ceil(pieces).next_multiple_of(16).max(16);
    FewPieces { d_out, width, count: d_out.div_ceil(width) }
}

impl FewPieces {
    /// Has each piece, `[row, width]`, filled with what `add` adds to the bias, or to nothing; pieces after each other.
    pub fn each(
        self,
        rows: usize,
        bias: Option<&[f32]>,
        add: impl Fn(std::ops::Range<usize>, usize, &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let Self { d_out, width, count } = self;
        let mut parts = vec![0.0; count * rows * width];
        each_piece(&mut parts, rows * width, |piece, part| {
            let first = piece * width;
            let columns = first..d_out.min(first + width);
            if let Some(bias) = bias {
                let of_row = |row: &mut [f32]| row[..columns.len()].copy_from_slice(&bias[columns.clone()]);
                part.chunks_exact_mut(width).for_each(of_row);
            }
            add(columns, width, part);
        });
        parts
    }
}

/// Rows of `d_out` values from pieces.
pub(super) fn joined(mut parts: Vec<f32>, rows: usize, pieces: FewPieces, d_out: usize) -> Vec<f32> {
    let FewPieces { width, count, .. } = pieces;
    if rows == 1 {
        parts.truncate(d_out);
        return parts;
    }
    let mut out = Vec::with_capacity(rows * d_out);
    for row in 0..rows {
        for piece in 0..count {
            let columns = width.min(d_out - piece * width);
            out.extend_from_slice(&parts[(piece * rows + row) * width..][..columns]);
        }
    }
    out
}

vectorise! {
    // Adds x·w to rows of `width` values, for some columns of w.
    fn add_products(
        x: &[f32],
        weight: &[f32],
        extents: (usize, usize),
        columns: std::ops::Range<usize>,
        width: usize,
        part: &mut [f32],
    ) {
        let (d_in, d_out) = extents;
        let weights = |place: usize| &weight[place * d_out..][columns.start..columns.end];
        let whole = if columns.len() < NARROW { 0 } else { d_in - d_in % TOGETHER };
        for place in (0..whole).step_by(TOGETHER) {
            let weights: [&[f32]; TOGETHER] = std::array::from_fn(|next| weights(place + next));
            let factors = |row: usize| std::array::from_fn(|next| x[row * d_in + place + next]);
            let mut pairs = part.chunks_exact_mut(2 * width);
            let mut row = 0;
            for pair in pairs.by_ref() {
                add_several::<2, FMA>(pair, width, [factors(row), factors(row + 1)], weights);
                row += 2;
            }
            if let out @ [_, ..] = pairs.into_remainder() {
                add_several::<1, FMA>(out, width, [factors(row)], weights);
            }
        }
        for place in whole..d_in {
            for (row, out) in part.chunks_exact_mut(width).enumerate() {
                add_scaled::<FMA>(&mut out[..columns.len()], x[row * d_in + place], weights(place));
            }
        }
    }
}

/// Adds factor·x of each `x`, one after the other, to rows of `width` values: to the bit what [`add_scaled`] of one `x` at a time gives, with
/// the rows read and written once.
#[inline(always)]
fn add_several<const ROWS: usize, const FMA: bool>(
    rows: &mut [f32],
    width: usize,
    factors: [[f32; TOGETHER]; ROWS],
    x: [&[f32]; TOGETHER],
) {
    let columns = x[0].len();
    let x = x.map(|x| &x[..columns]);
    let whole = columns - columns % LANES;
    for first in (0..whole).step_by(LANES) {
        let mut sums = [[0.0; LANES]; ROWS];
        for (row, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(&rows[row * width + first..][..LANES]);
        }
        for (place, x) in x.iter().enumerate() {
            let x = &x[first..first + LANES];
            for (sums, factors) in sums.iter_mut().zip(&factors) {
                add_scaled::<FMA>(sums, factors[place], x);
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            rows[row * width + first..][..LANES].copy_from_slice(sums);
        }
    }
    for (row, factors) in factors.iter().enumerate() {
        for (factor, x) in factors.iter().zip(&x) {
            add_scaled::<FMA>(&mut rows[row * width + whole..row * width + columns], *factor, &x[whole..]);
        }
    }
}
