//! Products of bf16 values by tiles: the weights of a block are put into panels that stay in the processor's cache, and multiplied with
//! all rows of the block.

use super::block::{ProductBlock, ProductBlockSize, each_block};
use super::factors::HalfFactors;
use super::format::built;
use super::tile::{DotProducts, Line, TILE_COLUMNS, TILE_ROWS, TileOutput, TilePairs};
use half::bf16;
use std::cell::RefCell;
use std::mem::MaybeUninit;

/// What a thread computes at once.
const BLOCK: ProductBlockSize =
    ProductBlockSize { rows: 86 * TILE_ROWS, columns: 2 * TILE_COLUMNS, multiples: [TILE_ROWS, TILE_COLUMNS] };

/// Rows of the weights that are in panels at once; even, so that no pair is cut.
const DEPTH: usize = 1024;

/// Rows that start at a multiple of this many values share few places in the first-level cache.
const CROWDED: usize = 512;

/// What a thread needs room for, kept for the next product.
#[derive(Default)]
struct DotRoom {
    panels: Vec<Line>,
    /// Sums of all tiles of a block, where the depth is cut.
    sums: Vec<Line>,
}

thread_local! {
    static ROOM: RefCell<DotRoom> = RefCell::default();
}

/// x·w + b of the bits of bf16 values.
pub(super) fn product(dot: DotProducts, factors: HalfFactors<u16>) -> Vec<bf16> {
    let HalfFactors { x, extents: [rows, depth, columns], .. } = factors;
    // Of whole panels, so that each reads its own.
    let bias: Option<Vec<[f32; TILE_COLUMNS]>> = factors.bias.map(|bias| {
        let value = |bits: Option<&u16>| bits.map_or(0.0, |&bits| bf16::from_bits(bits).to_f32());
        bias.chunks(TILE_COLUMNS).map(|panel| std::array::from_fn(|column| value(panel.get(column)))).collect()
    });
    let together = (depth % 2 == 1 || depth % CROWDED == 0).then(|| pairs_of_tiles(x, rows, depth));
    let mut out = Vec::with_capacity(rows * columns);
    each_block(&mut out.spare_capacity_mut()[..rows * columns], factors.extents, BLOCK, |block| {
        ROOM.with_borrow_mut(|room| fill(dot, factors, together.as_deref(), bias.as_deref(), block, room));
    });
    // SAFETY: the capacity is as large, and `fill` wrote every value of each block.
    unsafe { out.set_len(rows * columns) };
    out
}

fn fill(
    dot: DotProducts,
    HalfFactors { x, weight, extents: [_, depth, columns], .. }: HalfFactors<u16>,
    together: Option<&[u32]>,
    bias: Option<&[[f32; TILE_COLUMNS]]>,
    mut block: ProductBlock<bf16>,
    room: &mut DotRoom,
) {
    let (rows, width) = (block.rows.len(), block.columns.len());
    let (panels, first_panel) = (width.div_ceil(TILE_COLUMNS), block.columns.start / TILE_COLUMNS);
    if depth > DEPTH {
        room.sums.resize(2 * rows * panels, Line::default());
    }
    let mut from = 0;
    // Once even where there is no depth: the product is the bias then.
    loop {
        let part = from..depth.min(from + DEPTH);
        let (pairs, is_last) = (part.len().div_ceil(2), part.end == depth);
        room.panels.resize(2 * pairs * panels, Line::default());
        dot.pack(weight, columns, part.clone(), block.columns.clone(), &mut room.panels);
        for first in (0..rows).step_by(TILE_ROWS) {
            let count = TILE_ROWS.min(rows - first);
            let row = block.rows.start + first;
            let of_rows = match together {
                Some(together) => TilePairs::Together(&together[row * depth.div_ceil(2) + part.start / 2 * count..]),
                None => TilePairs::Apart { values: &x[row * depth + part.start..], stride: depth },
            };
            for panel in 0..panels {
                let lines = &room.panels[2 * pairs * panel..][..2 * pairs];
                let held = 2 * (first * panels + panel * count)..2 * (first * panels + (panel + 1) * count);
                let column = panel * TILE_COLUMNS;
                let output = if is_last {
                    TileOutput::Rounded {
                        values: block.part(first..first + count, column..width.min(column + TILE_COLUMNS)),
                        bias: bias.map(|bias| &bias[first_panel + panel]),
                        before: (part.start > 0).then(|| &room.sums[held]),
                    }
                } else {
                    TileOutput::Held { sums: &mut room.sums[held], go_on: part.start > 0 }
                };
                dot.tile(count, of_rows, lines, output);
            }
        }
        if is_last {
            break;
        }
        from = part.end;
    }
}

/// The pairs of the rows of each tile beside each other, pair after pair: rows that crowd each other in the cache are apart there, and
/// one of odd length ends in a pair with zero.
fn pairs_of_tiles(x: &[u16], rows: usize, depth: usize) -> Vec<u32> {
    let pairs = depth.div_ceil(2);
    built(rows * pairs, TILE_ROWS * pairs, |start, out: &mut [MaybeUninit<u32>]| {
        let first = start / pairs;
        for (tile, out) in out.chunks_mut(TILE_ROWS * pairs).enumerate() {
            let count = out.len() / pairs;
            for row in 0..count {
                let of_row = &x[(first + tile * TILE_ROWS + row) * depth..][..depth];
                for (pair, values) in of_row.chunks(2).enumerate() {
                    let second = values.get(1).map_or(0, |&second| u32::from(second) << 16);
                    out[pair * count + row].write(u32::from(values[0]) | second);
                }
            }
        }
    })
}
