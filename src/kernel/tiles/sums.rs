//! Sums of a tile in memory, between one part of the depth and the next: two lines a row.

use super::line::Line;
use std::arch::x86_64::*;

/// Sums of `R` rows from memory.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn held<const R: usize>(lines: &[Line]) -> [[__m512; 2]; R] {
    assert_eq!(lines.len(), 2 * R, "two lines for each row");
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for (row, sums) in sums.iter_mut().enumerate() {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: there are two lines of 64 bytes for each row.
            *sum = unsafe { _mm512_load_ps(lines.as_ptr().add(2 * row + half).cast()) };
        }
    }
    sums
}

/// Writes sums of `R` rows into memory.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn hold<const R: usize>(sums: &[[__m512; 2]; R], lines: &mut [Line]) {
    assert_eq!(lines.len(), 2 * R, "two lines for each row");
    for (row, sums) in sums.iter().enumerate() {
        for (half, sum) in sums.iter().enumerate() {
            // SAFETY: there are two lines of 64 bytes for each row.
            unsafe { _mm512_store_ps(lines.as_mut_ptr().add(2 * row + half).cast(), *sum) };
        }
    }
}
