//! Declarative, reproducible, fast mechanistic interpretability.
//!
//! Data flows one way: [`spec`] → [`run`] ([`step`] over [`prompt`] and [`model`]) → [`table`] → [`figure`] → [`report`].

pub mod allocator;
pub mod cli;
mod error;
pub mod figure;
pub mod intervene;
pub mod kernel;
pub mod measure;
pub mod model;
pub mod prompt;
pub mod report;
pub mod run;
pub mod spec;
pub mod step;
pub mod table;

pub use error::Error;
