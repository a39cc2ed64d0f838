//! GPT-J.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, LayerRotary, NormPlaces, PositionEncoding, Residual, ScoreScale, SoftCaps};
use super::super::rope::{Rope, Scaling};
use super::gpt2::ALIASES;
use super::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames, NormNames};
use super::reading::{Family, even_rotation, even_split, unread_rotation};
use crate::kernel::{NormFunction, NormKind, Pairing};

/// Layer norm, interleaved rotation of part of each head, attention and MLP reading one norm, a biased unembedding.
pub struct GptJ;

impl Family for GptJ {
    fn model_types(&self) -> &'static [&'static str] {
        &["gptj"]
    }

    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &ALIASES
    }

    fn about(&self) -> &'static str {
        "GPT-J: layer norm, interleaved rotation of part of each head, attention and MLP reading one norm"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        unread_rotation(config, "gptj");
        let d_model = config.size_or("n_embd", 4096)?;
        let n_heads = config.heads_or("n_head", 16)?;
        let rotated = even_rotation(config.size_or("rotary_dim", 64)?)?;
        let rope = Rope { theta: 10_000.0, partial: 1.0, scaling: Scaling::Default };
        Ok(Facts {
            family: "gptj",
            n_layers: config.layers_or("n_layer", 28)?,
            n_heads,
            n_kv_heads: n_heads,
            d_model,
            d_head: even_split(d_model, n_heads)?,
            d_mlp: config.size_if("n_inner")?.unwrap_or(4 * d_model),
            n_vocab: config.size_or("vocab_size", 50_400)?,
            n_ctx: config.size_or("n_positions", 2048)?,
            norm: NormFunction {
                kind: NormKind::Layer,
                eps: config.positive_or("layer_norm_epsilon", 1e-5)?,
                wide_scale: false,
            },
            norms: NormPlaces::Before,
            head_norm: None,
            activation: config.activation("activation_function", "gelu_new")?,
            gated: false,
            positions: PositionEncoding::Rotary(LayerRotary::uniform(rope.rotary(rotated, Pairing::Interleaved)?)),
            bounded: true,
            window: None,
            scores: ScoreScale::STANDARD,
            caps: SoftCaps::NONE,
            clip: None,
            experts: None,
            embed_factor: 1.0,
            residual: Residual::ParallelSharedNorm,
            tied: config.flag_or("tie_word_embeddings", false)?,
        })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let Facts { d_model, d_mlp, .. } = *facts;
        let block = |layer: usize| {
            let at = |name: &str| format!("transformer.h.{layer}.{name}");
            BlockNames {
                ln1: Some(NormNames::layer(at("ln_1"), facts.d_model)),
                ln2: None,
                ln1_post: None,
                ln2_post: None,
                q_norm: None,
                k_norm: None,
                q: LinearNames::linear(at("attn.q_proj"), d_model, d_model, false),
                k: LinearNames::linear(at("attn.k_proj"), d_model, d_model, false),
                v: LinearNames::linear(at("attn.v_proj"), d_model, d_model, false),
                o: LinearNames::linear(at("attn.out_proj"), d_model, d_model, false),
                mlp: MlpNames::Dense(DenseNames {
                    gate: None,
                    up: LinearNames::linear(at("mlp.fc_in"), d_model, d_mlp, true),
                    down: LinearNames::linear(at("mlp.fc_out"), d_mlp, d_model, true),
                }),
            }
        };
        Ok(ModelNames {
            tokens: "transformer.wte.weight".into(),
            positions: None,
            blocks: (0..facts.n_layers).map(block).collect(),
            other_blocks: None,
            ln_final: NormNames::layer("transformer.ln_f".into(), facts.d_model),
            // Where the matrix is the embedding's, the bias is the head's own all the same.
            unembed: LinearNames::linear("lm_head".into(), d_model, facts.n_vocab, true),
            prefix: "transformer.",
            buffers: &[".attn.bias", ".attn.masked_bias", ".attn.embed_positions"],
            aliases: &[],
        })
    }
}
