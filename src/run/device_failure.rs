//! Devices that fail while they compute. Their libraries have no error for that: they panic in the thread that waits for values.

use crate::Error;
use crate::spec::Device;
use crate::system::panic_text;
use indexmap::IndexSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The work of a step that broke off on a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it broke off while it computed on device {devices}: {said}; if the device has too little memory for it, write a smaller run.batch or \
     run.memory_mib, or device = \"cpu\""
)]
pub struct DeviceFailure {
    /// What the step's models are on, but for the CPU.
    pub devices: String,
    /// What its library said.
    pub said: String,
}

/// Does the work of a step whose models are on `devices`. Where one of them is not the CPU, a panic of the work is a failure of the step:
/// the run goes on without it. A panic of the CPU's is a fault of this program, and goes through.
///
/// # Errors
/// What the work returns, and that it broke off.
pub fn caught<T>(step: &str, devices: &[Device], work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let others: IndexSet<&Device> = devices.iter().filter(|&&device| device != Device::Cpu).collect();
    if others.is_empty() {
        return work();
    }
    // Nothing is half changed behind it: its outcome is gone, finished blocks are whole files, and the models are read alone.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let devices = others.iter().map(|device| format!("'{device}'")).collect::<Vec<_>>().join(", ");
        let said = panic_text(&*panic).unwrap_or_else(|| "nothing is known of why".to_string());
        Err(Error::failed(format!("step '{step}'"))(DeviceFailure { devices, said }))
    })
}
