//! What the program found to compute with, and where it may keep results.

use crate::counted::counted;
use crate::kernel::{self, Instructions, to_f32};
use crate::manifest;
use crate::model::device;
use crate::spec::Device;
use crate::store::StoreLocation;
use crate::system::environment;
use burn::tensor::{Tensor, TensorData};
use std::time::Instant;

/// Whether every thread of the pool answers.
pub fn threads() -> Result<String, String> {
    let cores = std::thread::available_parallelism().map_err(|error| format!("number of cores: {error}"))?;
    let answered = rayon::broadcast(|context| context.index()).len();
    match answered {
        0 => Err("no thread computes".into()),
        threads => Ok(format!("{threads} for {}", counted(cores.get(), "core"))),
    }
}

/// Whether the kernels that were chosen for this processor are right.
pub fn vectors() -> Result<String, String> {
    /// Two units in the last place of a single-precision number.
    const TOLERANCE: f64 = 2.4e-7;
    let inputs: Vec<f32> = (-4000..=4000).map(|step| step as f32 / 50.0).collect();
    let mut outputs = inputs.clone();
    kernel::exp(&mut outputs);
    for (&x, &y) in inputs.iter().zip(&outputs) {
        let exact = f64::from(x).exp();
        let off = (f64::from(y) - exact).abs() / exact;
        if off.is_nan() || off > TOLERANCE {
            return Err(format!("{}: e^{x} came out as {y}, not {exact}", name(Instructions::chosen())));
        }
    }
    Ok(format!(
        "{}; the processor, {}, has {}",
        name(Instructions::chosen()),
        manifest::processor(),
        environment::processor()
    ))
}

fn name(instructions: Instructions) -> &'static str {
    match instructions {
        Instructions::Avx512 => "AVX-512",
        Instructions::Avx2 => "AVX2",
        Instructions::Baseline if cfg!(target_arch = "aarch64") => "NEON",
        Instructions::Baseline if cfg!(target_feature = "sse4.2") => "SSE4.2",
        Instructions::Baseline => "the baseline",
    }
}

/// Whether matrix products, which choose their instructions by themselves, are right; and how fast they are here.
pub fn product() -> Result<String, String> {
    const SIZE: usize = 512;
    /// Of sums of 512 products of numbers below 1 in single precision.
    const TOLERANCE: f64 = 1e-3;
    let device = device::open(Device::Cpu).map_err(|error| error.to_string())?;
    // Numbers between -1 and 1 without any order that a wrong kernel could get right by chance.
    let values = |seed: usize| -> Vec<f32> {
        (0..SIZE * SIZE).map(|index| ((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
    };
    let (a, b) = (values(1), values(2));
    let matrix = |values: &[f32]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [SIZE, SIZE]), &device);
    let (left, right) = (matrix(&a), matrix(&b));
    // The first one starts the threads and takes memory.
    let found = to_f32(left.clone().matmul(right.clone()));
    let started = Instant::now();
    let again = to_f32(left.matmul(right));
    let seconds = started.elapsed().as_secs_f64();
    if again.iter().zip(&found).any(|(again, found)| again.to_bits() != found.to_bits()) {
        return Err("the same matrix product came out in two ways".into());
    }
    for row in (0..SIZE).step_by(37) {
        for column in (0..SIZE).step_by(41) {
            let products = (0..SIZE).map(|k| f64::from(a[row * SIZE + k]) * f64::from(b[k * SIZE + column]));
            let (exact, found) = (products.sum::<f64>(), found[row * SIZE + column]);
            let off = (f64::from(found) - exact).abs();
            if off.is_nan() || off > TOLERANCE {
                return Err(format!("entry {row}, {column} of a product is {found}; it should be {exact}"));
            }
        }
    }
    let gflops = 2.0 * (SIZE as f64).powi(3) / seconds / 1e9;
    Ok(format!("{SIZE} × {SIZE}, {gflops:.0} GFLOP/s"))
}

/// Devices that models can be put on: those compiled in that answer.
pub fn devices() -> Result<String, String> {
    device::open(Device::Cpu).map_err(|error| error.to_string())?;
    let found = |wanted: Device| match device::open(wanted) {
        Ok(_) => wanted.to_string(),
        Err(device::DeviceError::NotBuilt { feature, .. }) => format!("no {feature} in this build"),
        // A machine without a GPU is in order.
        Err(device::DeviceError::Absent { reason, .. }) => format!("no {wanted} ({reason})"),
        Err(error) => error.to_string(),
    };
    Ok(["cpu".into(), found(Device::Cuda(0)), found(Device::Gpu(0))].join(", "))
}

/// Whether the folder of the store takes files.
pub fn cache() -> Result<String, String> {
    let folder = match StoreLocation::from_vars(|name| std::env::var(name).ok()) {
        StoreLocation::Off => return Ok("off: nothing that was computed is kept".into()),
        StoreLocation::Folder(folder) => folder,
    };
    let advice = "steps that were computed will be computed again; set ABLATE_CACHE to a folder of yours, or to off";
    let taken = std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder).map(drop));
    match taken {
        Ok(()) => Ok(folder.display().to_string()),
        Err(error) => Err(format!("{}: {error}; {advice}", folder.display())),
    }
}
