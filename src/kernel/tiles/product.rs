//! Products by tiles, whatever these compute with.

use super::block::{ProductBlock, ProductBlockSize, TileValues, each_block, is_spread};
use super::line::{Line, LineValue, TILE_COLUMNS, TILE_ROWS};
use super::rows::TileRows;
use crate::kernel::large_array;
use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
use std::cell::RefCell;
use std::ops::Range;

/// What tiles compute with.
pub(super) trait Tiles: Copy + Send + Sync {
    /// Values of x.
    type Value: LineValue;
    /// Values of the product.
    type Product: Copy + Send + 'static;
    /// How many values of a row of x a lane has.
    const OF_LANE: usize;

    /// The product of `R` rows of x and a panel.
    ///
    /// # Safety
    /// The processor has the instructions: a value of this type is made only where it has. There are `R` rows, the panel has two lines for
    /// each of their lanes, and the output is of as many rows ([`TileOutput::check`]).
    unsafe fn tile<const R: usize>(
        self,
        x: TileRows,
        panel: &[Line],
        bias: Option<&[f32; TILE_COLUMNS]>,
        output: TileOutput<Self::Product>,
    );
}

/// Where the sums of a tile go, and what they are added to. Sums in memory are two lines a row.
pub(super) enum TileOutput<'o, T> {
    /// Into memory, to what is there where they go on from it.
    Held { sums: &'o mut [Line], go_on: bool },
    /// Into the product, to what was held before.
    Done { values: TileValues<'o, T>, before: Option<&'o [Line]> },
}

impl<T> TileOutput<'_, T> {
    /// What is added to.
    pub fn before(&self) -> Option<&[Line]> {
        match self {
            TileOutput::Held { sums, go_on } => go_on.then_some(&**sums),
            TileOutput::Done { before, .. } => *before,
        }
    }

    /// Fails unless it is of so many rows.
    pub fn check(&self, rows: usize) {
        match self {
            TileOutput::Held { sums, .. } => assert_eq!(sums.len(), 2 * rows, "room for the sums of every row"),
            TileOutput::Done { values, before } => {
                assert!(values.rows() == rows && values.columns() <= TILE_COLUMNS, "a tile of the product");
                assert!(before.is_none_or(|sums| sums.len() == 2 * rows), "sums of every row");
            }
        }
    }
}

/// The product of the rows of a tile and a panel.
fn tile<K: Tiles>(
    tiles: K,
    x: TileRows,
    panel: &[Line],
    bias: Option<&[f32; TILE_COLUMNS]>,
    output: TileOutput<K::Product>,
) {
    assert_eq!(panel.len(), 2 * x.lanes, "two lines for each lane");
    output.check(x.count);
    let tile = match x.count {
        1 => K::tile::<1>,
        2 => K::tile::<2>,
        3 => K::tile::<3>,
        4 => K::tile::<4>,
        5 => K::tile::<5>,
        6 => K::tile::<6>,
        7 => K::tile::<7>,
        8 => K::tile::<8>,
        9 => K::tile::<9>,
        10 => K::tile::<10>,
        11 => K::tile::<11>,
        TILE_ROWS => K::tile::<TILE_ROWS>,
        _ => panic!("rows of a tile"),
    };
    // SAFETY: the processor has the instructions, since there is a value of the type; the tile is that of as many rows, and the rest has
    // just been asserted.
    unsafe { tile(tiles, x, panel, bias, output) }
}

/// The factors of a product.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a, T, P> {
    /// `[rows, depth]`
    pub x: &'a [T],
    /// Puts rows and columns of the weight into panels, one panel after another.
    pub pack: P,
    /// `[columns]`
    pub bias: Option<&'a [f32]>,
    /// Rows, depth and columns.
    pub extents: [usize; 3],
    /// Rows of the weight that are in panels at once; so many that no lane is cut.
    pub depth: usize,
}

/// Bytes of the panels of a block: what of the second-level cache they may take, which processors with AVX-512 have a megabyte of or more.
const PANELS: usize = 640 << 10;

/// Rows of a block at most: of more, x is not in the third-level cache any more when the next block wants it.
const MOST_ROWS: usize = 172 * TILE_ROWS;

/// The same where sums of all its tiles are held.
const MOST_ROWS_HELD: usize = 86 * TILE_ROWS;

/// Rows of a block at least, where it is cut only so that every thread has one: of fewer, putting weights into panels takes long.
const LEAST_ROWS: usize = 8 * TILE_ROWS;

/// Blocks for each thread, so that none waits long for another.
const BLOCKS_OF_THREAD: usize = 4;

/// What a thread needs room for, kept for the next product.
#[derive(Default)]
struct TileRoom {
    panels: Vec<Line>,
    /// The rows of one tile.
    rows: Vec<Line>,
    /// Sums of all tiles of a block, where the depth is cut.
    sums: Vec<Line>,
}

thread_local! {
    static ROOM: RefCell<TileRoom> = RefCell::default();
}

/// x·w + b.
pub(super) fn product<K: Tiles, P: Fn(Range<usize>, Range<usize>, &mut [Line]) + Sync>(
    tiles: K,
    factors: Factors<K::Value, P>,
) -> Vec<K::Product> {
    let [rows, depth, columns] = factors.extents;
    assert_eq!(factors.x.len(), rows * depth, "rows of x");
    // Of whole panels, so that each reads its own.
    let bias: Option<Vec<[f32; TILE_COLUMNS]>> = factors.bias.map(|bias| {
        let panels = bias.chunks(TILE_COLUMNS);
        panels.map(|panel| std::array::from_fn(|column| panel.get(column).copied().unwrap_or(0.0))).collect()
    });
    let bytes_of_panel = 2 * size_of::<Line>() * depth.min(factors.depth).div_ceil(K::OF_LANE);
    let blocks = if is_spread(factors.extents) { BLOCKS_OF_THREAD * rayon::current_num_threads() } else { 1 };
    let most_rows = if depth > factors.depth { MOST_ROWS_HELD } else { MOST_ROWS };
    let size = block_size(rows.max(1), columns, (bytes_of_panel, most_rows), blocks);
    let mut out = large_array::with_capacity(rows * columns);
    each_block(&mut out.spare_capacity_mut()[..rows * columns], factors.extents, size, |block| {
        ROOM.with_borrow_mut(|room| fill(tiles, &factors, bias.as_deref(), block, room));
    });
    // SAFETY: the capacity is as large, and `fill` wrote every value of each block.
    unsafe { out.set_len(rows * columns) };
    out
}

/// As many columns as there is room for panels of, and as many rows, as long as there are as many blocks as are wanted. Sums are the same
/// wherever a product is cut.
fn block_size(
    rows: usize,
    columns: usize,
    (bytes_of_panel, most_rows): (usize, usize),
    blocks: usize,
) -> ProductBlockSize {
    let most_columns = (PANELS / bytes_of_panel.max(1)).clamp(2, columns.div_ceil(TILE_COLUMNS).max(2)) * TILE_COLUMNS;
    let across = columns.div_ceil(most_columns).max(1);
    let down = blocks.div_ceil(across);
    let most_rows = rows.div_ceil(down).clamp(LEAST_ROWS, most_rows);
    // Where there are not rows enough for that, columns are cut, too.
    let across = blocks.div_ceil(rows.div_ceil(most_rows));
    let most_columns = most_columns.min(columns.div_ceil(across).max(2 * TILE_COLUMNS));
    ProductBlockSize { rows: most_rows, columns: most_columns, multiples: [TILE_ROWS, TILE_COLUMNS] }
}

fn fill<K: Tiles, P: Fn(Range<usize>, Range<usize>, &mut [Line])>(
    tiles: K,
    Factors { x, pack, extents: [_, depth, _], depth: at_once, .. }: &Factors<K::Value, P>,
    bias: Option<&[[f32; TILE_COLUMNS]]>,
    mut block: ProductBlock<K::Product>,
    TileRoom { panels: lines, rows: of_tile, sums }: &mut TileRoom,
) {
    let (rows, width) = (block.rows.len(), block.columns.len());
    let (panels, first_panel) = (width.div_ceil(TILE_COLUMNS), block.columns.start / TILE_COLUMNS);
    let sums = Line::first_of(sums, if depth > at_once { 2 * rows * panels } else { 0 });
    let mut from = 0;
    // Once even where there is no depth: the product is the bias then.
    loop {
        let part = from..(*depth).min(from + at_once);
        let (lanes, is_last) = (part.len().div_ceil(K::OF_LANE), part.end == *depth);
        let lines = Line::first_of(lines, 2 * lanes * panels);
        pack(part.clone(), block.columns.clone(), lines);
        for first in (0..rows).step_by(TILE_ROWS) {
            let count = TILE_ROWS.min(rows - first);
            let of_x = block.rows.start + first..block.rows.start + first + count;
            let next = of_x.end..block.rows.end.min(of_x.end + TILE_ROWS);
            let of_rows = TileRows::of((x, *depth), of_x, part.clone(), K::OF_LANE, of_tile);
            for panel in 0..panels {
                for row in next.start + panel * next.len() / panels..next.start + (panel + 1) * next.len() / panels {
                    ask(&x[row * depth..][part.clone()]);
                }
                let lines = &lines[2 * lanes * panel..][..2 * lanes];
                let held = 2 * (first * panels + panel * count)..2 * (first * panels + (panel + 1) * count);
                let column = panel * TILE_COLUMNS;
                let output = if is_last {
                    let values = block.part(first..first + count, column..width.min(column + TILE_COLUMNS));
                    TileOutput::Done { values, before: (part.start > 0).then(|| &sums[held]) }
                } else {
                    TileOutput::Held { sums: &mut sums[held], go_on: part.start > 0 }
                };
                tile(tiles, of_rows, lines, bias.map(|bias| &bias[first_panel + panel]), output);
            }
        }
        if is_last {
            break;
        }
        from = part.end;
    }
}

/// Asks for values, so that they are in the cache when their turn comes.
fn ask<T>(values: &[T]) {
    for line in (0..size_of_val(values)).step_by(size_of::<Line>()) {
        // SAFETY: the instruction, which every such processor has, reads nothing that a program could see, whatever the address.
        unsafe { _mm_prefetch(values.as_ptr().cast::<i8>().wrapping_add(line), _MM_HINT_T1) };
    }
}
