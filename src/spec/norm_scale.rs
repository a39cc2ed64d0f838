//! Which scale a norm after attention or MLP is taken to have for one of the parts that it reads together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Scale of the norms after attention and MLP (Gemma 2 and 3, OLMo 2 and 3) for one head's or neuron's share of what they read
/// together. Models without such norms do not read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormScale {
    /// The clean run's: shares add up to what the block writes.
    #[default]
    Frozen,
    /// As it is without the share, or with the changed one: what the block would then write less what it writes; such differences do
    /// not add up.
    Recomputed,
}

impl NormScale {
    /// Whether it is what a spec that is silent has.
    pub fn is_frozen(&self) -> bool {
        *self == Self::Frozen
    }
}
