//! What components rows of other steps name, and what their knock-out does.

mod listed;
mod neuron_overlap;
