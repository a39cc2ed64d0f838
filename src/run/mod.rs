//! Executor, manifest, progress.

pub mod interrupt;
pub mod progress;
