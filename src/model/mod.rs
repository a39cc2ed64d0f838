//! Models: architecture facts, families, weights, tokenizer, and the forward pass.

mod advice;
pub mod builtin;
pub mod checkpoint;
pub mod config;
mod content;
pub mod device;
pub mod facts;
pub mod family;
pub mod files;
pub mod gguf;
pub mod hook;
pub mod host;
pub mod hub;
mod matching;
mod name;
mod not_finite;
mod open;
pub mod processing;
pub mod random;
pub mod rope;
pub mod source;
pub mod tokenizer;
pub mod transformer;
pub mod weights;

pub use name::ModelName;
pub use not_finite::NotFinite;
pub use open::{Card, InputError, Lookup, Model, ModelError, NextLogits, Sketch};
