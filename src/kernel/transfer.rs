//! What goes between main memory and a device, counted. Reading waits until the device is done with all that it was asked for before.

use burn::tensor::{Bool, DType, Device, Int, Tensor, TensorData};
use std::cell::Cell;

/// How often values went from or to a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Tensors that were read: each time the reader waited.
    pub reads: u64,
    /// Tensors that were made of values in main memory.
    pub writes: u64,
}

impl std::ops::Sub for Transfers {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { reads: self.reads - before.reads, writes: self.writes - before.writes }
    }
}

thread_local! {
    static TRANSFERS: Cell<Transfers> = const { Cell::new(Transfers { reads: 0, writes: 0 }) };
}

/// Those of this thread, of tensors that are computed: weights are not counted.
pub fn transfers() -> Transfers {
    TRANSFERS.get()
}

/// Whether a tensor's values lie in main memory, where reading them waits for nothing.
pub fn in_main_memory<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.device().inner() == Device::flex()
}

/// A tensor's values in main memory, row by row.
pub fn to_f32<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let Transfers { reads, writes } = transfers();
    TRANSFERS.set(Transfers { reads: reads + 1, writes });
    let data = tensor.cast(DType::F32).into_data();
    // Only here does a device that works on its own say that it could not.
    data.try_into_vec().unwrap_or_else(|error| panic!("values could not be read from the device: {error:?}"))
}

/// Values of main memory in a tensor, row by row.
pub fn from_f32<const D: usize>(values: Vec<f32>, shape: [usize; D], to: (&Device, DType)) -> Tensor<D> {
    Tensor::from_data(written(TensorData::new(values, shape)), to)
}

/// Places in a dimension, to select them.
pub fn indices(places: impl IntoIterator<Item = usize>, device: &Device) -> Tensor<1, Int> {
    let places: Vec<i64> = places.into_iter().map(|place| place as i64).collect();
    let count = places.len();
    Tensor::from_data(written(TensorData::new(places, [count])), device)
}

/// Which values are meant.
pub fn mask<const D: usize>(values: Vec<bool>, shape: [usize; D], device: &Device) -> Tensor<D, Bool> {
    Tensor::from_data(written(TensorData::new(values, shape)), device)
}

/// What is about to be written, counted.
fn written(data: TensorData) -> TensorData {
    let Transfers { reads, writes } = transfers();
    TRANSFERS.set(Transfers { reads, writes: writes + 1 });
    data
}
