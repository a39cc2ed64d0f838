//! What a run ran on, for the report and the manifest.

use std::fs;

/// Facts of this machine and this binary, as (name, value) in the order they are shown.
pub fn facts(threads: usize) -> Vec<(String, String)> {
    let fact = |name: &str, value: String| (name.to_string(), value);
    vec![
        fact("ablate", env!("CARGO_PKG_VERSION").into()),
        fact("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        fact("processor", processor()),
        fact("cores", std::thread::available_parallelism().map_or_else(|_| "unknown".into(), |n| n.to_string())),
        fact("threads", threads.to_string()),
    ]
}

/// The processor's name.
pub fn processor() -> String {
    named_processor().unwrap_or_else(|| "unknown".into())
}

fn named_processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}
