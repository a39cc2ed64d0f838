//! Linear maps of f32 rows by weights that are held in half width: a block of columns is widened into a buffer that stays in the
//! processor's cache and multiplied at once, so that a weight is never in memory in f32.
//!
//! Widening is exact, and the product of a block rounds as that of the whole matrix in f32 does: `gemm` cuts its sums over `d_in` at
//! places that depend on `d_in` alone, as long as no block is so narrow that it takes another way ([`LEAST_COLUMNS`]). So results
//! are those of `linear` with the widened weight, to the bit.

use super::few_rows::{few_pieces, joined, takes_few_rows};
use super::threads::is_alone;
use super::tiles;
use super::vector::{add_scaled, vectorise};
use burn::backend::flex::FlexTensor;
use burn::backend::{BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind};
use burn::tensor::{DType, Tensor, TensorData};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;
use std::cell::Cell;
use std::ops::Range;

/// Weights of a block, about: 4 MiB widened. Larger ones leave the cache, and of smaller ones the rows are packed too often.
const BLOCK: usize = 1 << 20;

/// Columns of a block: `gemm` has ways of its own for 64 and fewer.
pub(super) const LEAST_COLUMNS: usize = 128;
const MOST_COLUMNS: usize = 512;

/// A matrix in half width, row by row.
#[derive(Clone, Copy)]
pub(super) enum HalfMatrix<'w> {
    Bf16(&'w [bf16]),
    F16(&'w [f16]),
}

/// x·w + b of f32 rows and a weight in half width, without a copy of the weight; `None` of other types, and elsewhere than on the CPU.
pub(super) fn mixed_linear(x: &Tensor<3>, weight: &Tensor<2>, bias: Option<&Tensor<1>>) -> Option<Tensor<3>> {
    let [batch, pos, d_in] = x.dims();
    let [_, d_out] = weight.dims();
    if d_in == 0 || d_out == 0 {
        return None;
    }
    let (device, bias) = (x.device(), bias.map(|bias| bias.clone().into_dispatch()));
    let (x, weight) = (x.clone().into_dispatch(), weight.clone().into_dispatch());
    let (x, weight) = (dense(&x)?, dense(&weight)?);
    let bias = match &bias {
        Some(bias) => Some(dense(bias)?),
        None => None,
    };
    let values = x.as_slice::<f32>().filter(|_| x.dtype() == DType::F32)?;
    let bias = match &bias {
        Some(bias) => Some(bias.as_slice::<f32>().filter(|_| bias.dtype() == DType::F32)?),
        None => None,
    };
    let matrix = match weight.dtype() {
        DType::BF16 => HalfMatrix::Bf16(weight.as_slice()?),
        DType::F16 => HalfMatrix::F16(weight.as_slice()?),
        _ => return None,
    };
    let few = takes_few_rows(batch * pos);
    let product = match few {
        true => product_of_few(values, matrix, bias, d_out),
        false => product(values, matrix, bias, [batch * pos, d_in, d_out]),
    };
    Some(Tensor::from_data(TensorData::new(product, [batch, pos, d_out]), (&device, DType::F32)))
}

/// A tensor on the CPU backend, not on an autodiff device, its values one after the other.
fn dense(tensor: &DispatchTensor) -> Option<FlexTensor> {
    match (&tensor.kind, tensor.autodiff) {
        (DispatchTensorKind::Flex(BackendTensor::Float(tensor)), DispatchAutodiffContext::Disabled) => {
            Some(if tensor.is_contiguous() { tensor.clone() } else { tensor.to_contiguous() })
        }
        _ => None,
    }
}

impl HalfMatrix<'_> {
    fn len(self) -> usize {
        match self {
            HalfMatrix::Bf16(values) => values.len(),
            HalfMatrix::F16(values) => values.len(),
        }
    }

    /// Some neighbouring values in f32.
    fn widen(self, range: Range<usize>, out: &mut [f32]) {
        match self {
            HalfMatrix::Bf16(values) => widen_bf16(&values[range], out),
            HalfMatrix::F16(values) => values[range].convert_to_f32_slice(out),
        }
    }
}

vectorise! {
    fn widen_bf16(values: &[bf16], out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = f32::from_bits(u32::from(value.to_bits()) << 16);
        }
    }
}

thread_local! {
    static BUFFER: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Lets `work` have room for so many values, which is the thread's own and was used before: new memory would be cleared first.
fn with_buffer<R>(values: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = BUFFER.take();
    if buffer.len() < values {
        buffer.resize(values, 0.0);
    }
    let result = work(&mut buffer[..values]);
    // The products of an unembedding may be much wider than all others.
    if buffer.len() <= 4 * BLOCK {
        BUFFER.set(buffer);
    }
    result
}

/// Where the columns of a matrix are cut.
fn column_blocks(d_in: usize, d_out: usize) -> Vec<Range<usize>> {
    let columns = (BLOCK / d_in.max(1) / 64 * 64).clamp(LEAST_COLUMNS, MOST_COLUMNS);
    let count = (d_out / columns).max(1);
    // The last has what is left too, so that none is narrower.
    (0..count).map(|block| block * columns..if block + 1 == count { d_out } else { (block + 1) * columns }).collect()
}

/// The output, of which each block writes columns of its own.
#[derive(Clone, Copy)]
struct OutputColumns(*mut f32);

// SAFETY: it is only written to, by products whose blocks share no column.
unsafe impl Send for OutputColumns {}
// SAFETY: as above.
unsafe impl Sync for OutputColumns {}

impl OutputColumns {
    /// Where a column of the first row lies.
    fn column(self, column: usize) -> *mut f32 {
        self.0.wrapping_add(column)
    }
}

/// How a block of widened columns lies in its buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WidenedOrder {
    /// `[d_in, column]`
    ByInput,
    /// `[column, d_in]`
    ByOutput,
}

/// x·w + b of `x`, `[row, d_in]`, by `gemm`, and a weight of which `widen` writes some columns into a buffer of `d_in` values each, and says how they lie
/// there.
pub(super) fn widened_product(
    x: &[f32],
    [rows, d_in, d_out]: [usize; 3],
    bias: Option<&[f32]>,
    widen: impl Fn(Range<usize>, &mut [f32]) -> WidenedOrder + Sync,
) -> Vec<f32> {
    assert_eq!(x.len(), rows * d_in, "rows of x");
    let mut out = match bias {
        Some(bias) => bias.repeat(rows),
        None => vec![0.0; rows * d_out],
    };
    assert!(out.len() == rows * d_out, "a bias has one value per column");
    if out.is_empty() || d_in == 0 {
        return out;
    }
    let output = OutputColumns(out.as_mut_ptr());
    let multiply = |columns: Range<usize>| {
        with_buffer(d_in * columns.len(), |widened| {
            let width = columns.len();
            let (input_stride, output_stride) = match widen(columns.clone(), widened) {
                WidenedOrder::ByInput => (width, 1),
                WidenedOrder::ByOutput => (1, d_in),
            };
            // SAFETY: `x` holds `rows * d_in` values and `widened` `d_in * width`, in the order that the strides say; `out` holds
            // `rows * d_out`, of which this writes the columns `columns` of every row, which are within it, initialised, and no other block's.
            unsafe {
                gemm::gemm(
                    rows,
                    width,
                    d_in,
                    output.column(columns.start),
                    1,
                    d_out as isize,
                    bias.is_some(),
                    x.as_ptr(),
                    1,
                    d_in as isize,
                    widened.as_ptr(),
                    output_stride as isize,
                    input_stride as isize,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        })
    };
    match is_alone() {
        true => column_blocks(d_in, d_out).into_iter().for_each(multiply),
        false => column_blocks(d_in, d_out).into_par_iter().for_each(multiply),
    }
    out
}

/// The same of a weight in half width.
pub(super) fn product(x: &[f32], weight: HalfMatrix, bias: Option<&[f32]>, extents: [usize; 3]) -> Vec<f32> {
    let by_tiles = match weight {
        HalfMatrix::Bf16(weight) => tiles::of_f32(x, weight, bias, extents),
        HalfMatrix::F16(weight) => tiles::of_f32(x, weight, bias, extents),
    };
    let [_, _, d_out] = extents;
    by_tiles.unwrap_or_else(|| {
        widened_product(x, extents, bias, |columns, widened| {
            for (row, widened) in widened.chunks_exact_mut(columns.len()).enumerate() {
                let first = row * d_out + columns.start;
                weight.widen(first..first + columns.len(), widened);
            }
            WidenedOrder::ByInput
        })
    })
}

/// The same of few rows, as [`super::few_rows`] does it: the weight is read once, in half width.
fn product_of_few(x: &[f32], weight: HalfMatrix, bias: Option<&[f32]>, d_out: usize) -> Vec<f32> {
    let d_in = weight.len() / d_out;
    let rows = x.len() / d_in;
    let pieces = few_pieces(weight.len(), d_out);
    let parts = pieces.each(rows, bias, |columns, width, part| match weight {
        HalfMatrix::Bf16(values) => add_products(x, values, (d_in, d_out), columns, width, part),
        HalfMatrix::F16(_) => {
            let mut weights = vec![0.0; columns.len()];
            for place in 0..d_in {
                let first = place * d_out;
                weight.widen(first + columns.start..first + columns.end, &mut weights);
                add_row(x, &weights, (place, d_in), width, part);
            }
        }
    });
    joined(parts, rows, pieces, d_out)
}

/// Columns that are widened together.
const TOGETHER: usize = 256;

vectorise! {
    // Adds x·w to rows of `width` values, for some columns of w.
    fn add_products(
        x: &[f32],
        weight: &[bf16],
        extents: (usize, usize),
        columns: Range<usize>,
        width: usize,
        part: &mut [f32],
    ) {
        let (d_in, d_out) = extents;
        let mut widened = [0.0f32; TOGETHER];
        for place in 0..d_in {
            let weights = &weight[place * d_out..][columns.start..columns.end];
            for (group, weights) in weights.chunks(TOGETHER).enumerate() {
                let widened = &mut widened[..weights.len()];
                for (out, value) in widened.iter_mut().zip(weights) {
                    *out = f32::from_bits(u32::from(value.to_bits()) << 16);
                }
                for (row, out) in part.chunks_exact_mut(width).enumerate() {
                    let out = &mut out[group * TOGETHER..][..widened.len()];
                    add_scaled::<FMA>(out, x[row * d_in + place], widened);
                }
            }
        }
    }
}

vectorise! {
    // Adds the share of one input to rows of `width` values.
    fn add_row(x: &[f32], weights: &[f32], of: (usize, usize), width: usize, part: &mut [f32]) {
        let (place, d_in) = of;
        for (row, out) in part.chunks_exact_mut(width).enumerate() {
            add_scaled::<FMA>(&mut out[..weights.len()], x[row * d_in + place], weights);
        }
    }
}
