//! Models: architecture facts, families, weights, tokenizer, and the forward pass.

mod advice;
#[doc(hidden)]
pub mod builtin;
#[doc(hidden)]
pub mod chat_template;
#[doc(hidden)]
pub mod checkpoint;
#[doc(hidden)]
pub mod config;
mod content;
pub mod device;
mod error;
pub mod facts;
#[doc(hidden)]
pub mod family;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod gguf;
pub mod hook;
#[doc(hidden)]
pub mod host;
#[doc(hidden)]
pub mod hub;
mod loading;
mod matching;
mod name;
mod not_finite;
mod open;
#[doc(hidden)]
pub mod processing;
#[doc(hidden)]
pub mod random;
mod residence;
#[doc(hidden)]
pub mod rope;
#[doc(hidden)]
pub mod source;
mod summary;
pub mod tokenizer;
pub mod transformer;
#[doc(hidden)]
pub mod weights;

pub use error::{InputError, ModelError};
pub use name::ModelName;
pub use not_finite::NotFinite;
pub use open::{Card, Lookup, Model, NextLogits, Sketch};
pub use residence::{Residence, TooLittleMemory, WeightBudget};
pub use summary::{ModelDimensions, ModelSummary};
pub use weights::WeightReads;
