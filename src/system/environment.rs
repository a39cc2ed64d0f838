//! What computes: the program and the processor.

use super::Digests;
use super::digests::of_reader;
use std::io;
use std::path::Path;

/// The version that this program was released as; `None` of a development build. `scripts/build-wheel.sh` sets it, from a clean checkout
/// of the version's tag alone.
pub const RELEASE: Option<&str> = option_env!("ABLATE_RELEASE");

/// What keys say of the program: two with the same compute the same.
///
/// # Errors
/// A program that cannot read itself.
pub fn build(digests: &Digests) -> io::Result<String> {
    build_of(RELEASE, digests)
}

/// The same of a program that was released as `release`. A release is its version, the system's libraries that it calls for
/// mathematics, and its backends: every installation of it has the same keys, whoever compiled it, and the version of each kind of
/// step, which keys have beside it, says what changed within. Any other build is its executable: a version alone does not say what is
/// in it.
///
/// # Errors
/// A program that cannot read itself.
pub fn build_of(release: Option<&str>, digests: &Digests) -> io::Result<String> {
    match release {
        // Set by hand to something else, it says nothing of what was compiled.
        Some(version) if version == env!("CARGO_PKG_VERSION") => {
            let libraries = match () {
                () if cfg!(target_env = "gnu") => "gnu",
                () if cfg!(target_env = "musl") => "musl",
                () => "own",
            };
            let backends = if cfg!(feature = "cuda") { ", cuda" } else { "" };
            Ok(format!("ablate {version} for {} ({libraries}{backends})", std::env::consts::OS))
        }
        _ => executable(digests),
    }
}

/// SHA-256 of the running executable: whatever was compiled into it, from which sources, dependencies and flags, is in it. One
/// that a new build has replaced meanwhile is still the old one.
///
/// # Errors
/// A program that cannot read itself.
pub fn executable(digests: &Digests) -> io::Result<String> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return digests.of(running).or_else(|_| of_reader(std::fs::File::open(running)?));
    }
    digests.of(&std::env::current_exe()?)
}

/// Instruction sets that matrix products and other kernels choose by: each rounds in its own way.
pub fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("sse4.1", std::is_x86_feature_detected!("sse4.1")),
        ("avx", std::is_x86_feature_detected!("avx")),
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("f16c", std::is_x86_feature_detected!("f16c")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
        ("avx512vl", std::is_x86_feature_detected!("avx512vl")),
        ("avx512dq", std::is_x86_feature_detected!("avx512dq")),
        ("avx512bf16", std::is_x86_feature_detected!("avx512bf16")),
        ("avx512fp16", std::is_x86_feature_detected!("avx512fp16")),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        ("bf16", std::arch::is_aarch64_feature_detected!("bf16")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    let names = found.into_iter().filter(|(_, there)| *there).map(|(name, _)| name);
    std::iter::once(std::env::consts::ARCH).chain(names).collect::<Vec<_>>().join(" ")
}
