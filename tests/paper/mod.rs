//! The paper's specs and what is written of their results.

mod families;
mod readme;
mod rows;
mod specs;
