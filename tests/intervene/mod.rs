//! The intervention engine: against TransformerLens, and the laws it must obey.

mod ablation;
mod attribution;
mod attribution_step;
mod baseline;
mod circuits;
mod conventions;
mod experts;
mod families;
mod foreseen;
mod gemma3;
mod idle;
mod laws;
mod means;
mod paths;
mod paths_step;
mod pretrained;
mod random_families;
mod rankings;
mod reading;
mod reading_steps;
mod reference;
mod results;
mod shared_prompts;
mod smollm2;
pub mod spec;
mod subspaces;
mod transformerlens;
