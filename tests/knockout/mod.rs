//! What components rows of other steps name, and what their knock-out does.

mod by_heuristic;
mod by_prompt;
mod found;
mod heuristic_overlap;
mod listed;
mod neuron_overlap;
mod real;
mod support;
