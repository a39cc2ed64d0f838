//! Refuses what can be refused without a model: impossible prompts, rows, tables, figures and expectations, and keys
//! that change nothing.

pub mod folder;
mod measures;
mod needs;
mod no_effect;
pub mod recognise;
pub mod rows;
pub mod values;

pub use recognise::{settle, with_profile};

use crate::Error;
use crate::spec::Loaded;
use crate::system::set_threads;

/// The spec for the model at hand, checked as far as that needs no model, before and after a profile is laid over it.
///
/// # Errors
/// As [`before_models`] and [`settle`]; [`Error::Unsuited`] where its models have not what it needs.
pub fn checked(loaded: &Loaded, quiet: bool) -> Result<Loaded, Error> {
    if let threads @ Some(_) = loaded.spec.run.threads {
        // Before anything computes: to select rows of a table that has none starts the pool already.
        set_threads(threads);
    }
    before_models(loaded)?;
    let settled = settle(loaded, quiet)?;
    let profiled = |loaded: &&Loaded| loaded.recognised().is_some_and(|recognised| recognised.profile.is_some());
    if settled.variants().iter().any(profiled) {
        before_models(&settled)?;
    }
    for variant in settled.variants() {
        needs::met(variant).map_err(Error::Unsuited)?;
    }
    Ok(settled)
}

/// Refuses what can be refused without looking at any model.
///
/// # Errors
/// Prompts, tables, figures, expectations, and rows that a step reads of another, that cannot be.
pub fn before_models(loaded: &Loaded) -> Result<(), Error> {
    Error::both(rows::prompts(loaded), rows::rows(loaded)).map(drop)
}
