//! GPT-2.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, NormPlaces, PositionEncoding, Residual, ScoreScale, SoftCaps};
use super::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames, NormNames};
use super::reading::{Family, even_split, unread_rotation};
use crate::kernel::{NormFunction, NormKind};

/// Other names of keys, which transformers obeys too.
pub(super) const ALIASES: [(&str, &str); 4] = [
    ("hidden_size", "n_embd"),
    ("num_attention_heads", "n_head"),
    ("num_hidden_layers", "n_layer"),
    ("max_position_embeddings", "n_positions"),
];

/// Layer norm, learned positions, matrices stored as `[d_in, d_out]`, q, k and v fused one after the other.
pub struct Gpt2;

impl Family for Gpt2 {
    fn model_types(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &ALIASES
    }

    fn about(&self) -> &'static str {
        "GPT-2: layer norm, learned positions"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        unread_rotation(config, "gpt2");
        let d_model = config.size_or("n_embd", 768)?;
        let n_heads = config.heads_or("n_head", 12)?;
        Ok(Facts {
            family: "gpt2",
            n_layers: config.layers_or("n_layer", 12)?,
            n_heads,
            n_kv_heads: n_heads,
            d_model,
            d_head: even_split(d_model, n_heads)?,
            d_mlp: config.size_if("n_inner")?.unwrap_or(4 * d_model),
            n_vocab: config.size_or("vocab_size", 50_257)?,
            n_ctx: config.size_or("n_positions", 1024)?,
            norm: NormFunction {
                kind: NormKind::Layer,
                eps: config.positive_or("layer_norm_epsilon", 1e-5)?,
                wide_scale: false,
            },
            norms: NormPlaces::Before,
            head_norm: None,
            activation: config.activation("activation_function", "gelu_new")?,
            gated: false,
            positions: PositionEncoding::Learned,
            bounded: true,
            window: None,
            scores: ScoreScale {
                over_root_of: (!config.flag_or("scale_attn_weights", true)?).then_some(1.0),
                by_layer: config.flag_or("scale_attn_by_inverse_layer_idx", false)?,
            },
            caps: SoftCaps::NONE,
            clip: None,
            experts: None,
            embed_factor: 1.0,
            residual: Residual::Sequential,
            tied: config.flag_or("tie_word_embeddings", true)?,
        })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let Facts { d_model, d_mlp, .. } = *facts;
        let block = |layer: usize| {
            let at = |name: &str| format!("transformer.h.{layer}.{name}");
            let linear = |name, inputs, outputs| LinearNames::linear(at(name), inputs, outputs, true).transposed();
            let part = |part: usize| {
                linear("attn.c_attn", d_model, 3 * d_model)
                    .taking(std::iter::once(part * d_model..(part + 1) * d_model))
            };
            BlockNames {
                ln1: Some(NormNames::layer(at("ln_1"), facts.d_model)),
                ln2: Some(NormNames::layer(at("ln_2"), facts.d_model)),
                ln1_post: None,
                ln2_post: None,
                q_norm: None,
                k_norm: None,
                q: part(0),
                k: part(1),
                v: part(2),
                o: linear("attn.c_proj", d_model, d_model),
                mlp: MlpNames::Dense(DenseNames {
                    gate: None,
                    up: linear("mlp.c_fc", d_model, d_mlp),
                    down: linear("mlp.c_proj", d_mlp, d_model),
                }),
            }
        };
        Ok(ModelNames {
            tokens: "transformer.wte.weight".into(),
            positions: Some("transformer.wpe.weight".into()),
            blocks: (0..facts.n_layers).map(block).collect(),
            other_blocks: None,
            ln_final: NormNames::layer("transformer.ln_f".into(), facts.d_model),
            unembed: LinearNames::linear("lm_head".into(), d_model, facts.n_vocab, false),
            prefix: "transformer.",
            buffers: &[".attn.bias", ".attn.masked_bias"],
            aliases: &[],
        })
    }
}
