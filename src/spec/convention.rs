//! Conventions of direct attribution where a model is not a sum of its parts: norms after attention and MLP, a soft cap of logits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which scale the norms after attention and MLP (Gemma 2 and 3, OLMo 2 and 3) have for one head's or neuron's share of what they
/// read together. Models without such norms do not need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NormScale {
    /// The clean run's: shares add up to what the block writes.
    #[default]
    Frozen,
    /// The norm computed anew, without the share or with the changed one: what the block writes, minus what it would
    /// write then. Such differences do not add up.
    Recomputed,
}

impl NormScale {
    /// Every name.
    pub const NAMES: [&'static str; 2] = ["frozen", "recomputed"];

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => Self::NAMES[0],
            Self::Recomputed => Self::NAMES[1],
        }
    }
}

/// Logits before or after the soft cap that some models (Gemma 2) end with; others do not need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapSide {
    /// Before it: what the unembedding gives.
    Before,
    /// After it: what the model says.
    After,
}

impl CapSide {
    /// Every name.
    pub const NAMES: [&'static str; 2] = ["before", "after"];

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => Self::NAMES[0],
            Self::After => Self::NAMES[1],
        }
    }
}
