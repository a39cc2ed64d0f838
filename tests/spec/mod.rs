//! Reading specs: layers, errors, bad input, the schema.

mod bad_input;
mod errors;
mod expression;
mod known;
mod layers;
mod misspelt;
mod repeated;
mod roundtrip;
mod schema;
