//! The intervention engine: against TransformerLens, and the laws it must obey.

mod ablation;
mod laws;
mod reading;
mod reading_steps;
mod reference;
mod smollm2;
mod transformerlens;
