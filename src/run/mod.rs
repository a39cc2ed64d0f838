//! Runs a spec's steps, through the store where there is one.

pub mod device_failure;
pub mod failures;
mod options;
mod recall;
pub mod record;
pub mod steps;

pub use options::RunOptions;
pub use recall::StepRun;
