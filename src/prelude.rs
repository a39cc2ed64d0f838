//! What a program that uses the library begins with: `use ablate::prelude::*;`.
//!
//! A [`Model`] and its [`Tokens`]; [`Edit`]s of its activations at a [`Hook`], in some [`Units`] and at some [`Positions`], and
//! [`logits_with`] for what comes of them,
//! [`activations_at`] for what stands there without them; an [`Experiment`] to run a spec and read its rows.

pub use crate::Error;
pub use crate::experiment::{Experiment, Finished};
pub use crate::intervene::{Edit, Positions, Units, activations_at, logits_with};
pub use crate::model::Model;
pub use crate::model::hook::{Hook, Site};
pub use crate::model::transformer::Tokens;
