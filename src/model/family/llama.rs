//! Llama 2 and 3, SmolLM2, and what shares their blocks: Mistral with its sliding window.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, PositionEncoding, Residual, ScoreScale, Window};
use super::super::rope::{Rope, RopeKeys};
use super::names::{BlockNames, LinearNames, ModelNames, NormNames};
use super::reading::{Family, even_rotation, even_split};
use crate::kernel::{NormFunction, NormKind, Pairing};

/// Pre-RMS-norm blocks, rotary positions, grouped-query attention, SwiGLU.
pub struct Llama;

impl Family for Llama {
    fn model_types(&self) -> &'static [&'static str] {
        &["llama", "mistral"]
    }

    fn about(&self) -> &'static str {
        "Llama 2 and 3, SmolLM2, Mistral with its sliding window: RMS norm, rotary positions, grouped queries, SwiGLU"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        if !is_mistral(config)? {
            if config.get("sliding_window").is_some() {
                config.note("'sliding_window' is not read in llama, here and in transformers");
            }
            return facts("llama", config, &LLAMA);
        }
        // `null` is a number of heads in the other classes, and an error in this one.
        config.size_or("num_key_value_heads", 8)?;
        let facts = facts("llama", config, &MISTRAL)?;
        // The class has a window for a configuration that is silent, none for `null`, and one for all layers whatever
        // 'layer_types' says.
        let tokens = match config.names_key("sliding_window") {
            true => config.size_if("sliding_window")?,
            false => Some(4096),
        };
        let window = tokens.map(|tokens| Window { tokens, layers: (0..facts.n_layers).collect() });
        Ok(Facts { window, ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        if is_mistral(config)? {
            return Ok(names(facts, Biases { qkv: false, o: false, mlp: false }));
        }
        let attention = config.flag_or("attention_bias", false)?;
        let mlp = config.flag_or("mlp_bias", false)?;
        Ok(names(facts, Biases { qkv: attention, o: attention, mlp }))
    }
}

fn is_mistral(config: &Config) -> Result<bool, ConfigError> {
    Ok(config.text_if("model_type")? == Some("mistral"))
}

/// Which linear maps of a block have a bias.
pub(super) struct Biases {
    pub qkv: bool,
    pub o: bool,
    pub mlp: bool,
}

/// What transformers' class of a model type takes for keys that are absent.
pub(super) struct ClassDefaults {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    /// `None`: as many as there are heads, which is what `null` means in every class.
    pub num_key_value_heads: Option<usize>,
    pub max_position_embeddings: usize,
}

const LLAMA: ClassDefaults = ClassDefaults {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 11_008,
    num_key_value_heads: None,
    max_position_embeddings: 2048,
};

const MISTRAL: ClassDefaults = ClassDefaults {
    intermediate_size: 14_336,
    num_key_value_heads: Some(8),
    max_position_embeddings: 131_072,
    ..LLAMA
};

pub(super) fn facts(family: &'static str, config: &Config, absent: &ClassDefaults) -> Result<Facts, ConfigError> {
    let d_model = config.size_or("hidden_size", absent.hidden_size)?;
    let n_heads = config.heads_or("num_attention_heads", 32)?;
    let n_kv_heads = match config.names_key("num_key_value_heads") {
        true => config.size_if("num_key_value_heads")?,
        false => absent.num_key_value_heads,
    };
    let d_head = match config.size_if("head_dim")? {
        Some(d_head) => d_head,
        None => even_split(d_model, n_heads)?,
    };
    let n_ctx = config.size_or("max_position_embeddings", absent.max_position_embeddings)?;
    let keys = RopeKeys::usual(n_ctx);
    let rope = Rope::of(config, &keys)?;
    if rope.partial != 1.0 {
        return Err(ConfigError(format!(
            "'partial_rotary_factor' is {}: a partly rotated head is not supported in {family}",
            rope.partial
        )));
    }
    Ok(Facts {
        family,
        n_layers: config.layers_or("num_hidden_layers", 32)?,
        n_heads,
        n_kv_heads: n_kv_heads.unwrap_or(n_heads),
        d_model,
        d_head,
        d_mlp: config.size_or("intermediate_size", absent.intermediate_size)?,
        n_vocab: config.size_or("vocab_size", absent.vocab_size)?,
        n_ctx,
        norm: NormFunction { kind: NormKind::Rms, eps: config.positive_or("rms_norm_eps", 1e-6)? },
        activation: config.activation("hidden_act", "silu")?,
        gated: true,
        positions: PositionEncoding::Rotary(rope.rotary(even_rotation(d_head)?, Pairing::HalfSplit)?),
        bounded: false,
        window: None,
        scores: ScoreScale::STANDARD,
        residual: Residual::Sequential,
        tied: config.flag_or("tie_word_embeddings", false)?,
    })
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
    ModelNames {
        tokens: "model.embed_tokens.weight".into(),
        positions: None,
        blocks: (0..facts.n_layers).map(block).collect(),
        ln_final: NormNames::rms("model.norm".into()),
        unembed: LinearNames::linear("lm_head".into(), d_model, facts.n_vocab, false),
        prefix: "model.",
        buffers: &[".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached"],
        aliases: &[],
    }
}
