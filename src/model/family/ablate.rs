//! ablate's own small model, the one it trains: learned positions, RMS norm, SwiGLU, an unembedding of its own, no biases.
//! Matrices are stored as they are multiplied, `[d_in, d_out]`.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, NormPlaces, PositionEncoding, Residual, ScoreScale, SoftCaps};
use super::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames, NormNames};
use super::reading::Family;
use crate::kernel::{NormFunction, NormKind};

/// The family of models that `ablate` trains.
pub struct Ablate;

impl Family for Ablate {
    fn model_types(&self) -> &'static [&'static str] {
        &["ablate"]
    }

    fn about(&self) -> &'static str {
        "what `ablate`'s own step `train` makes: RMS norm, learned positions, SwiGLU, no biases"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let n_heads = config.heads("n_heads")?;
        Ok(Facts {
            family: "ablate",
            n_layers: config.layers("n_layers")?,
            n_heads,
            n_kv_heads: config.size_or("n_kv_heads", n_heads)?,
            d_model: config.size("d_model")?,
            d_head: config.size("d_head")?,
            d_mlp: config.size("d_mlp")?,
            n_vocab: config.size("vocab_size")?,
            n_ctx: config.size("n_ctx")?,
            norm: NormFunction { kind: NormKind::Rms, eps: config.positive("norm_eps")?, wide_scale: false },
            norms: NormPlaces::Before,
            head_norm: None,
            activation: config.activation("activation", "silu")?,
            gated: true,
            positions: PositionEncoding::Learned,
            bounded: true,
            window: None,
            scores: ScoreScale::STANDARD,
            caps: SoftCaps::NONE,
            clip: None,
            experts: None,
            embed_factor: 1.0,
            residual: Residual::Sequential,
            tied: false,
        })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let (d_model, d_mlp) = (facts.d_model, facts.d_mlp);
        let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
        let linear = |name, inputs, outputs| LinearNames::linear(name, inputs, outputs, false).transposed();
        let block = |layer: usize| {
            let at = |name: &str| format!("blocks.{layer}.{name}");
            BlockNames {
                ln1: Some(NormNames::rms(at("ln1"), facts.d_model)),
                ln2: Some(NormNames::rms(at("ln2"), facts.d_model)),
                ln1_post: None,
                ln2_post: None,
                q_norm: None,
                k_norm: None,
                q: linear(at("q"), d_model, d_q),
                k: linear(at("k"), d_model, d_kv),
                v: linear(at("v"), d_model, d_kv),
                o: linear(at("o"), d_q, d_model),
                mlp: MlpNames::Dense(DenseNames {
                    gate: Some(linear(at("gate"), d_model, d_mlp)),
                    up: linear(at("up"), d_model, d_mlp),
                    down: linear(at("down"), d_mlp, d_model),
                }),
            }
        };
        Ok(ModelNames {
            tokens: "embed.weight".into(),
            positions: Some("pos_embed.weight".into()),
            blocks: (0..facts.n_layers).map(block).collect(),
            other_blocks: None,
            ln_final: NormNames::rms("ln_final".into(), facts.d_model),
            unembed: linear("unembed".into(), d_model, facts.n_vocab),
            prefix: "",
            buffers: &[],
            aliases: &[],
        })
    }
}
