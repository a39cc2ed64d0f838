//! Every test in one binary, by theme: one link instead of many.

mod gguf;
mod kernel;
mod measure;
mod parity;
mod prompt;
mod tokenizer;
mod weights;
