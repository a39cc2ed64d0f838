//! Every test in one binary, by theme: one link instead of many.

mod kernel;
mod parity;
mod tokenizer;
