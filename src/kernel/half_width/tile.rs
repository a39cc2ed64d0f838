//! Tiles of products of bf16 values by AVX-512 BF16: 12 rows times 32 columns of sums in f32, in registers.
//!
//! `VDPBF16PS` adds to each of 16 sums the products of two pairs of neighbouring values, the second pair first, each addition rounded to
//! the nearest f32; values too small to be normal count as zero. A pair of a row of x lies in memory as it is needed; the weights' pairs
//! are of one column, which are two rows of the matrix: panels of 32 columns are put together as they are used.

use super::block::TileValues;
use half::bf16;
use std::arch::x86_64::*;
use std::mem::transmute;
use std::ops::Range;

/// Rows of a tile: with two registers each and those of a panel, as many as there are registers.
pub(super) const TILE_ROWS: usize = 12;

/// Columns of a tile and of a panel.
pub(super) const TILE_COLUMNS: usize = 32;

/// How many rows of a matrix ahead of those that are put into panels are asked for.
const AHEAD: usize = 8;

/// A vector register in memory: 16 pairs of values, or 16 sums.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Line([u32; 16]);

/// That the processor has the instructions.
#[derive(Debug, Clone, Copy)]
pub(super) struct DotProducts(());

/// The pairs of a tile's rows of x.
#[derive(Debug, Clone, Copy)]
pub(super) enum TilePairs<'x> {
    /// Rows that start `stride` values apart.
    Apart { values: &'x [u16], stride: usize },
    /// The first pair of every row, then the second of every row, and so on.
    Together(&'x [u32]),
}

/// Where the sums of a tile go, and what they are added to. Sums in memory are two lines a row.
pub(super) enum TileOutput<'o> {
    /// Into memory, to what is there where they go on from it.
    Held { sums: &'o mut [Line], go_on: bool },
    /// Into the product, to what was held before, a bias added to each column last.
    Rounded { values: TileValues<'o, bf16>, bias: Option<&'o [f32; TILE_COLUMNS]>, before: Option<&'o [Line]> },
}

impl DotProducts {
    /// That this processor has them, if it has.
    pub fn found() -> Option<Self> {
        let found = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vl")
            && std::is_x86_feature_detected!("avx512bf16");
        found.then_some(Self(()))
    }

    /// Puts rows `depth` and columns `columns` of a matrix, whose rows start `stride` values apart, into panels: one after another, each
    /// of two lines for every two rows. Where a column or a row is missing there are zeros.
    pub fn pack(self, matrix: &[u16], stride: usize, depth: Range<usize>, columns: Range<usize>, panels: &mut [Line]) {
        let (pairs, count) = (depth.len().div_ceil(2), columns.len().div_ceil(TILE_COLUMNS));
        assert_eq!(panels.len(), 2 * pairs * count, "room for the panels");
        assert!(
            depth.is_empty() || columns.is_empty() || (depth.end - 1) * stride + columns.end <= matrix.len(),
            "rows and columns of the matrix"
        );
        // SAFETY: the processor has the instructions, which only `found` makes a value of this type for.
        unsafe { pack(matrix, stride, depth, columns, panels) }
    }

    /// The product of some rows of x and a panel.
    pub fn tile(self, rows: usize, x: TilePairs, panel: &[Line], output: TileOutput) {
        let pairs = panel.len() / 2;
        assert!((1..=TILE_ROWS).contains(&rows), "rows of a tile");
        match x {
            TilePairs::Apart { values, stride } => {
                assert!((rows - 1) * stride + 2 * pairs <= values.len(), "pairs of every row")
            }
            TilePairs::Together(values) => assert!(rows * pairs <= values.len(), "pairs of every row"),
        }
        match &output {
            TileOutput::Held { sums, .. } => assert_eq!(sums.len(), 2 * rows, "room for the sums of every row"),
            TileOutput::Rounded { values, before, .. } => {
                assert!(values.rows() == rows && values.columns() <= TILE_COLUMNS, "a tile of the product");
                assert!(before.is_none_or(|sums| sums.len() == 2 * rows), "sums of every row");
            }
        }
        let (values, stride, together) = match x {
            TilePairs::Apart { values, stride } => (values.as_ptr().cast::<i32>(), stride, false),
            TilePairs::Together(values) => (values.as_ptr().cast::<i32>(), 0, true),
        };
        let tile = match (rows, together) {
            (1, false) => tile::<1, false>,
            (2, false) => tile::<2, false>,
            (3, false) => tile::<3, false>,
            (4, false) => tile::<4, false>,
            (5, false) => tile::<5, false>,
            (6, false) => tile::<6, false>,
            (7, false) => tile::<7, false>,
            (8, false) => tile::<8, false>,
            (9, false) => tile::<9, false>,
            (10, false) => tile::<10, false>,
            (11, false) => tile::<11, false>,
            (1, true) => tile::<1, true>,
            (2, true) => tile::<2, true>,
            (3, true) => tile::<3, true>,
            (4, true) => tile::<4, true>,
            (5, true) => tile::<5, true>,
            (6, true) => tile::<6, true>,
            (7, true) => tile::<7, true>,
            (8, true) => tile::<8, true>,
            (9, true) => tile::<9, true>,
            (10, true) => tile::<10, true>,
            (11, true) => tile::<11, true>,
            (_, false) => tile::<TILE_ROWS, false>,
            (_, true) => tile::<TILE_ROWS, true>,
        };
        // SAFETY: the processor has the instructions, which only `found` makes a value of this type for; the rest has just been asserted.
        unsafe { tile(values, stride, panel, output) }
    }
}

/// Where the pairs of the first and of the last 16 of two rows' 32 columns are taken from: 32 and more is the second row.
const FIRST_PAIRS: [u16; 32] = pairs_from(0);
const LAST_PAIRS: [u16; 32] = pairs_from(16);

const fn pairs_from(first: u16) -> [u16; 32] {
    let mut places = [0; 32];
    let mut column = 0;
    while column < 16 {
        places[2 * column] = first + column as u16;
        places[2 * column + 1] = 32 + first + column as u16;
        column += 1;
    }
    places
}

/// Which of 32 columns there are.
fn columns_mask(columns: usize) -> u32 {
    if columns < TILE_COLUMNS { (1 << columns) - 1 } else { u32::MAX }
}

/// # Safety
/// The rows and columns are the matrix's, and there is room for the panels: see [`DotProducts::pack`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn pack(matrix: &[u16], stride: usize, depth: Range<usize>, columns: Range<usize>, panels: &mut [Line]) {
    let pairs = depth.len().div_ceil(2);
    // SAFETY: arrays of 64 bytes are read whole.
    let (first, last) =
        unsafe { (_mm512_loadu_si512(FIRST_PAIRS.as_ptr().cast()), _mm512_loadu_si512(LAST_PAIRS.as_ptr().cast())) };
    for pair in 0..pairs {
        let row = depth.start + 2 * pair;
        for (panel, column) in columns.clone().step_by(TILE_COLUMNS).enumerate() {
            let mask = columns_mask(columns.end - column);
            // SAFETY: row and columns are the matrix's, and masked columns are not read. The second row is read where the matrix has it.
            // A panel has two lines for each pair, and as many panels were asserted to have room.
            unsafe {
                let even = matrix.as_ptr().add(row * stride + column);
                // Neighbours in a panel are far from each other in the matrix: the processor does not foresee them by itself.
                let ahead = even.wrapping_add(AHEAD * stride);
                _mm_prefetch(ahead.cast(), _MM_HINT_T0);
                _mm_prefetch(ahead.wrapping_add(stride).cast(), _MM_HINT_T0);
                let odd = if row + 1 < depth.end { mask } else { 0 };
                let odd = _mm512_maskz_loadu_epi16(odd, even.wrapping_add(stride).cast());
                let even = _mm512_maskz_loadu_epi16(mask, even.cast());
                let to = panels.as_mut_ptr().add(2 * (panel * pairs + pair));
                _mm512_store_si512(to.cast(), _mm512_permutex2var_epi16(even, first, odd));
                _mm512_store_si512(to.add(1).cast(), _mm512_permutex2var_epi16(even, last, odd));
            }
        }
    }
}

/// # Safety
/// What [`DotProducts::tile`] asserts, of `R` rows: `x` has a pair of each row for each of the panel's, which need not be aligned: the rows'
/// first ones `stride` values apart, or all that are of one column beside each other.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn tile<const R: usize, const TOGETHER: bool>(x: *const i32, stride: usize, panel: &[Line], output: TileOutput) {
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    let before = match &output {
        TileOutput::Held { sums, go_on } => go_on.then_some(&**sums),
        TileOutput::Rounded { before, .. } => *before,
    };
    if let Some(before) = before {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (half, sum) in sums.iter_mut().enumerate() {
                // SAFETY: there are two lines of 64 bytes for each row.
                *sum = unsafe { _mm512_load_ps(before.as_ptr().add(2 * row + half).cast()) };
            }
        }
    }
    for (pair, lines) in panel.chunks_exact(2).enumerate() {
        // SAFETY: two lines are 128 bytes, and x has as many pairs as the panel. The types are 64 bytes of any value.
        unsafe {
            let first: __m512bh = transmute(_mm512_load_si512(lines.as_ptr().cast()));
            let last: __m512bh = transmute(_mm512_load_si512(lines.as_ptr().add(1).cast()));
            for (row, sums) in sums.iter_mut().enumerate() {
                let of_row = match TOGETHER {
                    true => x.add(pair * R + row),
                    false => x.byte_add(2 * row * stride).add(pair),
                };
                let of_row: __m512bh = transmute(_mm512_set1_epi32(of_row.read_unaligned()));
                sums[0] = _mm512_dpbf16_ps(sums[0], of_row, first);
                sums[1] = _mm512_dpbf16_ps(sums[1], of_row, last);
            }
        }
    }
    match output {
        TileOutput::Held { sums: lines, .. } => {
            for (row, sums) in sums.iter().enumerate() {
                for (half, sum) in sums.iter().enumerate() {
                    // SAFETY: there are two lines of 64 bytes for each row.
                    unsafe { _mm512_store_ps(lines.as_mut_ptr().add(2 * row + half).cast(), *sum) };
                }
            }
        }
        TileOutput::Rounded { mut values, bias, .. } => {
            let mask = columns_mask(values.columns());
            // SAFETY: a bias has 32 values.
            let bias = bias.map(|bias| unsafe { [0, 16].map(|first| _mm512_loadu_ps(bias.as_ptr().add(first))) });
            for (row, [first, last]) in sums.into_iter().enumerate() {
                let (first, last) = match bias {
                    Some([of_first, of_last]) => (_mm512_add_ps(first, of_first), _mm512_add_ps(last, of_last)),
                    None => (first, last),
                };
                // SAFETY: both types are 64 bytes of any value; columns that the row does not have are masked.
                unsafe {
                    let rounded: __m512i = transmute(_mm512_cvtne2ps_pbh(last, first));
                    _mm512_mask_storeu_epi16(values.row(row).as_mut_ptr().cast(), mask, rounded);
                }
            }
        }
    }
}
