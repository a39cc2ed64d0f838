//! Products of values of two bytes by those of f32: the weights of a block are widened as they are used.

use super::block::{ProductBlock, ProductBlockSize, each_block};
use super::factors::HalfFactors;
use super::format::{HalfWidth, widened};
use crate::kernel::matmul::{MatrixView, product_into};
use crate::kernel::threads::alone;
use std::cell::RefCell;

/// What a thread computes at once.
const BLOCK: ProductBlockSize = ProductBlockSize { rows: 256, columns: 256, multiples: [1, 16] };

/// Rows of the weights that are widened at once.
const DEPTH: usize = 512;

thread_local! {
    /// Weights of a block, widened, and its sums.
    static ROOM: RefCell<[Vec<f32>; 2]> = RefCell::default();
}

/// x·w + b.
pub(super) fn product<H: HalfWidth>(factors: HalfFactors<H>) -> Vec<H> {
    let [rows, _, columns] = factors.extents;
    let (x, bias) = (widened(factors.x), factors.bias.map(widened));
    let mut out = Vec::with_capacity(rows * columns);
    each_block(&mut out.spare_capacity_mut()[..rows * columns], factors.extents, BLOCK, |block| {
        ROOM.with_borrow_mut(|room| alone(|| fill(&x, factors, bias.as_deref(), block, room)));
    });
    // SAFETY: the capacity is as large, and `fill` wrote every value of each block.
    unsafe { out.set_len(rows * columns) };
    out
}

fn fill<H: HalfWidth>(
    x: &[f32],
    HalfFactors { weight, extents: [_, depth, columns], .. }: HalfFactors<H>,
    bias: Option<&[f32]>,
    mut block: ProductBlock<H>,
    [weights, sums]: &mut [Vec<f32>; 2],
) {
    let (rows, width) = (block.rows.len(), block.columns.len());
    sums.clear();
    match bias {
        Some(bias) => (0..rows).for_each(|_| sums.extend_from_slice(&bias[block.columns.clone()])),
        None => sums.resize(rows * width, 0.0),
    }
    for from in (0..depth).step_by(DEPTH) {
        let part = from..depth.min(from + DEPTH);
        weights.clear();
        weights.reserve(part.len() * width);
        let room = weights.spare_capacity_mut()[..part.len() * width].chunks_exact_mut(width);
        for (row, room) in part.clone().zip(room) {
            H::widen(&weight[row * columns..][block.columns.clone()], room);
        }
        // SAFETY: the capacity is as large, and every row of it was written.
        unsafe { weights.set_len(part.len() * width) };
        let of_rows = &x[block.rows.start * depth + part.start..];
        let of_rows = MatrixView::rows_apart(of_rows, rows, part.len(), depth);
        product_into(of_rows, MatrixView::dense(weights, part.len(), width), sums, true);
    }
    for (row, sums) in sums.chunks_exact(width).enumerate() {
        H::round(sums, block.part(row..row + 1, 0..width).row(0));
    }
}
