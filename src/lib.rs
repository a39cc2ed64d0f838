//! Declarative, reproducible, fast mechanistic interpretability.
//!
//! Begin with the [`prelude`]; docs/library.md says what each module is for and what is promised of it.
//!
//! Data flows one way: [`spec`] → `check` → `plan` → `run` (`step` over `prompt`, [`model`] and [`intervene`]) → [`table`] →
//! [`figure`] → `report`; [`experiment`] is the page that is the program. Each module knows those on lower floors alone
//! (docs/architecture.md).
//!
//! What is `doc(hidden)` is no API: it is public for the binary and for the tests, which are outside of the crate, and changes with any version.

#[doc(hidden)]
pub mod bundled;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod cluster;
#[doc(hidden)]
pub mod compare;
#[doc(hidden)]
pub mod context;
#[doc(hidden)]
pub mod cost;
mod counted;
#[doc(hidden)]
pub mod direction;
mod error;
#[doc(hidden)]
pub mod expectation;
pub mod experiment;
pub mod figure;
pub mod heuristic;
pub mod intervene;
#[doc(hidden)]
pub mod kernel;
pub mod manifest;
pub mod measure;
pub mod model;
#[doc(hidden)]
pub mod plan;
pub mod prelude;
#[doc(hidden)]
pub mod probe;
#[doc(hidden)]
pub mod prompt;
mod random;
#[doc(hidden)]
pub mod reference;
#[doc(hidden)]
pub mod report;
mod results;
#[doc(hidden)]
pub mod resume;
#[doc(hidden)]
pub mod run;
mod self_test;
#[doc(hidden)]
pub mod shard;
pub mod spec;
#[doc(hidden)]
pub mod step;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod system;
pub mod table;
mod variants;

pub use error::{Error, FailedPart};
