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

use crate::support::repository;

/// What plain hooks or numpy say of an experiment: tests/fixtures/papers/NAME.json, which NAME.py beside it makes.
fn fixture(name: &str) -> serde_json::Value {
    let path = repository(&format!("tests/fixtures/papers/{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}
