//! OLMo 2: norms after attention and MLP and none before, norms of queries and keys over all heads.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, HeadNorm, NormPlaces};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::{BlockNames, ModelNames, NormNames};
use super::reading::Family;
use crate::kernel::NormFunction;

/// Norms after attention and MLP, and of queries and keys.
pub struct Olmo2;

impl Family for Olmo2 {
    fn model_types(&self) -> &'static [&'static str] {
        &["olmo2"]
    }

    fn about(&self) -> &'static str {
        "OLMo 2: norms after attention and MLP and none before, norms of queries and keys over all heads"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        Ok(with_norms(llama::facts("olmo2", config, &OLMO2)?))
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        names(config, facts)
    }
}

/// The norms of OLMo 2 and 3.
pub(super) fn with_norms(facts: Facts) -> Facts {
    let norm = NormFunction { wide_scale: true, ..facts.norm };
    Facts { norm, norms: NormPlaces::After, head_norm: Some(HeadNorm::AllHeads), ..facts }
}

/// Names of OLMo 2 and 3.
pub(super) fn names(config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
    let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
    Ok(llama::names(facts, Biases::of_attention(config)?).with_blocks(|layer, block| {
        let norm = |name, width| Some(NormNames::rms(format!("model.layers.{layer}.{name}"), width));
        BlockNames {
            ln1: None,
            ln1_post: norm("post_attention_layernorm", facts.d_model),
            ln2: None,
            ln2_post: norm("post_feedforward_layernorm", facts.d_model),
            q_norm: norm("self_attn.q_norm", d_q),
            k_norm: norm("self_attn.k_norm", d_kv),
            ..block
        }
    }))
}

/// What transformers' class takes for keys that are absent.
pub(super) const OLMO2: ClassDefaults = ClassDefaults { vocab_size: 50_304, rms_norm_eps: 1e-5, ..LLAMA };
