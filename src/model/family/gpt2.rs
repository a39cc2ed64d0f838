//! GPT-2.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, Norm, NormKind, Positions, Residual};
use super::names::{BlockNames, LinearNames, ModelNames, NormNames};
use super::{Family, even_split};

/// Layer norm, learned positions, matrices stored as `[d_in, d_out]`, q, k and v fused one after the other.
pub struct Gpt2;

impl Family for Gpt2 {
    fn model_types(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn about(&self) -> &'static str {
        "GPT-2: layer norm, learned positions"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let is = |wanted: bool| move |value: &serde_json::Value| value.as_bool() == Some(wanted);
        config.refuse("scale_attn_weights", is(true), "attention without its scale")?;
        config.refuse("scale_attn_by_inverse_layer_idx", is(false), "attention scaled by layer")?;
        let d_model = config.size("n_embd")?;
        let n_heads = config.heads("n_head")?;
        Ok(Facts {
            family: "gpt2",
            n_layers: config.layers("n_layer")?,
            n_heads,
            n_kv_heads: n_heads,
            d_model,
            d_head: even_split(d_model, n_heads)?,
            d_mlp: config.size_or("n_inner", 4 * d_model)?,
            n_vocab: config.size("vocab_size")?,
            n_ctx: config.size_or("n_positions", 1024)?,
            norm: Norm { kind: NormKind::Layer, eps: config.positive_if("layer_norm_epsilon")?.unwrap_or(1e-5) },
            activation: config.activation("activation_function", "gelu_new")?,
            gated: false,
            positions: Positions::Learned,
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
                ln1: NormNames::layer(at("ln_1")),
                ln2: Some(NormNames::layer(at("ln_2"))),
                q: part(0),
                k: part(1),
                v: part(2),
                o: linear("attn.c_proj", d_model, d_model),
                gate: None,
                up: linear("mlp.c_fc", d_model, d_mlp),
                down: linear("mlp.c_proj", d_mlp, d_model),
            }
        };
        let unembed = if facts.tied { "transformer.wte" } else { "lm_head" };
        Ok(ModelNames {
            tokens: "transformer.wte.weight".into(),
            positions: Some("transformer.wpe.weight".into()),
            blocks: (0..facts.n_layers).map(block).collect(),
            ln_final: NormNames::layer("transformer.ln_f".into()),
            unembed: LinearNames::linear(unembed.into(), d_model, facts.n_vocab, false),
            prefix: "transformer.",
            buffers: &[".attn.bias", ".attn.masked_bias"],
        })
    }
}
