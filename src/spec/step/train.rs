use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Trains a small pre-norm transformer (RMS norm, SwiGLU, learned positions, no biases) to answer the prompts.
///
/// Tokens are the integers `0..numbers`, the operators and `=`. Loss: cross-entropy of the answer at the last position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Name of the step.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Prompt set: a name of `[prompt_sets.NAME]`. Left out: `[prompts]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Steps to run before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-refers-to" = "step"))]
    pub needs: Vec<String>,
    /// Folder the model is written to, one subfolder per checkpoint and the last one in the folder itself; relative to
    /// the results folder.
    #[serde(default = "default_save")]
    pub save: String,
    /// The integers `0..numbers` are one token each.
    #[schemars(range(min = 2, max = 10000))]
    pub numbers: usize,
    /// Number of layers.
    #[schemars(range(min = 1, max = 64))]
    pub layers: usize,
    /// Width of the residual stream.
    #[schemars(range(min = 1, max = 8192))]
    pub d_model: usize,
    /// Number of attention heads; must divide `d_model`.
    #[schemars(range(min = 1, max = 256), extend("x-divides" = "d_model"))]
    pub heads: usize,
    /// Width of the MLP.
    #[schemars(range(min = 1, max = 65536))]
    pub d_mlp: usize,
    /// Optimiser steps.
    #[schemars(range(min = 1))]
    pub steps: usize,
    /// Prompts per optimiser step, as many of each operator.
    #[schemars(range(min = 1))]
    pub batch: usize,
    /// Share of operand pairs held out from training, by pair: the same pairs for every operator.
    #[serde(default = "default_held_out")]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub held_out: f64,
    /// Optimiser steps after which a checkpoint is written, besides the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-at-most" = "steps"))]
    pub checkpoints: Vec<usize>,
    /// Seed of the initial weights, of the held-out pairs and of the order of the prompts.
    #[serde(default)]
    pub seed: u64,
    /// AdamW and its schedule.
    pub optimizer: Optimizer,
    /// Held-out accuracy is measured and a row written every so many steps.
    #[serde(default = "default_log_every")]
    #[schemars(range(min = 1))]
    pub log_every: usize,
}

/// AdamW with decoupled weight decay on matrices only; linear warm-up, then cosine to zero; gradient norm clipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// Peak learning rate.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub lr: f64,
    /// Decay rates of the first and second moment.
    #[serde(default = "default_betas")]
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub betas: [f64; 2],
    /// Weight decay, times the learning rate, on matrices.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Steps of linear warm-up.
    #[serde(default)]
    pub warmup: usize,
    /// Largest norm of the whole gradient. Left out: not clipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip: Option<f64>,
}

fn default_save() -> String {
    "model".into()
}
fn default_held_out() -> f64 {
    0.2
}
fn default_log_every() -> usize {
    100
}
fn default_betas() -> [f64; 2] {
    [0.9, 0.98]
}

impl super::Common for Train {
    fn name(&self) -> &str {
        &self.name
    }
    fn models(&self) -> Option<&[String]> {
        None
    }
    fn prompts(&self) -> Option<&str> {
        self.prompts.as_deref()
    }
    fn needs(&self) -> &[String] {
        &self.needs
    }
}
