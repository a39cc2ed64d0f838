//! The intervention engine: against TransformerLens, and the laws it must obey.

mod ablation;
mod laws;
mod reference;
mod transformerlens;
