//! Directions and subspaces of activations.

mod numbers;
mod step;
