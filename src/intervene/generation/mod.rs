//! Texts that a model writes after prompts, token by token, with edits at positions of the prompt, at each new token, or both.
//!
//! Keys and values of what was read are kept, so that a new token costs one position. Prompts of different lengths are continued in
//! one batch: each row attends to its own prompt's keys, which rows of one prompt and the same edits of it share, and to those of
//! what it has written itself.

mod cache;
mod choice;
mod decoder;
mod pass;
mod token_edit;

pub use choice::{Choice, Sampling};
pub use decoder::{Decoder, Opening, TextEnd, WrittenTokens};
pub use token_edit::TokenEdits;
