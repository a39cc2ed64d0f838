//! Runs on a cluster: what is submitted, what tasks do, how far they are.

mod grouping;
mod settings;
#[cfg(target_os = "linux")]
mod slurm;
mod submitted;
