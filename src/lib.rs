//! Declarative, reproducible, fast mechanistic interpretability.
//!
//! Data flows one way: [`spec`] → [`plan`] → [`run`] ([`step`] over [`prompt`], [`model`] and [`intervene`]) → [`table`] → [`figure`] → [`report`].

pub mod allocator;
pub mod cli;
pub mod compare;
mod error;
pub mod expectation;
pub mod experiments;
pub mod figure;
pub mod heuristic;
pub mod intervene;
pub mod kernel;
pub mod manifest;
pub mod measure;
pub mod model;
pub mod plan;
pub mod probe;
pub mod prompt;
mod random;
pub mod reference;
pub mod report;
pub mod run;
pub mod self_test;
pub mod spec;
pub mod step;
pub mod table;

pub use error::Error;
