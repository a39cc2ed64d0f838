//! The paper's specs and what is written of their results.

mod causal_tracing;
mod families;
mod greater_than;
mod helix;
mod induction;
mod language_direction;
mod modular_addition;
mod readme;
mod rows;
mod specs;
