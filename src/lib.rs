//! Declarative, reproducible, fast mechanistic interpretability.
//!
//! Data flows one way: [`spec`] → [`check`] → [`plan`] → [`run`] ([`step`] over [`prompt`], [`model`] and [`intervene`]) → [`table`] →
//! [`figure`] → [`report`]; [`experiment`] is the page that is the program. Each module knows those on lower floors alone
//! (docs/architecture.md).

pub mod bundled;
pub mod check;
pub mod cli;
pub mod compare;
pub mod context;
pub mod cost;
mod error;
pub mod expectation;
pub mod experiment;
pub mod figure;
pub mod heuristic;
pub mod intervene;
pub mod kernel;
pub mod manifest;
pub mod measure;
pub mod model;
pub mod plan;
pub mod prelude;
pub mod probe;
pub mod prompt;
mod random;
pub mod reference;
pub mod report;
pub mod results;
pub mod resume;
pub mod run;
pub mod self_test;
pub mod spec;
pub mod step;
pub mod store;
pub mod system;
pub mod table;
pub mod variants;

pub use error::Error;
