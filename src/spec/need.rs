//! `needs`: what a model must have for an experiment to mean anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that not every model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Two checkpoints or more, in `model.checkpoints`.
    Checkpoints,
}
