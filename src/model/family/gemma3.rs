//! Gemma 3: Gemma 2's blocks without caps, with norms of queries and keys, five of six layers with a window and a rotation of their
//! own. The files of models that also see hold the language model's part under a name of its own.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, HeadNorm, SoftCaps};
use super::super::rope::RopeKeys;
use super::gemma2;
use super::llama::{self, ClassDefaults, LLAMA};
use super::names::{BlockNames, ModelNames, NormNames};
use super::reading::{Family, cap, rotary_by_kind, sliding_layers, sliding_window, window};

/// Norms around attention and MLP and of queries and keys, two rotations.
pub struct Gemma3;

impl Family for Gemma3 {
    fn model_types(&self) -> &'static [&'static str] {
        &["gemma3", "gemma3_text"]
    }

    fn about(&self) -> &'static str {
        "Gemma 3, its language model: Gemma 2's blocks without caps, with norms of queries and keys and two rotations"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = llama::facts_rotated("gemma3", config, &GEMMA3, |keys, d_head| {
            let sliding = RopeKeys { theta: Some("rope_local_base_freq"), default_theta: 10_000.0, ..keys };
            rotary_by_kind(config, d_head, [keys, sliding])
        })?;
        let facts = gemma2::scaled(facts, config)?;
        if config.get("attn_logit_softcapping").is_some() {
            config.note("'attn_logit_softcapping' is not read in gemma3, as in transformers");
        }
        let caps = SoftCaps { logits: cap(config, "final_logit_softcapping", None)?, ..SoftCaps::NONE };
        // Configurations of transformers 4 say every how many layers attention is full.
        let every = config.size_or("sliding_window_pattern", 6)?;
        let layers = sliding_layers(config, facts.n_layers, |layer| !(layer + 1).is_multiple_of(every))?;
        let window = window(sliding_window(config, Some(4096))?, layers, "'sliding_window'")?;
        Ok(Facts { window, caps, head_norm: Some(HeadNorm::EachHead), ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        Ok(gemma2::names(config, facts)?.with_blocks(|layer, block| {
            let norm = |name| NormNames::rms_less_one(format!("model.layers.{layer}.self_attn.{name}"), facts.d_head);
            BlockNames { q_norm: Some(norm("q_norm")), k_norm: Some(norm("k_norm")), ..block }
        }))
    }
}

/// What transformers' class takes for keys that are absent.
const GEMMA3: ClassDefaults = ClassDefaults {
    vocab_size: 262_208,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: Some(4),
    head_dim: Some(256),
    max_position_embeddings: 131_072,
    rope_theta: 1_000_000.0,
    tie_word_embeddings: true,
    activation: ("hidden_activation", "gelu_pytorch_tanh"),
    ..LLAMA
};
