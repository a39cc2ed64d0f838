//! What a rotation reads outside of its section, and what a class takes where a configuration is silent.

use super::super::config::{Config, ConfigError};
use serde_json::Value;

/// What transformers' class of a family reads outside of the section, and takes where the configuration is silent.
#[derive(Debug, Clone, Copy)]
pub struct RopeKeys {
    /// Key of the base; `None` where it stands in the section alone.
    pub theta: Option<&'static str>,
    /// Base where the configuration is silent.
    pub default_theta: f64,
    /// Key of the rotated share.
    pub partial: &'static str,
    /// Share where the configuration is silent.
    pub default_partial: f64,
    /// Longest prompt of the class, for the scalings that go by it.
    pub n_ctx: usize,
    /// The context that a scaling starts from, where the class has one of its own, which goes before the section's.
    pub original: Option<usize>,
    /// Whether the class has no scaling but longrope, which it also takes under the names `su` and `yarn`.
    pub longrope_alone: bool,
}

impl RopeKeys {
    /// Those of most families.
    pub fn usual(n_ctx: usize) -> Self {
        Self {
            theta: Some(THETA),
            default_theta: 10_000.0,
            partial: PARTIAL,
            default_partial: 1.0,
            n_ctx,
            original: None,
            longrope_alone: false,
        }
    }
}

pub(super) const THETA: &str = "rope_theta";
pub(super) const PARTIAL: &str = "partial_rotary_factor";
/// Key of the context that a scaling starts from.
pub(super) const ORIGINAL: &str = "original_max_position_embeddings";

/// What a scaling reads beside its section.
pub(super) struct ScalingContext<'s> {
    pub keys: &'s RopeKeys,
    pub theta: f64,
    /// The context that it starts from.
    pub original: &'s dyn Fn() -> Result<f64, ConfigError>,
    /// What stands for yarn's `truncate`; `None` where it is in the section.
    pub truncate: Option<&'s Value>,
}

impl ScalingContext<'_> {
    /// `factor`, or how much longer the model's context is than the one it was first trained on.
    pub fn factor(&self, settings: &Config, original: f64) -> Result<f64, ConfigError> {
        Ok(settings.positive_if("factor")?.unwrap_or(self.keys.n_ctx as f64 / original))
    }
}
