//! Rows of tensors by index.

use crate::kernel;
use burn::tensor::{Device, Tensor};

/// The last `positions` positions of rows of `tensor`, `[row, pos, width]`, by index.
pub(super) fn gather_last(tensor: &Tensor<3>, rows: &[usize], positions: usize) -> Tensor<3> {
    let [count, held, width] = tensor.dims();
    let places: Vec<usize> = rows.iter().flat_map(|row| (row + 1) * held - positions..(row + 1) * held).collect();
    gather(&tensor.clone().reshape([count * held, width]), &places).reshape([rows.len(), positions, width])
}

/// Rows of `tensor` by index.
pub(super) fn gather<const D: usize>(tensor: &Tensor<D>, rows: &[usize]) -> Tensor<D> {
    tensor.clone().select(0, kernel::indices(rows.iter().copied(), &tensor.device()))
}

/// The tensor, leaving nothing in its place, so that whoever takes it may write over it.
pub(super) fn take(tensor: &mut Tensor<3>) -> Tensor<3> {
    let empty = Tensor::empty([0, 0, 0], &tensor.device());
    std::mem::replace(tensor, empty)
}

/// A tensor where another device reads it; where it lies already, itself.
pub(super) fn moved<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    if tensor.device() == *device { tensor.clone() } else { tensor.clone().to_device(device) }
}
