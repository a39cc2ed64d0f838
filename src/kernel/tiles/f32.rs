//! Tiles of products of f32 by AVX-512: 12 rows times 32 columns of sums, in registers; of weights in f32, or in two bytes, which are
//! widened as they are put into panels.
//!
//! Sums are those of the crate `gemm`, to the bit: it cuts the depth into parts ([`MultiplyAdds::part`]), sums each in order by fused
//! multiplications and additions, and adds the parts' sums to the bias one after the other.

use super::instructions::has_avx512;
use super::line::{Line, ROWS_AT_ONCE, TILE_COLUMNS, columns_mask};
use super::product::{TileOutput, Tiles};
use super::rows::TileRows;
use super::sums::{held, hold};
use half::{bf16, f16};
use std::arch::x86_64::*;
use std::cell::RefCell;
use std::ops::Range;

/// Rows of a weight that are in panels at once at most.
const DEPTH: usize = 768;

/// That the processor has the instructions, and where sums are cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct MultiplyAdds {
    part: usize,
}

/// Values that a weight may be held in.
pub trait Wide: Copy + Send + Sync {
    /// The first of some values as f32, as many as the mask says; zeros for the others.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VL, and the values that the mask says are there.
    unsafe fn load(from: *const Self, mask: u16) -> __m512;
}

impl Wide for f32 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(from: *const Self, mask: u16) -> __m512 {
        // SAFETY: masked values are not read.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }
}

impl Wide for bf16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(from: *const Self, mask: u16) -> __m512 {
        // SAFETY: masked values are not read.
        let bits = unsafe { _mm256_maskz_loadu_epi16(mask, from.cast()) };
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(bits)))
    }
}

impl Wide for f16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn load(from: *const Self, mask: u16) -> __m512 {
        // SAFETY: masked values are not read.
        _mm512_cvtph_ps(unsafe { _mm256_maskz_loadu_epi16(mask, from.cast()) })
    }
}

impl MultiplyAdds {
    /// That this processor has them, if it has, for products of this depth.
    pub fn found(depth: usize) -> Option<Self> {
        has_avx512().then(|| Self { part: gemm_part(depth) })
    }

    /// Rows of a weight that are in panels at once: whole parts of sums.
    pub fn depth(self) -> usize {
        self.part * (DEPTH / self.part).max(1)
    }

    /// Puts rows `depth` and columns `columns` of a matrix, whose rows start `stride` values apart, into panels: one after another, each
    /// of two lines for every row. Where a column is missing there are zeros.
    pub fn pack<T: Wide>(
        self,
        matrix: &[T],
        stride: usize,
        depth: Range<usize>,
        columns: Range<usize>,
        panels: &mut [Line],
    ) {
        assert_eq!(panels.len(), 2 * depth.len() * columns.len().div_ceil(TILE_COLUMNS), "room for the panels");
        assert!(
            depth.is_empty() || columns.is_empty() || (depth.end - 1) * stride + columns.end <= matrix.len(),
            "rows and columns of the matrix"
        );
        // SAFETY: the processor has the instructions, which only `found` makes a value of this type for.
        unsafe { pack(matrix, stride, depth, columns, panels) }
    }

    /// The same of a weight whose columns lie apart: `widen` writes `depth` values of each of the columns that it is asked for, `[column, depth]`.
    pub fn pack_columns(
        self,
        widen: impl Fn(Range<usize>, &mut [f32]),
        depth: usize,
        columns: Range<usize>,
        panels: &mut [Line],
    ) {
        thread_local! {
            static WIDENED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
        }
        assert_eq!(panels.len(), 2 * depth * columns.len().div_ceil(TILE_COLUMNS), "room for the panels");
        WIDENED.with_borrow_mut(|widened| {
            widened.resize(TILE_COLUMNS * depth, 0.0);
            for (panel, first) in panels.chunks_exact_mut((2 * depth).max(1)).zip(columns.clone().step_by(TILE_COLUMNS))
            {
                let some = first..columns.end.min(first + TILE_COLUMNS);
                let (found, missing) = widened.split_at_mut(some.len() * depth);
                widen(some, found);
                missing.fill(0.0);
                // SAFETY: the processor has the instructions, which only `found` makes a value of this type for; there are 32 columns of `depth` values, and two lines for each
                // place of the panel.
                unsafe { transpose(widened, depth, panel) }
            }
        })
    }
}

/// # Safety
/// `columns` are 32 of `depth` values each, and `panel` has two lines for each of these.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn transpose(columns: &[f32], depth: usize, panel: &mut [Line]) {
    for from in (0..depth).step_by(16) {
        let count = 16.min(depth - from);
        let mask = u16::MAX >> (16 - count);
        for half in 0..2 {
            // SAFETY: a column has `count` values from there on, and the others are masked.
            let rows: [__m512; 16] = std::array::from_fn(|column| unsafe {
                _mm512_maskz_loadu_ps(mask, columns.as_ptr().add((16 * half + column) * depth + from))
            });
            for (place, row) in transposed(rows).into_iter().enumerate().take(count) {
                // SAFETY: there are two lines for each place.
                unsafe { _mm512_store_ps(panel.as_mut_ptr().add(2 * (from + place) + half).cast(), row) };
            }
        }
    }
}

/// A matrix of 16 by 16 values, rows and columns swapped.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn transposed(rows: [__m512; 16]) -> [__m512; 16] {
    // Columns of four rows each, a quarter of a register for each of the columns that are four apart.
    let mut fours = [_mm512_setzero_ps(); 16];
    for (four, rows) in rows.chunks_exact(4).enumerate() {
        let as_pairs = |values| _mm512_castps_pd(values);
        let (low, high) = (_mm512_unpacklo_ps(rows[0], rows[1]), _mm512_unpackhi_ps(rows[0], rows[1]));
        let (next_low, next_high) = (_mm512_unpacklo_ps(rows[2], rows[3]), _mm512_unpackhi_ps(rows[2], rows[3]));
        for (column, (first, second)) in [(low, next_low), (high, next_high)].into_iter().enumerate() {
            let (first, second) = (as_pairs(first), as_pairs(second));
            fours[4 * four + 2 * column] = _mm512_castpd_ps(_mm512_unpacklo_pd(first, second));
            fours[4 * four + 2 * column + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(first, second));
        }
    }
    let mut columns = [_mm512_setzero_ps(); 16];
    for column in 0..4 {
        let [a, b, c, d] = [fours[column], fours[4 + column], fours[8 + column], fours[12 + column]];
        let even = [_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d)];
        let odd = [_mm512_shuffle_f32x4::<0xDD>(a, b), _mm512_shuffle_f32x4::<0xDD>(c, d)];
        columns[column] = _mm512_shuffle_f32x4::<0x88>(even[0], even[1]);
        columns[4 + column] = _mm512_shuffle_f32x4::<0x88>(odd[0], odd[1]);
        columns[8 + column] = _mm512_shuffle_f32x4::<0xDD>(even[0], even[1]);
        columns[12 + column] = _mm512_shuffle_f32x4::<0xDD>(odd[0], odd[1]);
    }
    columns
}

/// Where `gemm` cuts sums of this depth.
fn gemm_part(depth: usize) -> usize {
    // Its tiles are of 64 by 6 values; the extents of the product have no say in it.
    gemm_common::cache::kernel_params(1024, 1024, depth, 64, 6, size_of::<f32>()).kc.max(1)
}

/// # Safety
/// The rows and columns are the matrix's, and there is room for the panels: see [`MultiplyAdds::pack`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn pack<T: Wide>(matrix: &[T], stride: usize, depth: Range<usize>, columns: Range<usize>, panels: &mut [Line]) {
    let rows = depth.len();
    for first in (0..rows).step_by(ROWS_AT_ONCE) {
        for (panel, column) in columns.clone().step_by(TILE_COLUMNS).enumerate() {
            let mask = columns_mask(columns.end - column);
            for place in first..rows.min(first + ROWS_AT_ONCE) {
                // SAFETY: row and columns are the matrix's, and masked columns are not read. A panel has two lines for each row, and as
                // many panels were asserted to have room.
                unsafe {
                    let from = matrix.as_ptr().add((depth.start + place) * stride + column);
                    // Neighbours in a panel are far from each other in the matrix: the processor does not foresee them by itself.
                    let ahead = from.wrapping_add(ROWS_AT_ONCE * stride);
                    _mm_prefetch(ahead.cast(), _MM_HINT_T0);
                    _mm_prefetch(ahead.wrapping_add(TILE_COLUMNS - 1).cast(), _MM_HINT_T0);
                    let to = panels.as_mut_ptr().add(2 * (panel * rows + place));
                    _mm512_store_ps(to.cast(), T::load(from, mask as u16));
                    _mm512_store_ps(to.add(1).cast(), T::load(from.wrapping_add(16), (mask >> 16) as u16));
                }
            }
        }
    }
}

impl Tiles for MultiplyAdds {
    type Value = f32;
    type Product = f32;
    const OF_LANE: usize = 1;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn tile<const R: usize>(
        self,
        x: TileRows,
        panel: &[Line],
        bias: Option<&[f32; TILE_COLUMNS]>,
        output: TileOutput<f32>,
    ) {
        let (x, stride, part) = (x.first::<f32>(), x.stride, self.part);
        // What the sums of a part are added to, and whether there is anything yet.
        let mut totals = [[_mm512_setzero_ps(); 2]; R];
        let mut any = true;
        match (output.before(), bias) {
            (Some(before), _) => totals = held(before),
            (None, Some(bias)) => {
                // SAFETY: a bias has 32 values.
                totals = [[0, 16].map(|first| unsafe { _mm512_loadu_ps(bias.as_ptr().add(first)) }); R];
            }
            (None, None) => any = false,
        }
        for (number, lines) in panel.chunks(2 * part).enumerate() {
            let mut sums = [[_mm512_setzero_ps(); 2]; R];
            // SAFETY: x has as many values as the panel.
            let x = unsafe { x.add(number * part) };
            for (place, lines) in lines.chunks_exact(2).enumerate() {
                // SAFETY: two lines are 128 bytes, and x has as many values as the panel.
                unsafe {
                    let first = _mm512_load_ps(lines.as_ptr().cast());
                    let last = _mm512_load_ps(lines.as_ptr().add(1).cast());
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let of_row = _mm512_set1_ps(x.byte_add(row * stride).add(place).read_unaligned());
                        sums[0] = _mm512_fmadd_ps(of_row, first, sums[0]);
                        sums[1] = _mm512_fmadd_ps(of_row, last, sums[1]);
                    }
                }
            }
            for (totals, sums) in totals.iter_mut().zip(sums) {
                // Nothing is not zero: zero and −0 is 0.
                *totals = if any { [0, 1].map(|half| _mm512_add_ps(totals[half], sums[half])) } else { sums };
            }
            any = true;
        }
        match output {
            TileOutput::Held { sums: lines, .. } => hold(&totals, lines),
            TileOutput::Done { mut values, .. } => {
                let mask = columns_mask(values.columns());
                for (row, [first, last]) in totals.into_iter().enumerate() {
                    // SAFETY: columns that the row does not have are masked.
                    unsafe {
                        let to = values.row(row).as_mut_ptr().cast::<f32>();
                        _mm512_mask_storeu_ps(to, mask as u16, first);
                        _mm512_mask_storeu_ps(to.wrapping_add(16), (mask >> 16) as u16, last);
                    }
                }
            }
        }
    }
}
