//! One file per kind of step.

pub mod accuracy;
pub mod train;
