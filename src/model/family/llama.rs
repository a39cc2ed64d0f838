//! Llama 2 and 3, SmolLM2, and what shares their blocks: Mistral without a sliding window.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, Norm, NormKind, Pairing, Positions, Residual, Rotary};
use super::super::rope::{Rope, RopeKeys};
use super::names::{BlockNames, LinearNames, ModelNames, NormNames};
use super::{Family, even_rotation, even_split};

/// Pre-RMS-norm blocks, rotary positions, grouped-query attention, SwiGLU.
pub struct Llama;

impl Family for Llama {
    fn model_types(&self) -> &'static [&'static str] {
        &["llama", "mistral"]
    }

    fn about(&self) -> &'static str {
        "Llama 2 and 3, SmolLM2, Mistral without a sliding window: RMS norm, rotary positions, grouped queries, SwiGLU"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = facts("llama", config)?;
        // transformers takes a Mistral configuration that is silent for one with a window of 4096
        let default =
            (config.text_if("model_type")? == Some("mistral") && !config.names_key("sliding_window")).then_some(4096);
        refuse_window(config, config.size_if("sliding_window")?.or(default), facts.n_ctx)?;
        Ok(facts)
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let attention = config.flag_or("attention_bias", false)?;
        let mlp = config.flag_or("mlp_bias", false)?;
        Ok(names(facts, Biases { qkv: attention, o: attention, mlp }))
    }
}

/// Which linear maps of a block have a bias.
pub(super) struct Biases {
    pub qkv: bool,
    pub o: bool,
    pub mlp: bool,
}

pub(super) fn facts(family: &'static str, config: &Config) -> Result<Facts, ConfigError> {
    let d_model = config.size("hidden_size")?;
    let n_heads = config.heads("num_attention_heads")?;
    let d_head = match config.size_if("head_dim")? {
        Some(d_head) => d_head,
        None => even_split(d_model, n_heads)?,
    };
    let rope =
        Rope::of(config, &RopeKeys { theta: "rope_theta", partial: "partial_rotary_factor", default_partial: 1.0 })?;
    if rope.partial != 1.0 {
        return Err(ConfigError(format!(
            "'partial_rotary_factor' is {}: a partly rotated head is not supported in {family}",
            rope.partial
        )));
    }
    Ok(Facts {
        family,
        n_layers: config.layers("num_hidden_layers")?,
        n_heads,
        n_kv_heads: config.size_or("num_key_value_heads", n_heads)?,
        d_model,
        d_head,
        d_mlp: config.size("intermediate_size")?,
        n_vocab: config.size("vocab_size")?,
        n_ctx: config.size_or("max_position_embeddings", 2048)?,
        norm: Norm { kind: NormKind::Rms, eps: config.positive_if("rms_norm_eps")?.unwrap_or(1e-6) },
        activation: config.activation("hidden_act", "silu")?,
        gated: true,
        positions: Positions::Rotary(Rotary {
            inv_freq: rope.inv_freq(even_rotation(d_head)?),
            pairing: Pairing::HalfSplit,
        }),
        residual: Residual::Sequential,
        tied: config.flag_or("tie_word_embeddings", false)?,
    })
}

/// Refuses attention that would not see the whole context.
pub(super) fn refuse_window(config: &Config, window: Option<usize>, n_ctx: usize) -> Result<(), ConfigError> {
    let windowed = config
        .get("layer_types")
        .and_then(|types| types.as_array())
        .is_none_or(|types| types.iter().any(|kind| kind.as_str() != Some("full_attention")));
    match window {
        Some(window) if windowed && window < n_ctx => Err(ConfigError(format!(
            "'sliding_window' is {window}, shorter than the context of {n_ctx}: attention within a window is not \
             supported; write \"max_position_embeddings\": {window} to use the model where both agree"
        ))),
        _ => Ok(()),
    }
}

pub(super) fn names(facts: &Facts, biases: Biases) -> ModelNames {
    let (d_model, d_mlp) = (facts.d_model, facts.d_mlp);
    let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
    let block = |layer: usize| {
        let at = |name: &str| format!("model.layers.{layer}.{name}");
        BlockNames {
            ln1: NormNames::rms(at("input_layernorm")),
            ln2: Some(NormNames::rms(at("post_attention_layernorm"))),
            q: LinearNames::linear(at("self_attn.q_proj"), d_model, d_q, biases.qkv),
            k: LinearNames::linear(at("self_attn.k_proj"), d_model, d_kv, biases.qkv),
            v: LinearNames::linear(at("self_attn.v_proj"), d_model, d_kv, biases.qkv),
            o: LinearNames::linear(at("self_attn.o_proj"), d_q, d_model, biases.o),
            gate: Some(LinearNames::linear(at("mlp.gate_proj"), d_model, d_mlp, biases.mlp)),
            up: LinearNames::linear(at("mlp.up_proj"), d_model, d_mlp, biases.mlp),
            down: LinearNames::linear(at("mlp.down_proj"), d_mlp, d_model, biases.mlp),
        }
    };
    let unembed = if facts.tied { "model.embed_tokens" } else { "lm_head" };
    ModelNames {
        tokens: "model.embed_tokens.weight".into(),
        positions: None,
        blocks: (0..facts.n_layers).map(block).collect(),
        ln_final: NormNames::rms("model.norm".into()),
        unembed: LinearNames::linear(unembed.into(), d_model, facts.n_vocab, false),
        prefix: "model.",
        buffers: &[".rotary_emb.inv_freq"],
    }
}
