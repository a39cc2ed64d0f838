//! Reading specs: layers, errors, bad input, the schema.

mod errors;
mod expression;
