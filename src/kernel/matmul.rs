//! Matrix products on strided f32 arrays, by the `gemm` crate.

use super::large_array;
use super::threads::is_alone;
use std::mem::MaybeUninit;

/// Multiplications above which a product is spread over threads: about 10 µs of work.
const PARALLEL_FROM: usize = 1 << 20;

/// A matrix in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MatrixView<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> MatrixView<'a> {
    /// `data` row by row.
    pub fn dense(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::rows_apart(data, rows, columns, columns)
    }

    /// Rows that start `row_stride` values apart.
    pub fn rows_apart(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= data.len(),
            "matrix reaches past its data"
        );
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// Rows and columns swapped, in place.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `a·b`, row by row.
pub(super) fn product(a: MatrixView, b: MatrixView) -> Vec<f32> {
    let mut out = large_array::with_capacity(a.rows * b.columns);
    multiply(a, b, &mut out.spare_capacity_mut()[..a.rows * b.columns], b.columns, false);
    // SAFETY: the capacity is as large, and `multiply` wrote every element of a dense output.
    unsafe { out.set_len(a.rows * b.columns) };
    out
}

/// `a·b` plus `bias` in every row.
pub(super) fn product_with_bias(a: MatrixView, b: MatrixView, bias: &[f32]) -> Vec<f32> {
    assert_eq!(bias.len(), b.columns, "a bias has one value per column");
    let mut out = Vec::with_capacity(a.rows * b.columns);
    for _ in 0..a.rows {
        out.extend_from_slice(bias);
    }
    let spare: *mut [f32] = out.as_mut_slice();
    // SAFETY: initialised values may be looked at as values that need not be; `multiply` only adds to them.
    multiply(a, b, unsafe { &mut *(spare as *mut [MaybeUninit<f32>]) }, b.columns, true);
    out
}

/// Adds `a·b` to `out`, row by row, or writes it there.
pub(crate) fn product_into(a: MatrixView, b: MatrixView, out: &mut [f32], add: bool) {
    let out: *mut [f32] = out;
    // SAFETY: initialised values may be looked at as values that need not be, as long as none is made uninitialised: `multiply`
    // writes numbers.
    multiply(a, b, unsafe { &mut *(out as *mut [MaybeUninit<f32>]) }, b.columns, add);
}

/// Writes `a·b` to rows of `out` that start `row_stride` values apart, or adds it to them (which must then be initialised).
pub(super) fn multiply(a: MatrixView, b: MatrixView, out: &mut [MaybeUninit<f32>], row_stride: usize, add: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "inner extents of a matrix product agree");
    if m == 0 || n == 0 {
        return;
    }
    assert!(n <= row_stride && (m - 1) * row_stride + n <= out.len(), "output of a matrix product fits");
    let spread = m * k * n >= PARALLEL_FROM && !is_alone();
    let parallelism = if spread { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: `MatrixView` reaches no value past its data (checked when made, unchanged by transposing), the output's rows
    // lie within `out` (checked above) and do not overlap; `out` is borrowed uniquely, so it aliases neither input.
    // `out` is read only if `add`, and then the caller has initialised it.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr().cast::<f32>(),
            1,
            row_stride as isize,
            add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
