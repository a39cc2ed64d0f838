//! What each kind of step does: one file per kind, one line each in [`run`] and [`empty_frames`].

pub mod accuracy;
pub mod train;

mod context;
mod network;
mod outcome;
mod pairing;
mod patching;
mod places;
mod replays;
mod subject;
mod summary;

pub use context::Context;
pub use network::Network;
pub use outcome::{Outcome, SelfCheck};
pub use subject::{Cell, Subject};

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
        Step::ActivationPatching(step) => patching::run(step.into(), context),
        Step::NeuronPatching(step) => patching::run(step.into(), context),
        _ => unreachable!("not there yet"),
    }
}

/// The frames of a step without any rows, to check tables and figures against before any work.
pub fn empty_frames(step: &Step) -> PolarsResult<Vec<(String, DataFrame)>> {
    match step {
        Step::Accuracy(step) => accuracy::empty_frames(step),
        Step::Train(step) => train::empty_frames(step),
        Step::ActivationPatching(step) => patching::empty_frames(&step.into()),
        Step::NeuronPatching(step) => patching::empty_frames(&step.into()),
        _ => unreachable!("not there yet"),
    }
}
