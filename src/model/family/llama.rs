//! Llama 2 and 3, SmolLM2, and what other families take from them.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, LayerRotary, NormPlaces, PositionEncoding, Residual, ScoreScale, SoftCaps};
use super::super::rope::{Rope, RopeKeys};
use super::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames, NormNames};
use super::reading::{Family, even_rotation, even_split};
use crate::kernel::{NormFunction, NormKind, Pairing};

/// Pre-RMS-norm blocks, rotary positions, grouped-query attention, SwiGLU.
pub struct Llama;

impl Family for Llama {
    fn model_types(&self) -> &'static [&'static str] {
        &["llama"]
    }

    fn about(&self) -> &'static str {
        "Llama 2 and 3, SmolLM2: RMS norm, rotary positions, grouped queries, SwiGLU"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        if config.get("sliding_window").is_some() {
            config.note("'sliding_window' is not read in llama, here and in transformers");
        }
        facts("llama", config, &LLAMA)
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

impl Biases {
    /// None.
    pub const NONE: Self = Self { qkv: false, o: false, mlp: false };

    /// Of attention alone, where 'attention_bias' says so.
    pub fn of_attention(config: &Config) -> Result<Self, ConfigError> {
        let attention = config.flag_or("attention_bias", false)?;
        Ok(Self { qkv: attention, o: attention, mlp: false })
    }
}

/// What transformers' class of a model type takes for keys that are absent.
pub(super) struct ClassDefaults {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    /// `None`: as many as there are heads, which is what `null` means in every class.
    pub num_key_value_heads: Option<usize>,
    /// `None`: the width's share of a head.
    pub head_dim: Option<usize>,
    pub max_position_embeddings: usize,
    pub rms_norm_eps: f64,
    pub rope_theta: f64,
    pub tie_word_embeddings: bool,
    /// The key of the MLP's non-linearity, and the one that is taken.
    pub activation: (&'static str, &'static str),
}

pub(super) const LLAMA: ClassDefaults = ClassDefaults {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 11_008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: None,
    head_dim: None,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000.0,
    tie_word_embeddings: false,
    activation: ("hidden_act", "silu"),
};

/// The facts of a family that has llama's, all layers rotated alike and all of each head.
pub(super) fn facts(family: &'static str, config: &Config, absent: &ClassDefaults) -> Result<Facts, ConfigError> {
    facts_rotated(family, config, absent, |keys, d_head| {
        let rope = Rope::of(config, &keys)?;
        if rope.partial != 1.0 {
            return Err(ConfigError(format!(
                "'partial_rotary_factor' is {}: a partly rotated head is not supported in {family}",
                rope.partial
            )));
        }
        Ok(LayerRotary::uniform(rope.rotary(even_rotation(d_head)?, Pairing::HalfSplit)?))
    })
}

/// The same with the family's own rotation, of the usual keys and d_head.
pub(super) fn facts_rotated(
    family: &'static str,
    config: &Config,
    absent: &ClassDefaults,
    rotary: impl FnOnce(RopeKeys, usize) -> Result<LayerRotary, ConfigError>,
) -> Result<Facts, ConfigError> {
    let d_model = config.size_or("hidden_size", absent.hidden_size)?;
    let n_heads = config.heads_or("num_attention_heads", absent.num_attention_heads)?;
    let n_kv_heads = match config.names_key("num_key_value_heads") {
        true => config.size_if("num_key_value_heads")?,
        false => absent.num_key_value_heads,
    };
    let d_head = match (config.size_if("head_dim")?, absent.head_dim) {
        (Some(d_head), _) | (None, Some(d_head)) => d_head,
        (None, None) => even_split(d_model, n_heads)?,
    };
    let n_ctx = config.size_or("max_position_embeddings", absent.max_position_embeddings)?;
    let keys = RopeKeys { default_theta: absent.rope_theta, ..RopeKeys::usual(n_ctx) };
    let (activation, default_activation) = absent.activation;
    Ok(Facts {
        family,
        n_layers: config.layers_or("num_hidden_layers", absent.num_hidden_layers)?,
        n_heads,
        n_kv_heads: n_kv_heads.unwrap_or(n_heads),
        d_model,
        d_head,
        d_mlp: config.size_or("intermediate_size", absent.intermediate_size)?,
        n_vocab: config.size_or("vocab_size", absent.vocab_size)?,
        n_ctx,
        norm: NormFunction {
            kind: NormKind::Rms,
            eps: config.positive_or("rms_norm_eps", absent.rms_norm_eps)?,
            wide_scale: false,
        },
        norms: NormPlaces::Before,
        head_norm: None,
        activation: config.activation(activation, default_activation)?,
        gated: true,
        positions: PositionEncoding::Rotary(rotary(keys, d_head)?),
        bounded: false,
        window: None,
        scores: ScoreScale::STANDARD,
        caps: SoftCaps::NONE,
        clip: None,
        experts: None,
        embed_factor: 1.0,
        residual: Residual::Sequential,
        tied: config.flag_or("tie_word_embeddings", absent.tie_word_embeddings)?,
    })
}

pub(super) fn names(facts: &Facts, biases: Biases) -> ModelNames {
    let (d_model, d_mlp) = (facts.d_model, facts.d_mlp);
    let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
    let block = |layer: usize| {
        let at = |name: &str| format!("model.layers.{layer}.{name}");
        BlockNames {
            ln1: Some(NormNames::rms(at("input_layernorm"), facts.d_model)),
            ln2: Some(NormNames::rms(at("post_attention_layernorm"), facts.d_model)),
            ln1_post: None,
            ln2_post: None,
            q_norm: None,
            k_norm: None,
            q: LinearNames::linear(at("self_attn.q_proj"), d_model, d_q, biases.qkv),
            k: LinearNames::linear(at("self_attn.k_proj"), d_model, d_kv, biases.qkv),
            v: LinearNames::linear(at("self_attn.v_proj"), d_model, d_kv, biases.qkv),
            o: LinearNames::linear(at("self_attn.o_proj"), d_q, d_model, biases.o),
            mlp: MlpNames::Dense(DenseNames {
                gate: Some(LinearNames::linear(at("mlp.gate_proj"), d_model, d_mlp, biases.mlp)),
                up: LinearNames::linear(at("mlp.up_proj"), d_model, d_mlp, biases.mlp),
                down: LinearNames::linear(at("mlp.down_proj"), d_mlp, d_model, biases.mlp),
            }),
        }
    };
    ModelNames {
        tokens: "model.embed_tokens.weight".into(),
        positions: None,
        blocks: (0..facts.n_layers).map(block).collect(),
        other_blocks: None,
        ln_final: NormNames::rms("model.norm".into(), facts.d_model),
        unembed: LinearNames::linear("lm_head".into(), d_model, facts.n_vocab, false),
        prefix: "model.",
        buffers: &[".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached"],
        aliases: &[],
    }
}
