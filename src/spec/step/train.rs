//! `kind = "train"`.

use super::fields::step;
use super::relations::relations;
use crate::spec::defaults::defaults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Trains a small transformer from scratch on the prompts and writes its checkpoints.
    ///
    /// Pre-norm, RMS norm, SwiGLU, learned positions, no biases. Tokens are the integers `0..numbers`, the operators and `=`.
    ///
    /// Formula: loss = −ln P(answer) at the last position, minimised by AdamW.
    ///
    /// Source: Loshchilov and Hutter 2019, Decoupled weight decay regularization (arXiv 1711.05101).
    ///
    /// ```toml
    /// [[step]]
    /// name      = "small"
    /// kind      = "train"
    /// numbers   = 20
    /// layers    = 1
    /// d_model   = 16
    /// heads     = 2
    /// d_mlp     = 32
    /// steps     = 20
    /// batch     = 64
    /// optimizer = { lr = 1e-3 }
    /// ```
    Train on prompts {
        /// Folder the model is written to, one subfolder per checkpoint and the last one in the folder itself; relative to
        /// the results folder.
        #[serde(default = "default_save")]
        save: String,
        /// The integers `0..numbers` are one token each.
        #[schemars(range(min = 2, max = 10000))]
        numbers: usize,
        /// Number of layers.
        #[schemars(range(min = 1, max = 64))]
        layers: usize,
        /// Width of the residual stream.
        #[schemars(range(min = 1, max = 8192))]
        d_model: usize,
        /// Number of attention heads; must divide `d_model`.
        #[schemars(range(min = 1, max = 256), extend("x-divides" = "d_model"))]
        heads: usize,
        /// Width of the MLP.
        #[schemars(range(min = 1, max = 65536))]
        d_mlp: usize,
        /// Optimiser steps.
        #[schemars(range(min = 1))]
        steps: usize,
        /// Prompts per optimiser step, as many of each operator.
        #[schemars(range(min = 1))]
        batch: usize,
        /// Share of operand pairs held out from training, by pair: the same pairs for every operator.
        #[serde(default = "default_held_out")]
        #[schemars(range(min = 0.0, max = 0.9))]
        held_out: f64,
        /// Optimiser steps after which a checkpoint is written, besides the last.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(extend("x-at-most" = "steps"))]
        checkpoints: Vec<usize>,
        /// Seed of the initial weights, of the held-out pairs and of the order of the prompts.
        #[serde(default)]
        seed: u64,
        /// AdamW and its schedule.
        optimizer: Optimizer,
        /// Held-out accuracy is measured and a row written every so many steps.
        #[serde(default = "default_log_every")]
        #[schemars(range(min = 1))]
        log_every: usize,
    }
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
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip: Option<f64>,
}

defaults! {
    default_save: String = "model".into();
    default_held_out: f64 = 0.2;
    default_log_every: usize = 100;
    default_betas: [f64; 2] = [0.9, 0.98];
}

relations! { Train |step| needs_operands: true; }
