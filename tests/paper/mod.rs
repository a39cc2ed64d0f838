//! The paper's specs and what is written of their results.

mod families;
mod helix;
mod modular_addition;
mod readme;
mod rows;
mod specs;
