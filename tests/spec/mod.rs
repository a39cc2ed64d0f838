//! Reading specs: layers, errors, bad input, the schema.

mod expression;
