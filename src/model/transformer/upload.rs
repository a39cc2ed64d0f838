//! How weights come to their device.

use crate::model::host::{HostBlock, HostLinear, HostModel, HostTensor};
use crate::model::weights::WeightError;
use burn::module::Param;
use burn::tensor::{DType, Device, Element, Tensor, TensorData};
use half::slice::HalfFloatSliceExt;
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

    /// The same of a matrix, which products read.
    pub fn matrix(&self, tensor: HostTensor) -> Param<Tensor<2>> {
        let dtype = self.matrix_dtype(&tensor.data);
        self.parameter_in(tensor, dtype)
    }

    /// What a matrix is held in: where it is held as it is stored, the narrowest type that has each of its values.
    fn matrix_dtype(&self, values: &[f32]) -> DType {
        if self.as_stored && self.dtype == DType::F32 { narrowest(values) } else { self.dtype }
    }

    /// A linear map whose matrix is in the type that it will be held in, where that is half as wide; of its f32 values only the room is of use.
    pub fn narrowed(&self, mut linear: HostLinear) -> HostLinear {
        if linear.blocks.is_some() || linear.half.is_some() {
            return linear;
        }
        linear.half = match self.matrix_dtype(&linear.weight.data) {
            DType::BF16 => Some(half_width::<bf16>(&linear.weight)),
            DType::F16 => Some(half_width::<f16>(&linear.weight)),
            _ => None,
        };
        linear
    }

    /// A block, each of its matrices in the type that it will be held in as soon as it is read: one at a time is in f32 beside it.
    ///
    /// It is read in a thread of its own: of what the first thread frees the allocator keeps all, so that what passed through f32 would
    /// stay; of what other threads free, matrices of large models go back to the system.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn block(&self, host: &dyn HostModel, layer: usize) -> Result<HostBlock, WeightError> {
        let read = || host.block_with(layer, &mut |_, _, linear| self.narrowed(linear));
        std::thread::scope(|scope| match std::thread::Builder::new().name("weights".into()).spawn_scoped(scope, read) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => read(),
        })
    }

    /// A matrix that is in the type that it is held in.
    pub fn as_it_is(&self, data: TensorData) -> Param<Tensor<2>> {
        let dtype = data.dtype();
        Param::from_tensor(Tensor::from_data(data, (self.device, dtype)))
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

/// A matrix in a type of two bytes, rounded to the nearest.
fn half_width<H: Element + Default>(matrix: &HostTensor) -> TensorData
where
    [H]: HalfFloatSliceExt,
{
    let mut values = vec![H::default(); matrix.data.len()];
    values.convert_from_f32_slice(&matrix.data);
    TensorData::new(values, matrix.shape.clone())
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
