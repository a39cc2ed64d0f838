//! How weights come to their device.

use crate::model::host::HostTensor;
use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Where weights go.
pub(crate) struct Upload<'a> {
    pub device: &'a Device,
    pub dtype: DType,
}

impl Upload<'_> {
    /// A parameter of the shape of `tensor`, which must have `D` dimensions.
    pub fn parameter<const D: usize>(&self, tensor: HostTensor) -> Param<Tensor<D>> {
        let data = TensorData::new(tensor.data, tensor.shape);
        Param::from_tensor(Tensor::from_data(data, (self.device, self.dtype)))
    }
}
