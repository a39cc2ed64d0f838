//! Every test in one binary, by theme: one link instead of many.

mod kernel;
mod measure;
mod parity;
mod prompt;
mod tokenizer;
