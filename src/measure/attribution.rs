//! What gradients approximate of an intervention's effect.

use super::effect::EffectMeasure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What attribution patching approximates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributionMeasure {
    /// The indirect effect, which to first order is half the change of logit(r') − logit(r).
    ///
    /// Formula: −½ · ∂m/∂x · (x' − x), m = L(r) − L(r')
    ///
    /// Source: paper eq. 1, to first order.
    ///
    /// Limits: E grows exponentially with the logits: the order of units is to be read, not the size.
    #[default]
    IndirectEffect,
    /// The change of logit(r) − logit(r').
    ///
    /// Formula: ∂m/∂x · (x' − x), m = L(r) − L(r')
    ///
    /// Source: Nanda 2023, Attribution patching.
    ///
    /// Limits: first order: wrong where the model is curved between the two values.
    LogitDifference,
}

impl AttributionMeasure {
    /// What exact patching measures by that name, and how often the change of L(r) − L(r') it is to first order.
    fn approximated(self) -> (EffectMeasure, f64) {
        match self {
            AttributionMeasure::IndirectEffect => (EffectMeasure::IndirectEffect, -0.5),
            AttributionMeasure::LogitDifference => (EffectMeasure::LogitDifference, 1.0),
        }
    }

    /// What exact patching measures by that name.
    pub fn exact(self) -> EffectMeasure {
        self.approximated().0
    }

    /// How often the change of L(r) − L(r') it is to first order.
    pub fn factor(self) -> f64 {
        self.approximated().1
    }
}
