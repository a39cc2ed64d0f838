//! What each kind of step does: one file per kind, one line each in [`run`] and [`empty_frames`].

pub mod accuracy;
pub mod train;

mod context;
mod network;
mod outcome;

pub use context::Context;
pub use network::Network;
pub use outcome::Outcome;

use crate::Error;
use crate::spec::Step;
use polars::prelude::{DataFrame, PolarsResult};

/// Runs a step.
///
/// # Errors
/// [`Error::Refused`] for input that turns out wrong only with the model at hand, [`Error::Failed`] for the rest.
pub fn run(step: &Step, context: &Context) -> Result<Outcome, Error> {
    match step {
        Step::Accuracy(step) => accuracy::run(step, context),
        Step::Train(step) => train::run(step, context),
    }
}

/// The frames of a step without any rows, to check tables and figures against before any work.
pub fn empty_frames(step: &Step) -> PolarsResult<Vec<(String, DataFrame)>> {
    match step {
        Step::Accuracy(step) => accuracy::empty_frames(step),
        Step::Train(step) => train::empty_frames(step),
    }
}
