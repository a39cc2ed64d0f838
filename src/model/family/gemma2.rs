//! Gemma 2: norms around attention and MLP, every other layer with a window, soft caps of scores and logits.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, NormPlaces, ScoreScale, SoftCaps};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::{BlockNames, ModelNames, NormNames};
use super::reading::{Family, cap, causal_alone, sliding_layers, sliding_window, window};
use crate::kernel::NormFunction;

/// Norms around attention and MLP, windows, soft caps.
pub struct Gemma2;

impl Family for Gemma2 {
    fn model_types(&self) -> &'static [&'static str] {
        &["gemma2"]
    }

    fn about(&self) -> &'static str {
        "Gemma 2: norms around attention and MLP, every other layer with a window, soft caps of scores and logits"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = scaled(llama::facts("gemma2", config, &GEMMA2)?, config)?;
        let caps = SoftCaps {
            scores: cap(config, "attn_logit_softcapping", Some(50.0))?,
            logits: cap(config, "final_logit_softcapping", Some(30.0))?,
        };
        let layers = sliding_layers(config, facts.n_layers, |layer| layer % 2 == 0)?;
        Ok(Facts { window: window(sliding_window(config, Some(4096))?, layers, "'sliding_window'")?, caps, ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        names(config, facts)
    }
}

/// What Gemma 2 and 3 have in common beside llama's facts.
pub(super) fn scaled(facts: Facts, config: &Config) -> Result<Facts, ConfigError> {
    causal_alone(config)?;
    Ok(Facts {
        norm: NormFunction { wide_scale: true, ..facts.norm },
        norms: NormPlaces::Around,
        scores: ScoreScale {
            over_root_of: Some(config.positive_or("query_pre_attn_scalar", 256.0)?),
            ..ScoreScale::STANDARD
        },
        embed_factor: (facts.d_model as f64).sqrt(),
        ..facts
    })
}

/// Names of Gemma 2, and of Gemma 3 but for its norms of queries and keys.
pub(super) fn names(config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
    let llama = llama::names(facts, Biases::of_attention(config)?);
    let named = llama.with_blocks(|layer, block| {
        let norm = |name| Some(NormNames::rms_less_one(format!("model.layers.{layer}.{name}"), facts.d_model));
        BlockNames {
            ln1: norm("input_layernorm"),
            ln1_post: norm("post_attention_layernorm"),
            ln2: norm("pre_feedforward_layernorm"),
            ln2_post: norm("post_feedforward_layernorm"),
            ..block
        }
    });
    Ok(ModelNames { ln_final: NormNames::rms_less_one("model.norm".into(), facts.d_model), ..named })
}

/// What transformers' class takes for keys that are absent.
const GEMMA2: ClassDefaults = ClassDefaults {
    vocab_size: 256_000,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: Some(4),
    head_dim: Some(256),
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
    activation: ("hidden_activation", "gelu_pytorch_tanh"),
    ..LLAMA
};
