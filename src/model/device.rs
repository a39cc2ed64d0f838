//! From a device's name to a device that answers.

use crate::spec;
use burn::tensor::{DType, Device};

/// A device that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The binary has no CUDA backend.
    #[error(
        "no device '{0}': this binary was built without CUDA; build it with `cargo build --release --features cuda`, or write \"cpu\""
    )]
    NotBuilt(spec::Device),
    /// The CUDA backend did not answer.
    #[error("no device '{device}': {reason}; write \"cpu\", or another index")]
    Absent { device: spec::Device, reason: String },
}

/// Opens a device; a CUDA device is tried out, so that a missing one is an error here and not a panic later.
pub fn open(device: spec::Device) -> Result<Device, DeviceError> {
    match device {
        spec::Device::Cpu => Ok(Device::flex()),
        spec::Device::Cuda(index) => open_cuda(device, index),
    }
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(device: spec::Device, _: usize) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt(device))
}

#[cfg(feature = "cuda")]
fn open_cuda(device: spec::Device, index: usize) -> Result<Device, DeviceError> {
    // The backend has no call that asks; it panics on first use where there is no driver or no such index.
    let opened = std::panic::catch_unwind(|| {
        let candidate = Device::cuda(index);
        let _ = burn::tensor::Tensor::<1>::ones([1], &candidate).into_data();
        candidate
    });
    opened.map_err(|payload| {
        let reason = payload.downcast_ref::<String>().cloned();
        let reason = reason.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
        DeviceError::Absent { device, reason: reason.unwrap_or_else(|| "the CUDA backend did not start".into()) }
    })
}

impl From<spec::Dtype> for DType {
    fn from(dtype: spec::Dtype) -> Self {
        match dtype {
            spec::Dtype::F32 => DType::F32,
            spec::Dtype::Bf16 => DType::BF16,
            spec::Dtype::F16 => DType::F16,
        }
    }
}
