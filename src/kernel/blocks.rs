//! Matrices whose values are kept in blocks of a few bits each, as quantised files have them, and widened as they are used: some outputs at
//! a time, into a buffer that stays in the processor's cache.
//!
//! The product is that of the widened matrix in f32, to the bit: see [`super::mixed`] for why columns may be multiplied apart.

use super::mixed::{LEAST_COLUMNS, WidenedOrder, widened_product};
use super::tiles;
use crate::kernel::to_f32;
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How values lie in blocks.
#[derive(Clone, Copy)]
pub struct BlockFormat {
    /// What files call it.
    pub name: &'static str,
    /// Values of a block.
    pub values: usize,
    /// Bytes of a block.
    pub bytes: usize,
    /// Writes the values of whole blocks.
    pub widen: fn(&[u8], &mut [f32]),
}

/// A matrix `[d_in, d_out]` in blocks along its inputs: a row of them for each output.
#[derive(Clone)]
pub struct BlockMatrix {
    format: BlockFormat,
    bytes: Arc<Vec<u8>>,
    d_in: usize,
    d_out: usize,
}

impl fmt::Debug for BlockMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}] in {}", self.d_in, self.d_out, self.format.name)
    }
}

impl PartialEq for BlockMatrix {
    fn eq(&self, other: &Self) -> bool {
        let of = |matrix: &Self| (matrix.format.name, matrix.d_in, matrix.d_out);
        of(self) == of(other) && self.bytes == other.bytes
    }
}

impl BlockMatrix {
    /// Of as many rows of whole blocks as `bytes` holds, one for each output; `None` where they are not whole.
    pub fn new(format: BlockFormat, bytes: Vec<u8>, d_in: usize) -> Option<Self> {
        let row = d_in / format.values.max(1) * format.bytes;
        let whole = row > 0 && d_in.is_multiple_of(format.values) && bytes.len().is_multiple_of(row);
        whole.then(|| Self { format, d_out: bytes.len() / row, bytes: Arc::new(bytes), d_in })
    }

    /// `[d_in, d_out]`
    pub fn dims(&self) -> [usize; 2] {
        [self.d_in, self.d_out]
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    fn row_bytes(&self) -> usize {
        self.d_in / self.format.values * self.format.bytes
    }

    /// Writes the weights of some neighbouring outputs, `[output, d_in]`.
    fn widen(&self, outputs: Range<usize>, values: &mut [f32]) {
        let row = self.row_bytes();
        (self.format.widen)(&self.bytes[outputs.start * row..outputs.end * row], values);
    }

    /// Writes the weights of some neighbouring inputs, which whole blocks hold, to some neighbouring outputs, `[output, input]`.
    fn widen_part(&self, inputs: Range<usize>, outputs: Range<usize>, values: &mut [f32]) {
        let BlockFormat { values: block, bytes, widen, .. } = self.format;
        let blocks = inputs.start / block * bytes..inputs.end / block * bytes;
        for (output, values) in outputs.zip(values.chunks_exact_mut(inputs.len())) {
            widen(&self.bytes[output * self.row_bytes()..][blocks.clone()], values);
        }
    }

    /// x·w + b, `[batch, pos, d_in]` to `[batch, pos, d_out]`: on the CPU in f32 without a copy of the weight, elsewhere with one.
    pub fn linear(&self, x: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
        let [batch, pos, _] = x.dims();
        let (device, dtype) = (x.device(), x.dtype());
        if !super::is_fast(&x) || dtype != DType::F32 {
            return super::linear(x, self.whole(&device).cast(dtype), bias);
        }
        let bias = bias.map(to_f32);
        let product = self.product(&to_f32(x), bias.as_deref());
        Tensor::from_data(TensorData::new(product, [batch, pos, self.d_out]), (&device, DType::F32))
    }

    /// x·w + b of `x`, `[row, d_in]`.
    fn product(&self, x: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let rows = x.len() / self.d_in;
        let extents = [rows, self.d_in, self.d_out];
        let by_tiles = tiles::of_columns(
            x,
            self.format.values,
            |inputs, outputs, values| self.widen_part(inputs, outputs, values),
            bias,
            extents,
        );
        by_tiles.unwrap_or_else(|| self.general_product(x, bias))
    }

    /// The same by `gemm`.
    fn general_product(&self, x: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let rows = x.len() / self.d_in;
        widened_product(x, [rows, self.d_in, self.d_out], bias, |columns, widened| {
            let width = columns.len();
            self.widen(columns, widened);
            // Of few values `gemm` has ways of its own for each order in memory: then they lie as in a matrix that is held in f32.
            if rows < 3 || rows * width <= FEW || self.d_in < 3 {
                widened.copy_from_slice(&transposed(widened, self.d_in));
                return WidenedOrder::ByInput;
            }
            WidenedOrder::ByOutput
        })
    }

    /// All of it in f32, `[d_in, d_out]`.
    pub fn whole(&self, device: &Device) -> Tensor<2> {
        self.columns_of(std::iter::once(0..self.d_out), self.d_out, device)
    }

    /// The weights of some outputs in f32, `[d_in, output]`.
    pub fn columns(&self, outputs: &[usize], device: &Device) -> Tensor<2> {
        self.columns_of(outputs.iter().map(|&output| output..output + 1), outputs.len(), device)
    }

    fn columns_of(&self, outputs: impl Iterator<Item = Range<usize>>, count: usize, device: &Device) -> Tensor<2> {
        let mut values = vec![0.0; self.d_in * count];
        let mut column = 0;
        for outputs in outputs {
            for first in outputs.clone().step_by(LEAST_COLUMNS) {
                let some = first..outputs.end.min(first + LEAST_COLUMNS);
                let mut widened = vec![0.0; some.len() * self.d_in];
                self.widen(some.clone(), &mut widened);
                for (input, row) in values.chunks_exact_mut(count.max(1)).enumerate() {
                    let row = row[column..column + some.len()].iter_mut();
                    row.enumerate().for_each(|(output, value)| *value = widened[output * self.d_in + input]);
                }
                column += some.len();
            }
        }
        Tensor::from_data(TensorData::new(values, [self.d_in, count]), (device, DType::F32))
    }

    /// The weights of units of `width` neighbouring inputs each in f32, `[unit * width, d_out]`: only the blocks that they lie in are widened.
    pub fn rows(&self, units: &[usize], width: usize, device: &Device) -> Tensor<2> {
        let BlockFormat { values: block, bytes: block_bytes, widen, .. } = self.format;
        let count = units.len() * width;
        let mut found = vec![0.0; count * self.d_out];
        let row = self.row_bytes();
        for (number, &unit) in units.iter().enumerate() {
            let inputs = unit * width..(unit + 1) * width;
            let blocks = inputs.start / block..inputs.end.div_ceil(block);
            let mut values = vec![0.0; blocks.len() * block];
            for output in 0..self.d_out {
                let of_row = &self.bytes[output * row..][blocks.start * block_bytes..blocks.end * block_bytes];
                widen(of_row, &mut values);
                for (place, input) in inputs.clone().enumerate() {
                    found[(number * width + place) * self.d_out + output] = values[input - blocks.start * block];
                }
            }
        }
        Tensor::from_data(TensorData::new(found, [count, self.d_out]), (device, DType::F32))
    }
}

/// Values of an output up to which `gemm` has a way of its own.
const FEW: usize = 256;

/// `[output, input]` as `[input, output]`.
fn transposed(values: &[f32], inputs: usize) -> Vec<f32> {
    let outputs = values.len() / inputs.max(1);
    let mut transposed = vec![0.0; values.len()];
    for (output, row) in values.chunks_exact(inputs.max(1)).enumerate() {
        row.iter().enumerate().for_each(|(input, value)| transposed[input * outputs + output] = *value);
    }
    transposed
}
