//! Measures: Wilson's interval, arg-max, greedy decoding, the accuracy step's rows.

mod accuracy;
mod decoding;
mod effect;
mod wilson;
