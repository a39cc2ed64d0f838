//! Directions and subspaces of activations, as values that a step finds and that edits of later steps write.
//!
//! A [`Subspace`] is what was found at one place: a hook, whole or one unit of it, at positions of one name. [`Directions`] are
//! all that a step found in one model's prompts of one template, and the file that they are kept in.

mod file;
mod subspace;

pub use file::DirectionFault;
pub use subspace::{Directions, Subspace};
