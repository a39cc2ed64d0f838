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

pub use name::ModelName;
pub use not_finite::NotFinite;
pub use open::{Card, InputError, Lookup, Model, ModelError, NextLogits, Sketch};
pub use residence::{Residence, TooLittleMemory};
pub use summary::{ModelDimensions, ModelSummary};
pub use weights::WeightReads;
