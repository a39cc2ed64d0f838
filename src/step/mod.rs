//! One file per kind of step.

pub mod accuracy;
