//! GPT-J.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, Norm, NormKind, Pairing, Positions, Residual, Rotary};
use super::super::rope::{Rope, Scaling};
use super::names::{BlockNames, LinearNames, ModelNames, NormNames};
use super::{Family, even_rotation, even_split};

/// Layer norm, interleaved rotation of part of each head, attention and MLP reading one norm, a biased unembedding.
pub struct GptJ;

impl Family for GptJ {
    fn model_types(&self) -> &'static [&'static str] {
        &["gptj"]
    }

    fn about(&self) -> &'static str {
        "GPT-J: layer norm, interleaved rotation of part of each head, attention and MLP reading one norm"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let d_model = config.size("n_embd")?;
        let n_heads = config.heads("n_head")?;
        if config.names_key("rotary_dim") && config.get("rotary_dim").is_none() {
            return Err(ConfigError("'rotary_dim' is null: write the number of rotated dimensions of a head".into()));
        }
        let rotated = even_rotation(config.size_or("rotary_dim", 64)?)?;
        let rope = Rope { theta: 10_000.0, partial: 1.0, scaling: Scaling::Default };
        Ok(Facts {
            family: "gptj",
            n_layers: config.layers("n_layer")?,
            n_heads,
            n_kv_heads: n_heads,
            d_model,
            d_head: even_split(d_model, n_heads)?,
            d_mlp: config.size_or("n_inner", 4 * d_model)?,
            n_vocab: config.size("vocab_size")?,
            n_ctx: config.size_or("n_positions", 2048)?,
            norm: Norm { kind: NormKind::Layer, eps: config.positive_if("layer_norm_epsilon")?.unwrap_or(1e-5) },
            activation: config.activation("activation_function", "gelu_new")?,
            gated: false,
            positions: Positions::Rotary(Rotary { inv_freq: rope.inv_freq(rotated), pairing: Pairing::Interleaved }),
            residual: Residual::ParallelSharedNorm,
            tied: config.flag_or("tie_word_embeddings", false)?,
        })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let Facts { d_model, d_mlp, .. } = *facts;
        let block = |layer: usize| {
            let at = |name: &str| format!("transformer.h.{layer}.{name}");
            BlockNames {
                ln1: NormNames::layer(at("ln_1")),
                ln2: None,
                q: LinearNames::linear(at("attn.q_proj"), d_model, d_model, false),
                k: LinearNames::linear(at("attn.k_proj"), d_model, d_model, false),
                v: LinearNames::linear(at("attn.v_proj"), d_model, d_model, false),
                o: LinearNames::linear(at("attn.out_proj"), d_model, d_model, false),
                gate: None,
                up: LinearNames::linear(at("mlp.fc_in"), d_model, d_mlp, true),
                down: LinearNames::linear(at("mlp.fc_out"), d_mlp, d_model, true),
            }
        };
        let mut unembed = LinearNames::linear("lm_head".into(), d_model, facts.n_vocab, true);
        if facts.tied {
            unembed.weight = "transformer.wte.weight".into(); // the bias is the head's own all the same
        }
        Ok(ModelNames {
            tokens: "transformer.wte.weight".into(),
            positions: None,
            blocks: (0..facts.n_layers).map(block).collect(),
            ln_final: NormNames::layer("transformer.ln_f".into()),
            unembed,
            prefix: "transformer.",
            buffers: &[".attn.bias", ".attn.masked_bias", ".attn.embed_positions"],
        })
    }
}
