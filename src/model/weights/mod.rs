//! Files of weights.

mod error;

pub use error::WeightError;
