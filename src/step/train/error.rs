//! What ends a training.

use super::data::DataError;
use super::save::SaveError;
use crate::model::tokenizer::TokenizerError;
use crate::model::weights::WeightError;
use crate::system::interrupt::Interrupted;
use polars::prelude::PolarsError;

/// Why a training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The prompts do not make a training set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The spec asks for a model that cannot be.
    #[error("train: {0}")]
    Shape(String),
    /// The loss is no longer a number.
    #[error(
        "train: the loss is not a number after step {step}; write a smaller optimizer.lr or a longer optimizer.warmup"
    )]
    Diverged {
        /// Optimiser steps taken.
        step: usize,
    },
    /// A model could not be written.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The first weights could not be put on the device.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The tokenizer cannot be written.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The table of results could not be made.
    #[error(transparent)]
    Table(#[from] PolarsError),
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}
