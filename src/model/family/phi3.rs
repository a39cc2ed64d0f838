//! Phi-3 and 4 mini: Llama's blocks with fused projections, partly rotated heads, longrope, a window.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, LayerRotary, Window};
use super::super::rope::{Rope, RopeKeys};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::{BlockNames, DenseNames, LinearNames, MlpNames, ModelNames};
use super::reading::{Family, even_rotation, sliding_window};
use crate::kernel::Pairing;

/// Llama's blocks, fused.
pub struct Phi3;

impl Family for Phi3 {
    fn model_types(&self) -> &'static [&'static str] {
        &["phi3"]
    }

    fn about(&self) -> &'static str {
        "Phi-3, Phi-4-mini: Llama's blocks with fused projections, partly rotated heads, longrope, a window"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let original = config.size_or("original_max_position_embeddings", 4096)?;
        let facts = llama::facts_rotated("phi3", config, &PHI3, |keys, d_head| {
            let rope = Rope::of(config, &RopeKeys { original: Some(original), longrope_alone: true, ..keys })?;
            let rotated = even_rotation((d_head as f64 * rope.partial) as usize)?;
            Ok(LayerRotary::uniform(rope.rotary(rotated, Pairing::HalfSplit)?))
        })?;
        let tokens = sliding_window(config, None)?;
        let window = tokens.map(|tokens| Window { tokens, layers: (0..facts.n_layers).collect() });
        Ok(Facts { window, ..facts })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let (d_model, d_mlp) = (facts.d_model, facts.d_mlp);
        let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
        Ok(llama::names(facts, Biases::NONE).with_blocks(|layer, block| {
            let part = |name: &str, outputs, from, width| {
                let name = format!("model.layers.{layer}.{name}");
                LinearNames::linear(name, d_model, outputs, false).taking(std::iter::once(from..from + width))
            };
            let qkv = |from, width| part("self_attn.qkv_proj", d_q + 2 * d_kv, from, width);
            BlockNames {
                q: qkv(0, d_q),
                k: qkv(d_q, d_kv),
                v: qkv(d_q + d_kv, d_kv),
                mlp: MlpNames::Dense(DenseNames {
                    gate: Some(part("mlp.gate_up_proj", 2 * d_mlp, 0, d_mlp)),
                    up: part("mlp.gate_up_proj", 2 * d_mlp, d_mlp, d_mlp),
                    down: LinearNames::linear(format!("model.layers.{layer}.mlp.down_proj"), d_mlp, d_model, false),
                }),
                ..block
            }
        }))
    }
}

/// What transformers' class takes for keys that are absent.
const PHI3: ClassDefaults = ClassDefaults {
    vocab_size: 32_064,
    hidden_size: 3072,
    intermediate_size: 8192,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    ..LLAMA
};
