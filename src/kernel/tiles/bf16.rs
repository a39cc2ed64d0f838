//! Tiles of products of bf16 values by AVX-512 BF16: 12 rows times 32 columns of sums in f32, in registers.
//!
//! `VDPBF16PS` adds to each of 16 sums the products of two pairs of neighbouring values, the second pair first, each addition rounded to
//! the nearest f32; values too small to be normal count as zero. A pair of a row of x lies in memory as it is needed; the weights' pairs
//! are of one column, which are two rows of the matrix: panels of 32 columns are put together as they are used.

use super::instructions::has_avx512;
use super::line::{Line, ROWS_AT_ONCE, TILE_COLUMNS, columns_mask};
use super::product::{TileOutput, Tiles};
use super::rows::TileRows;
use super::sums::{held, hold};
use half::bf16;
use std::arch::x86_64::*;
use std::mem::transmute;
use std::ops::Range;

/// Rows of a weight that are in panels at once at most.
const DEPTH: usize = 1024;

/// That the processor has the instructions.
#[derive(Debug, Clone, Copy)]
pub(super) struct DotProducts(());

impl DotProducts {
    /// Rows of a weight that are in panels at once: parts of about the same size, that cut no pair.
    pub fn depth(self, depth: usize) -> usize {
        depth.div_ceil(depth.div_ceil(DEPTH).max(1)).next_multiple_of(2)
    }

    /// That this processor has them, if it has.
    pub fn found() -> Option<Self> {
        (has_avx512() && std::is_x86_feature_detected!("avx512bf16")).then_some(Self(()))
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

/// # Safety
/// The rows and columns are the matrix's, and there is room for the panels: see [`DotProducts::pack`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn pack(matrix: &[u16], stride: usize, depth: Range<usize>, columns: Range<usize>, panels: &mut [Line]) {
    let pairs = depth.len().div_ceil(2);
    // SAFETY: arrays of 64 bytes are read whole.
    let (first, last) =
        unsafe { (_mm512_loadu_si512(FIRST_PAIRS.as_ptr().cast()), _mm512_loadu_si512(LAST_PAIRS.as_ptr().cast())) };
    for first_pair in (0..pairs).step_by(ROWS_AT_ONCE / 2) {
        for (panel, column) in columns.clone().step_by(TILE_COLUMNS).enumerate() {
            let mask = columns_mask(columns.end - column);
            for pair in first_pair..pairs.min(first_pair + ROWS_AT_ONCE / 2) {
                let row = depth.start + 2 * pair;
                // SAFETY: row and columns are the matrix's, and masked columns are not read. The second row is read where the matrix has
                // it. A panel has two lines for each pair, and as many panels were asserted to have room.
                unsafe {
                    let even = matrix.as_ptr().add(row * stride + column);
                    // Neighbours in a panel are far from each other in the matrix: the processor does not foresee them by itself.
                    let ahead = even.wrapping_add(ROWS_AT_ONCE * stride);
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
}

impl Tiles for DotProducts {
    type Value = u16;
    type Product = bf16;
    const OF_LANE: usize = 2;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn tile<const R: usize>(
        self,
        x: TileRows,
        panel: &[Line],
        bias: Option<&[f32; TILE_COLUMNS]>,
        output: TileOutput<bf16>,
    ) {
        let (x, stride) = (x.first::<i32>(), x.stride);
        let mut sums = match output.before() {
            Some(before) => held(before),
            None => [[_mm512_setzero_ps(); 2]; R],
        };
        for (pair, lines) in panel.chunks_exact(2).enumerate() {
            // SAFETY: two lines are 128 bytes, and x has as many pairs as the panel. The types are 64 bytes of any value.
            unsafe {
                let first: __m512bh = transmute(_mm512_load_si512(lines.as_ptr().cast()));
                let last: __m512bh = transmute(_mm512_load_si512(lines.as_ptr().add(1).cast()));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let of_row = x.byte_add(row * stride).add(pair);
                    let of_row: __m512bh = transmute(_mm512_set1_epi32(of_row.read_unaligned()));
                    sums[0] = _mm512_dpbf16_ps(sums[0], of_row, first);
                    sums[1] = _mm512_dpbf16_ps(sums[1], of_row, last);
                }
            }
        }
        match output {
            TileOutput::Held { sums: lines, .. } => hold(&sums, lines),
            TileOutput::Done { mut values, .. } => {
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
                        let to = values.row(row).as_mut_ptr();
                        // A masked write takes the processor longer.
                        match mask {
                            u32::MAX => _mm512_storeu_si512(to.cast(), rounded),
                            _ => _mm512_mask_storeu_epi16(to.cast(), mask, rounded),
                        }
                    }
                }
            }
        }
    }
}
