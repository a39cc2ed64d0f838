//! Executor, manifest, progress.

pub mod atomic;
pub mod interrupt;
pub mod progress;
