//! Executor, manifest, progress.
