//! `kind = "probe"`.

use super::fields::step;
use super::relations::relations;
use super::shared::{after_blocks, sites_schema};
use crate::spec::PositionName;
use crate::spec::defaults::defaults;
use crate::spec::{Parsed, SitePattern, layers_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Linear classifiers of the answer, for each site and position, and the layers that write it.
    ///
    /// One fully connected layer and a softmax, trained to tell the answer's first token from the activation. The rows `NAME.layers` say from
    /// which layer on the last position knows it; `{NAME}` stands for these layers wherever layers are written.
    ///
    /// Formula: P(answer) = softmax(x · W + b), trained with cross-entropy and Adam; accuracy on held-out prompts.
    ///
    /// Source: paper §2.2, figure 3; Alain and Bengio 2016 (arXiv 1610.01644).
    ///
    /// Limits: what a probe can read, the model need not use (Belinkov 2022, arXiv 2102.12452). Accuracy depends on how long it is trained.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "probes"
    /// kind   = "probe"
    /// epochs = 5
    ///
    /// [[step]]
    /// name   = "neurons"
    /// kind   = "neuron-patching"
    /// layers = "{probes}"
    /// ```
    Probe {
        /// What is read: hooks, each whole, or `[head]` for each head.
        #[serde(default = "after_blocks")]
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<Parsed<SitePattern>>,
        /// Where: each position on its own.
        positions = "each_position",
        /// Whether the prompts of all operators share a classifier.
        #[serde(default)]
        operators: ProbeOperators,
        /// Times that each training prompt is seen.
        #[serde(default = "default_epochs")]
        #[schemars(range(min = 1, max = 100000))]
        epochs: usize,
        /// Learning rate of Adam.
        #[serde(default = "default_lr")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        lr: f64,
        /// Prompts per optimiser step.
        #[serde(default = "default_batch")]
        #[schemars(range(min = 1))]
        batch: usize,
        /// Share of the prompts to train on; the others are the test.
        #[serde(default = "default_train")]
        #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 0.99))]
        train: f64,
        /// Seed of the split, of the order of the prompts and of the first weights.
        #[serde(default = "default_seed")]
        seed: u64,
        /// Subtract from each value its mean over the training prompts, and divide by its standard deviation there.
        #[serde(default)]
        standardize: bool,
        /// The answer-writing layers begin at the first layer from which on the test accuracy at `resid_post` of the last position
        /// stays at least this share of the best accuracy there.
        #[serde(default = "default_share")]
        #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
        share: f64,
    }
}

/// Which prompts share a classifier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOperators {
    /// All (the paper's); its accuracy is told per operator and over all.
    #[default]
    Together,
    /// Those of each operator have one of their own.
    Each,
}

defaults! {
    each_position: Vec<PositionName> = vec![PositionName::each()];
    default_epochs: usize = 20;
    default_lr: f64 = 3e-4;
    default_batch: usize = 32;
    default_train: f64 = 0.8;
    default_seed: u64 = 42;
    default_share: f64 = 0.5;
}

relations! { Probe |step| layers: layers_of(&step.sites); }
