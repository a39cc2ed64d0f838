//! From a device's name to a device that answers.

#[cfg(any(feature = "cuda", feature = "wgpu"))]
use crate::kernel;
use crate::spec;
use burn::tensor::{DType, Device};
use std::sync::{Mutex, PoisonError};

/// A device that cannot be had, or that cannot do what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The binary has no such backend.
    #[error(
        "no device '{device}': this binary was built without {backend}; build it with `cargo build --release --features {feature}`, or write \"cpu\""
    )]
    NotBuilt {
        /// What was asked for.
        device: spec::Device,
        /// What it needs.
        backend: &'static str,
        /// The feature that has it.
        feature: &'static str,
    },
    /// There is no such device, or it did not answer.
    #[error("no device '{device}': {reason}; write \"cpu\", or another index")]
    Absent {
        /// What was asked for.
        device: spec::Device,
        /// What is known of it.
        reason: String,
    },
    /// The device does not compute in this precision.
    #[error("device '{device}' does not compute in {}; write dtype = {}", name(*dtype), written(others))]
    Dtype {
        /// What was asked for.
        device: spec::Device,
        /// Its precision.
        dtype: spec::Dtype,
        /// Those that it has.
        others: Vec<spec::Dtype>,
    },
    /// The device has no memory for half-width numbers beside what it computes in.
    #[error("storage = \"as-stored\" keeps weights in bf16 or f16, which device '{0}' cannot hold; leave storage out")]
    AsStored(spec::Device),
    /// The weights take more memory than the device has.
    #[error(
        "device '{device}' has {has} MiB of memory, and the weights take {takes}; write memory_mib, by which layers are read while the model \
         runs, a narrower dtype, or other devices"
    )]
    Memory {
        /// What was asked for.
        device: spec::Device,
        /// Its memory, in MiB.
        has: u64,
        /// What the weights take, in MiB.
        takes: u64,
    },
    /// A matrix takes more than the device holds in one piece.
    #[error(
        "device '{device}' holds no tensor of more than {most} MiB, and the largest matrix of the model takes {takes}; write a narrower dtype, or \
         another device"
    )]
    Piece {
        /// What was asked for.
        device: spec::Device,
        /// Its largest tensor, in MiB.
        most: u64,
        /// What the largest matrix takes, in MiB.
        takes: u64,
    },
}

impl DeviceError {
    /// The key of a model that is to be changed.
    pub fn key(&self) -> &'static str {
        match self {
            DeviceError::NotBuilt { .. }
            | DeviceError::Absent { .. }
            | DeviceError::Memory { .. }
            | DeviceError::Piece { .. } => "device",
            DeviceError::Dtype { .. } => "dtype",
            DeviceError::AsStored(_) => "storage",
        }
    }
}

/// Opens a device and tries it out, so that a missing one is an error here and not a panic later.
///
/// # Errors
/// A device that is not part of this binary, that is not there, or that does not answer.
pub fn open(device: spec::Device) -> Result<Device, DeviceError> {
    match device {
        spec::Device::Cpu => Ok(Device::flex()),
        spec::Device::Cuda(index) => once(device, || cuda(device, index)),
        spec::Device::Gpu(index) => once(device, || gpu(device, index)),
    }
}

/// A device that has answered before, or else the one that is found now.
fn once(device: spec::Device, find: impl FnOnce() -> Result<Device, DeviceError>) -> Result<Device, DeviceError> {
    let opened = || OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = opened().iter().find(|(name, _)| *name == device) {
        return Ok(known.clone());
    }
    let found = find()?;
    opened().push((device, found.clone()));
    Ok(found)
}

/// Devices that have answered: asking a driver again takes a while, and some drivers write to the terminal each time.
static OPENED: Mutex<Vec<(spec::Device, Device)>> = Mutex::new(Vec::new());

/// Opens all devices of a model: the first one, and those that share its work.
///
/// # Errors
/// As [`open`], and what one of them cannot do.
pub fn open_for(model: &spec::Model) -> Result<(Device, Vec<Device>), DeviceError> {
    let opened = |device: spec::Device| {
        let opened = open(device)?;
        computes_in(&opened, device, model.dtype)?;
        let widths = [spec::Dtype::Bf16, spec::Dtype::F16];
        if model.storage == spec::Storage::AsStored && !widths.iter().all(|&width| has(&opened, device, width)) {
            return Err(DeviceError::AsStored(device));
        }
        Ok(opened)
    };
    let (first, others) = (opened(model.device.first())?, model.device.others());
    let others = others.map(opened).collect::<Result<Vec<_>, _>>()?;
    Ok((first, others))
}

/// What a card calls itself; nothing of the CPU, and of a device that is not there.
pub fn card(device: spec::Device) -> Option<String> {
    match device {
        spec::Device::Cpu => None,
        #[cfg(any(feature = "cuda", feature = "wgpu"))]
        _ => Some(open(device).ok()?.identity()?.name),
        #[cfg(not(any(feature = "cuda", feature = "wgpu")))]
        _ => None,
    }
}

/// What a device says of its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Bytes in all, where its library says so: CUDA does, Vulkan by way of WGSL does not.
    pub whole: Option<u64>,
    /// Bytes of a tensor at most.
    pub piece: u64,
}

/// What a device says of its memory; nothing of the CPU, whose memory others use too.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub fn memory(opened: &Device) -> Option<DeviceMemory> {
    let burn::backend::DispatchDevice::Cube(device) = opened.as_dispatch() else { return None };
    let client = device.client();
    let memory = &client.properties().memory;
    Some(DeviceMemory { whole: memory.max_memory(), piece: memory.max_page_size })
}

/// What a device says of its memory; nothing of the CPU, whose memory others use too.
#[cfg(not(any(feature = "cuda", feature = "wgpu")))]
pub fn memory(_: &Device) -> Option<DeviceMemory> {
    None
}

/// The bytes of the device of a model that has least memory; `None` where one of them does not say, or is not there.
pub fn least_memory(model: &spec::Model) -> Option<u64> {
    let bytes = model.device.all().map(|device| memory(&open(device).ok()?)?.whole);
    bytes.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// Whether the devices of a model hold weights of `bytes` bytes in all, the largest matrix of which has `values` values.
///
/// # Errors
/// What one of them cannot hold, and as [`open`].
pub fn hold(model: &spec::Model, bytes: u64, values: u64) -> Result<(), DeviceError> {
    let largest = values * DType::from(model.dtype).size() as u64;
    for device in model.device.all() {
        let Some(memory) = memory(&open(device)?) else { continue };
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        if largest > memory.piece {
            return Err(DeviceError::Piece { device, most: memory.piece >> 20, takes: mib(largest) });
        }
        if let Some(whole) = memory.whole.filter(|&whole| bytes > whole) {
            return Err(DeviceError::Memory { device, has: whole >> 20, takes: mib(bytes) });
        }
    }
    Ok(())
}

/// Whether a device has a precision; the CPU has each.
pub fn has(opened: &Device, device: spec::Device, dtype: impl Into<DType>) -> bool {
    device == spec::Device::Cpu || opened.supports_dtype(dtype.into())
}

fn computes_in(opened: &Device, device: spec::Device, dtype: spec::Dtype) -> Result<(), DeviceError> {
    if has(opened, device, dtype) {
        return Ok(());
    }
    let all = [spec::Dtype::F32, spec::Dtype::Bf16, spec::Dtype::F16];
    let others = all.into_iter().filter(|&other| has(opened, device, other));
    Err(DeviceError::Dtype { device, dtype, others: others.collect() })
}

#[cfg(not(feature = "cuda"))]
fn cuda(device: spec::Device, _: usize) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { device, backend: "CUDA", feature: "cuda" })
}

#[cfg(feature = "cuda")]
fn cuda(device: spec::Device, index: usize) -> Result<Device, DeviceError> {
    let found: Vec<Device> = Device::enumerate(burn::tensor::DeviceType::Cuda).into_vec();
    match found.len() {
        0 => Err(absent(device, "the driver of NVIDIA's GPUs is not installed, or it sees none".into())),
        count if index >= count => Err(absent(device, format!("there are {count}, and the first is 'cuda:0'"))),
        _ => answering(device, Device::cuda(index)),
    }
}

#[cfg(not(feature = "wgpu"))]
fn gpu(device: spec::Device, _: usize) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { device, backend: "wgpu (Vulkan, Metal, DirectX 12)", feature: "wgpu" })
}

/// The devices that Vulkan, Metal or DirectX 12 know, those on cards first. Software comes last: whoever writes `gpu` means a card where
/// there is one.
#[cfg(feature = "wgpu")]
fn gpu(device: spec::Device, index: usize) -> Result<Device, DeviceError> {
    use burn::tensor::{DeviceKind, DeviceType};
    let known: Vec<Device> = Device::enumerate(DeviceType::Wgpu).into_vec();
    let of_kind = |kind: fn(usize) -> DeviceKind| (0..known.len()).map(move |index| Device::wgpu(kind(index)));
    let cards = of_kind(DeviceKind::DiscreteGpu);
    let others = of_kind(DeviceKind::IntegratedGpu).chain(of_kind(DeviceKind::VirtualGpu));
    let software = std::iter::once(Device::wgpu(DeviceKind::Cpu));
    let mut found: Vec<Device> = cards.chain(others).chain(software).filter(|one| known.contains(one)).collect();
    // Of a kind that has no name.
    let unnamed: Vec<Device> = known.iter().filter(|one| !found.contains(one)).cloned().collect();
    found.extend(unnamed);
    match found.get(index) {
        Some(one) => answering(device, one.clone()),
        None if found.is_empty() => {
            Err(absent(device, "no driver of Vulkan, Metal or DirectX 12 is installed, or it knows no device".into()))
        }
        None => Err(absent(device, format!("there are {}, and the first is 'gpu:0'", found.len()))),
    }
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn absent(device: spec::Device, reason: String) -> DeviceError {
    DeviceError::Absent { device, reason }
}

/// A device that has computed something.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn answering(device: spec::Device, opened: Device) -> Result<Device, DeviceError> {
    // Backends have no call that tries a device; they panic on first use where its driver refuses.
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        kernel::to_f32(burn::tensor::Tensor::<1>::ones([1], &opened));
    }));
    tried.map(|()| opened).map_err(|panic| {
        let said = crate::system::panic_text(&*panic);
        absent(device, said.unwrap_or_else(|| "it did not answer".into()))
    })
}

fn name(dtype: spec::Dtype) -> &'static str {
    match dtype {
        spec::Dtype::F32 => "f32",
        spec::Dtype::Bf16 => "bf16",
        spec::Dtype::F16 => "f16",
    }
}

fn written(dtypes: &[spec::Dtype]) -> String {
    dtypes.iter().map(|&dtype| format!("\"{}\"", name(dtype))).collect::<Vec<_>>().join(" or ")
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
