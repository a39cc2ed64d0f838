//! The machine that a run was made on.

use crate::system::environment;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// What a run ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// The processor's name.
    pub processor: String,
    /// Its instruction sets by which kernels are chosen, as in keys of the store.
    pub instructions: String,
    /// Cores that the process may use.
    pub cores: Option<usize>,
    /// Threads that computed.
    pub threads: usize,
    /// The machine's GPUs, where a model ran on one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
}

impl Machine {
    /// This machine; its GPUs only where they compute.
    pub fn here(threads: usize, on_gpu: bool) -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor(),
            instructions: environment::processor(),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            threads,
            gpus: if on_gpu { gpus() } else { Vec::new() },
        }
    }
}

/// The processor's name.
pub fn processor() -> String {
    // Of a machine with hundreds of cores the kernel takes milliseconds to tell of them all.
    static NAMED: LazyLock<String> = LazyLock::new(|| named_processor().unwrap_or_else(|| "unknown".into()));
    NAMED.clone()
}

fn named_processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    field(&text, "model name")
}

/// Names of the GPUs, as NVIDIA's driver says them.
fn gpus() -> Vec<String> {
    let Ok(found) = fs::read_dir(Path::new("/proc/driver/nvidia/gpus")) else { return Vec::new() };
    let mut places: Vec<_> = found.flatten().map(|entry| entry.path().join("information")).collect();
    places.sort();
    places.iter().filter_map(|place| field(&fs::read_to_string(place).ok()?, "Model")).collect()
}

/// `name : value` of a text with a line for each.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
