//! Every test in one binary, by theme: one link instead of many.

mod cli;
mod compare;
mod faults;
mod figure;
mod gguf;
mod heuristic;
mod hub;
mod intervene;
mod kernel;
mod knockout;
mod manifest;
mod measure;
mod paper;
mod parity;
mod probe;
mod prompt;
mod reference;
mod report;
mod resume;
mod spec;
mod store;
mod sweep;
mod table;
mod tokenizer;
mod train;
mod weights;
