//! What computes: the program and the processor.

use super::Digests;
use super::digests::of_reader;
use std::io;
use std::path::Path;

/// SHA-256 of the running executable: whatever was compiled into it, from which sources, dependencies and flags, is in it. One
/// that a new build has replaced meanwhile is still the old one.
pub fn build(digests: &Digests) -> io::Result<String> {
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
