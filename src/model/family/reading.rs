//! What a family has to say of its configuration, and what families have in common in reading one.

use super::names::ModelNames;
use crate::model::config::{Config, ConfigError};
use crate::model::facts::Facts;

/// A kind of model that Hugging Face tells apart by `model_type`.
pub trait Family: Sync {
    /// Its values of `model_type`, first its own name.
    fn model_types(&self) -> &'static [&'static str];

    /// Other names of keys of its configuration, which transformers obeys too, each with the name that is read.
    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Which models are of it and what tells it from others, in a line.
    fn about(&self) -> &'static str;

    /// What a model with this configuration looks like.
    ///
    /// # Errors
    /// When a setting is missing or wrong, or asks for a computation that ablate does not have.
    fn facts(&self, config: &Config) -> Result<Facts, ConfigError>;

    /// Where its weights are stored. `config` has been accepted by [`Family::facts`].
    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError>;
}

/// Notes keys of a rotation that a family does not read.
pub(super) fn unread_rotation(config: &Config, family: &str) {
    for key in ["rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor"] {
        if config.get(key).is_some() {
            config.note(format!("'{key}' is not read in {family}, here and in transformers"));
        }
    }
}

/// Width of a head where the configuration does not give it.
pub(super) fn even_split(d_model: usize, n_heads: usize) -> Result<usize, ConfigError> {
    if d_model.is_multiple_of(n_heads) {
        Ok(d_model / n_heads)
    } else {
        Err(ConfigError(format!("a width of {d_model} cannot be split among {n_heads} heads")))
    }
}

/// Refuses an odd number of rotated dimensions, as they are rotated in pairs, and one beyond any real head's width.
pub(super) fn even_rotation(rotated: usize) -> Result<usize, ConfigError> {
    const WIDEST_HEAD: usize = 1 << 16;
    if rotated.is_multiple_of(2) && (1..=WIDEST_HEAD).contains(&rotated) {
        Ok(rotated)
    } else {
        Err(ConfigError(format!("{rotated} rotated dimensions of each head: must be even, from 2 to {WIDEST_HEAD}")))
    }
}
