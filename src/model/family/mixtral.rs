//! Mixtral: Mistral's blocks with experts in every layer.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Experts, Facts, Window};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::mixture::{self, ExpertWords};
use super::names::ModelNames;
use super::reading::{Family, sliding_window};

/// Mistral's blocks with experts in every layer.
pub struct Mixtral;

impl Family for Mixtral {
    fn model_types(&self) -> &'static [&'static str] {
        &["mixtral"]
    }

    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &[("num_experts", "num_local_experts")]
    }

    fn has_experts(&self) -> bool {
        true
    }

    fn about(&self) -> &'static str {
        "Mixtral: Mistral's blocks with experts in every layer, their weights normalised"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = llama::facts("mixtral", config, &MIXTRAL)?;
        let layers = || (0..facts.n_layers).collect();
        let window = sliding_window(config, None)?.map(|tokens| Window { tokens, layers: layers() });
        let width = facts.d_mlp;
        let experts = mixture::experts(config, "num_local_experts", [8, 2], |count, chosen| Experts {
            count,
            chosen,
            width,
            normalised: true,
            layers: layers(),
        })?;
        Ok(Facts { window, experts: Some(experts), ..facts })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let words = ExpertWords { holder: "block_sparse_moe", parts: ["w1", "w3", "w2"] };
        Ok(mixture::with_experts(llama::names(facts, Biases::NONE), facts, &words))
    }
}

/// What transformers' class takes for keys that are absent.
const MIXTRAL: ClassDefaults = ClassDefaults {
    intermediate_size: 14_336,
    num_key_value_heads: Some(8),
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000.0,
    ..LLAMA
};
