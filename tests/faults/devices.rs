//! Devices that fail while they compute: the step fails, and the run goes on.

use crate::support::says;
use ablate::Error;
use ablate::run::device_failure::caught;
use ablate::spec::Device;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

const CPU: Device = Device::Cpu;
const GPU: Device = Device::Gpu(0);

fn failed(devices: &[Device], work: impl FnOnce()) -> Error {
    let work = || {
        work();
        Ok(())
    };
    caught("effects", devices, work).expect_err("it broke off")
}

#[test]
fn a_device_that_fails_is_a_step_that_failed_with_what_it_said_and_what_to_try() {
    let error = failed(&[CPU, GPU, GPU], || panic!("  a buffer of {} bytes is too large\n", 1_u64 << 32));
    assert_eq!(error.exit_code(), 1);
    let expected = "error: step 'effects': it broke off while it computed on device 'gpu:0': a buffer of 4294967296 bytes is too large; if the \
                    device has too little memory for it, write a smaller run.batch or run.memory_mib, or device = \"cpu\"";
    assert_eq!(error.render(false), expected);
    let two = failed(&[Device::Cuda(0), Device::Cuda(1)], || panic!("lost")).to_string();
    says(two, ["'cuda:0', 'cuda:1': lost"]);
    says(failed(&[GPU], || panic_any(7)).to_string(), ["'gpu:0': nothing is known of why"]);
}

#[test]
fn what_the_cpu_panics_of_is_a_fault_of_the_program_and_no_failure() {
    let broken = || failed(&[CPU], || panic!("an index"));
    let panic = catch_unwind(AssertUnwindSafe(broken)).expect_err("it goes through");
    assert_eq!(panic.downcast_ref(), Some(&"an index"));
}

#[test]
fn what_a_step_returns_is_what_it_returns_on_any_device() {
    for devices in [&[][..], &[CPU], &[GPU]] {
        assert_eq!(caught("effects", devices, || Ok(3)).expect("a value"), 3);
        let refused = caught("effects", devices, || Err::<(), _>(Error::refused("prompts")("none"))).unwrap_err();
        assert_eq!((refused.exit_code(), refused.to_string().as_str()), (2, "prompts: none"));
    }
}
