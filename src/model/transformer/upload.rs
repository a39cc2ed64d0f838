//! How weights come to their device.

use crate::model::host::HostTensor;
use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use half::{bf16, f16};

/// Where weights go, and how they are held there.
#[derive(Clone, Copy)]
pub(crate) struct Upload<'a> {
    pub device: &'a Device,
    pub dtype: DType,
    /// Whether matrices in half width stay so where `dtype` is wider.
    pub as_stored: bool,
}

impl Upload<'_> {
    /// A parameter of the shape of `tensor`, which must have `D` dimensions.
    pub fn parameter<const D: usize>(&self, tensor: HostTensor) -> Param<Tensor<D>> {
        self.parameter_in(tensor, self.dtype)
    }

    /// The same of a matrix, which products read: in the narrowest type that has each of its values, where it is held as it is stored.
    pub fn matrix(&self, tensor: HostTensor) -> Param<Tensor<2>> {
        let dtype = match self.as_stored && self.dtype == DType::F32 {
            true => narrowest(&tensor.data),
            false => self.dtype,
        };
        self.parameter_in(tensor, dtype)
    }

    /// Values as the type of the run has what they are above `base`.
    pub fn rounded(&self, mut tensor: HostTensor, base: f32) -> HostTensor {
        let each = |round: fn(f32) -> f32, data: &mut [f32]| {
            data.iter_mut().for_each(|value| *value = base + round(*value - base));
        };
        match self.dtype {
            DType::BF16 => each(|value| bf16::from_f32(value).to_f32(), &mut tensor.data),
            DType::F16 => each(|value| f16::from_f32(value).to_f32(), &mut tensor.data),
            _ => {}
        }
        tensor
    }

    fn parameter_in<const D: usize>(&self, tensor: HostTensor, dtype: DType) -> Param<Tensor<D>> {
        let data = TensorData::new(tensor.data, tensor.shape);
        Param::from_tensor(Tensor::from_data(data, (self.device, dtype)))
    }
}

/// The narrowest type that has each of these values. Values that are not numbers are kept in f32, as they are.
fn narrowest(values: &[f32]) -> DType {
    if values.iter().all(|value| value.to_bits() & 0xFFFF == 0 && !value.is_nan()) {
        DType::BF16
    } else if values.iter().all(|&value| f16::from_f32(value).to_f32().to_bits() == value.to_bits()) {
        DType::F16
    } else {
        DType::F32
    }
}
