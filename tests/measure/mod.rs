//! Measures: Wilson's interval, arg-max, greedy decoding, the accuracy step's rows, how little is enough.

mod accuracy;
mod decoding;
mod effect;
mod sign_flip;
mod smallest;
mod wilson;
