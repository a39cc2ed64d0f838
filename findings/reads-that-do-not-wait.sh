#!/usr/bin/env bash
# When values read from a GPU are there: `Tensor::into_data` of burn.
#
# Expected: as `.cpu()` of PyTorch, it waits until the device has computed what is read, so that a clock around it measures the work, and a device
#           that fails fails there.
# True:     on backends of cubecl (CUDA, ROCm, Vulkan, Metal) it returns at once, with bytes that are fetched when they are first looked at. A
#           clock around it measures the asking alone, and a product seems to take less than the processor could need for it. A failure of the
#           device, too, comes out at the first look, for instance in `try_into_vec`. Whoever measures must look at a value.
# Seen with burn 0.22.1 (cubecl 0.11.3), feature wgpu, on Mesa's software Vulkan, a product of 2048 x 512 and 512 x 1024 (2.1 GFLOP):
#   until into_data returned: 0.3 ms; until the first value was looked at: 162 ms (other programs ran on the machine)
#
# Needs cargo, a C compiler as its linker, and a Vulkan driver (Debian: mesa-vulkan-drivers, libvulkan1); builds burn for some minutes.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
if [ -z "${VK_DRIVER_FILES:-}" ]; then
  VK_DRIVER_FILES=$(compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' | head -n 1)
  export VK_DRIVER_FILES
fi
mkdir "$work/src"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "reading"
version = "0.0.0"
edition = "2024"

[dependencies]
burn = { version = "=0.22.1", default-features = false, features = ["std", "wgpu"] }

[profile.release]
debug = false

[workspace]
TOML
cat > "$work/src/main.rs" <<'RUST'
use burn::tensor::{Device, DeviceType, Distribution, Tensor};
use std::time::Instant;

fn main() {
    let device = Device::enumerate(DeviceType::Wgpu).into_vec().remove(0);
    let random = |shape| Tensor::<2>::random(shape, Distribution::Default, &device);
    let (x, w) = (random([2048, 512]), random([512, 1024]));
    // Its kernels are compiled, and all that came before is done.
    let looked_at = |data: burn::tensor::TensorData| data.try_into_vec::<f32>().unwrap()[0];
    looked_at(x.clone().matmul(w.clone()).into_data());
    let mut shares = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let data = x.clone().matmul(w.clone()).into_data();
        let returned = start.elapsed().as_secs_f64() * 1e3;
        looked_at(data);
        let whole = start.elapsed().as_secs_f64() * 1e3;
        println!("until into_data returned: {returned:.1} ms; until the first value was looked at: {whole:.0} ms");
        shares.push(returned / whole);
    }
    shares.sort_by(f64::total_cmp);
    assert!(shares[2] < 0.2, "into_data waits: it has changed");
}
RUST
cargo run --quiet --release --manifest-path "$work/Cargo.toml" --target-dir "$work/target"
