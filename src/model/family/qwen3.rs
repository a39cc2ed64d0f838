//! Qwen3: Llama's blocks with norms of queries and keys, head by head.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, HeadNorm};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::{BlockNames, ModelNames, NormNames};
use super::qwen2::qwen_window;
use super::reading::Family;

/// Llama's blocks with norms of queries and keys.
pub struct Qwen3;

impl Family for Qwen3 {
    fn model_types(&self) -> &'static [&'static str] {
        &["qwen3"]
    }

    fn about(&self) -> &'static str {
        "Qwen3: Llama's blocks with norms of queries and keys, head by head"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        // `null` is an error in this class.
        config.size_or("head_dim", 128)?;
        let facts = llama::facts("qwen3", config, &QWEN3)?;
        Ok(Facts { window: qwen_window(config, facts.n_layers)?, head_norm: Some(HeadNorm::EachHead), ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        names(config, facts)
    }
}

/// Llama's names, and those of the norms of queries and keys.
pub(super) fn names(config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
    let llama = llama::names(facts, Biases::of_attention(config)?);
    Ok(llama.with_blocks(|layer, block| {
        let norm = |name| NormNames::rms(format!("model.layers.{layer}.self_attn.{name}"), facts.d_head);
        BlockNames { q_norm: Some(norm("q_norm")), k_norm: Some(norm("k_norm")), ..block }
    }))
}

/// What transformers' class takes for keys that are absent.
const QWEN3: ClassDefaults = ClassDefaults {
    vocab_size: 151_936,
    intermediate_size: 22_016,
    num_key_value_heads: Some(32),
    head_dim: Some(128),
    max_position_embeddings: 32_768,
    ..LLAMA
};
