//! The device that models of tests run on: `ABLATE_TEST_DEVICE` (`cpu`, `cuda:0`), the CPU where it is not set.

use ablate::spec;
use burn::tensor::{DType, Device};
use proptest::test_runner::Config;

fn named() -> spec::Device {
    let name = std::env::var("ABLATE_TEST_DEVICE").unwrap_or_else(|_| "cpu".into());
    name.parse().unwrap_or_else(|error| panic!("ABLATE_TEST_DEVICE: {error}"))
}

/// Its name in specs.
pub fn name() -> String {
    named().to_string()
}

/// It.
pub fn device() -> Device {
    ablate::model::device::open(named()).unwrap_or_else(|error| panic!("ABLATE_TEST_DEVICE: {error}"))
}

/// Whether it is another than the CPU.
pub fn is_another() -> bool {
    named() != spec::Device::Cpu
}

/// Whether it computes in a type: a card's driver may not.
pub fn computes_in(dtype: DType) -> bool {
    ablate::model::device::has(&device(), named(), dtype)
}

/// What a tolerance that holds on the CPU is on this device: other orders of sums round differently.
pub fn tolerance(on_the_cpu: f32) -> f32 {
    if is_another() { 20.0 * on_the_cpu } else { on_the_cpu }
}

/// Cases of a property: as many as on the CPU at most, and on another device no more than `PROPTEST_CASES`.
pub fn cases(on_the_cpu: u32) -> u32 {
    if is_another() { on_the_cpu.min(Config::default().cases) } else { on_the_cpu }
}
