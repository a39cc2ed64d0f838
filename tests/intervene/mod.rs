//! The intervention engine: against TransformerLens, and the laws it must obey.

mod laws;
mod reference;
mod smollm2;
mod transformerlens;
