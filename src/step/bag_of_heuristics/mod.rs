//! Kinds of step that ask how a model does arithmetic, as arXiv 2410.21272 does: by a bag of heuristics of its neurons. They are
//! kinds like any other; nothing outside of this folder knows of them.

mod heuristic_overlap;
mod heuristics;
mod knockout;
mod neuron_overlap;
