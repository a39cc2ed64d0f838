//! GPT-NeoX and Pythia.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, LayerRotary, NormPlaces, PositionEncoding, Residual, ScoreScale, SoftCaps};
use super::super::rope::{Rope, RopeKeys};
use super::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames, NormNames};
use super::reading::{Family, even_rotation, even_split};
use crate::kernel::{NormFunction, NormKind, Pairing};

/// Layer norm, partly rotated heads, attention and MLP side by side (or not), q, k and v fused head by head.
pub struct GptNeoX;

impl Family for GptNeoX {
    fn model_types(&self) -> &'static [&'static str] {
        &["gpt_neox"]
    }

    fn about(&self) -> &'static str {
        "Pythia, GPT-NeoX: layer norm, partly rotated heads, attention and MLP side by side (or not)"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let d_model = config.size_or("hidden_size", 6144)?;
        let n_heads = config.heads_or("num_attention_heads", 64)?;
        let d_head = even_split(d_model, n_heads)?;
        if let Some(other) = config.size_if("head_dim")?.filter(|&other| other != d_head) {
            return Err(ConfigError(format!(
                "'head_dim' is {other}, where {n_heads} heads share a width of {d_model}"
            )));
        }
        let n_ctx = config.size_or("max_position_embeddings", 2048)?;
        let keys = RopeKeys {
            theta: Some("rotary_emb_base"),
            partial: "rotary_pct",
            default_partial: 0.25,
            ..RopeKeys::usual(n_ctx)
        };
        let rope = Rope::of(config, &keys)?;
        let rotated = even_rotation((d_head as f64 * rope.partial) as usize)?;
        let parallel = config.flag_or("use_parallel_residual", true)?;
        Ok(Facts {
            family: "gpt_neox",
            n_layers: config.layers_or("num_hidden_layers", 44)?,
            n_heads,
            n_kv_heads: n_heads,
            d_model,
            d_head,
            d_mlp: config.size_or("intermediate_size", 24_576)?,
            n_vocab: config.size_or("vocab_size", 50_432)?,
            n_ctx,
            norm: NormFunction {
                kind: NormKind::Layer,
                eps: config.positive_or("layer_norm_eps", 1e-5)?,
                wide_scale: false,
            },
            norms: NormPlaces::Before,
            head_norm: None,
            activation: config.activation("hidden_act", "gelu")?,
            gated: false,
            positions: PositionEncoding::Rotary(LayerRotary::uniform(rope.rotary(rotated, Pairing::HalfSplit)?)),
            bounded: false,
            window: None,
            scores: ScoreScale::STANDARD,
            caps: SoftCaps::NONE,
            clip: None,
            experts: None,
            embed_factor: 1.0,
            residual: if parallel { Residual::Parallel } else { Residual::Sequential },
            tied: config.flag_or("tie_word_embeddings", false)?,
        })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let Facts { d_model, d_mlp, n_heads, d_head, .. } = *facts;
        let bias = config.flag_or("attention_bias", true)?;
        let block = |layer: usize| {
            let at = |name: &str| format!("gpt_neox.layers.{layer}.{name}");
            // the fused outputs are [n_heads, 3, d_head]
            let part = |part: usize| {
                let rows = (0..n_heads).map(move |head| (3 * head + part) * d_head..(3 * head + part + 1) * d_head);
                LinearNames::linear(at("attention.query_key_value"), d_model, 3 * d_model, bias).taking(rows)
            };
            BlockNames {
                ln1: Some(NormNames::layer(at("input_layernorm"), facts.d_model)),
                ln2: Some(NormNames::layer(at("post_attention_layernorm"), facts.d_model)),
                ln1_post: None,
                ln2_post: None,
                q_norm: None,
                k_norm: None,
                q: part(0),
                k: part(1),
                v: part(2),
                o: LinearNames::linear(at("attention.dense"), d_model, d_model, bias),
                mlp: MlpNames::Dense(DenseNames {
                    gate: None,
                    up: LinearNames::linear(at("mlp.dense_h_to_4h"), d_model, d_mlp, true),
                    down: LinearNames::linear(at("mlp.dense_4h_to_h"), d_mlp, d_model, true),
                }),
            }
        };
        Ok(ModelNames {
            tokens: "gpt_neox.embed_in.weight".into(),
            positions: None,
            blocks: (0..facts.n_layers).map(block).collect(),
            other_blocks: None,
            ln_final: NormNames::layer("gpt_neox.final_layer_norm".into(), facts.d_model),
            unembed: LinearNames::linear("embed_out".into(), d_model, facts.n_vocab, false),
            prefix: "gpt_neox.",
            buffers: &[
                ".rotary_emb.inv_freq",
                ".rotary_emb.cos_cached",
                ".rotary_emb.sin_cached",
                ".attention.bias",
                ".attention.masked_bias",
            ],
            // as transformers calls it since 5.14
            aliases: &[("lm_head.weight", "embed_out.weight")],
        })
    }
}
