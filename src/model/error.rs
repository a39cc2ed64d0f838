//! Models that cannot be had, and prompts that a model cannot take.

use super::device::DeviceError;
use super::not_finite::NotFinite;
use super::residence::TooLittleMemory;
use super::source::SourceError;
use super::tokenizer::TokenizerError;
use super::weights::WeightError;
use super::{builtin, hub};

/// A model that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The source is malformed or leads nowhere.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The device is not there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The weights are missing, damaged or of another family.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The tokenizer is missing or damaged.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The hub's cache has no such model, and neither has the hub.
    #[error(transparent)]
    Hub(#[from] hub::HubError),
    /// Not part of this binary.
    #[error(transparent)]
    Builtin(#[from] builtin::BuiltinError),
    /// `memory_mib` is less than what has to be held.
    #[error(transparent)]
    Memory(#[from] TooLittleMemory),
}

impl ModelError {
    /// The key of a model's table that it is about.
    pub fn key(&self) -> &'static str {
        match self {
            ModelError::Memory(_) => "memory_mib",
            ModelError::Device(error) => error.key(),
            _ => "source",
        }
    }
}

/// A prompt that a model cannot take.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// No tokens for it, or for some of its characters.
    #[error("{0}; write another prompt, or take a model whose vocabulary has it")]
    Tokenizer(#[from] TokenizerError),
    /// Not one token.
    #[error("the prompt is empty, and this model puts no beginning-of-text token before it; write a prompt")]
    Empty,
    /// More tokens than positions.
    #[error("{tokens} tokens are more than the model's {limit} positions; write a shorter prompt")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Positions of the model.
        limit: usize,
    },
    /// The tokenizer has tokens that the embedding has no row for.
    #[error("token {id} is outside the model's vocabulary of {n_vocab} tokens: the tokenizer belongs to another model")]
    OutsideVocabulary {
        /// The token.
        id: u32,
        /// Rows of the embedding.
        n_vocab: usize,
    },
    /// The run is not finite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// `bos = true` where there is none.
    #[error("the tokenizer has no beginning-of-text token; write bos = false")]
    NoBos,
}
