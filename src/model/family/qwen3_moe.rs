//! Qwen3 with experts: Qwen3's blocks, of which all or some have experts.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Experts, Facts, HeadNorm, Window};
use super::llama::{self, ClassDefaults, LLAMA};
use super::mixture::{self, ExpertWords};
use super::names::ModelNames;
use super::qwen3;
use super::reading::{Family, sliding_window};

/// Qwen3's blocks with experts in all of the layers, or in some.
pub struct Qwen3Moe;

impl Family for Qwen3Moe {
    fn model_types(&self) -> &'static [&'static str] {
        &["qwen3_moe"]
    }

    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &[("num_experts", "num_local_experts")]
    }

    fn has_experts(&self) -> bool {
        true
    }

    fn about(&self) -> &'static str {
        "Qwen3 with experts (30B-A3B, 235B-A22B): Qwen3's blocks with experts in all of the layers, or in some"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        // Absent it is the width's share of a head; `null` is an error in this class.
        config.size_or("head_dim", 1)?;
        let facts = llama::facts("qwen3_moe", config, &QWEN3_MOE)?;
        let tokens = match config.flag_or("use_sliding_window", false)? {
            true => sliding_window(config, Some(4096))?,
            false => None,
        };
        // Of every layer, whatever 'max_window_layers' and 'layer_types' say.
        let window = tokens.map(|tokens| Window { tokens, layers: (0..facts.n_layers).collect() });
        let layers = sparse_layers(config, facts.n_layers)?;
        let width = config.size_or("moe_intermediate_size", 768)?;
        let normalised = config.flag_or("norm_topk_prob", false)?;
        let experts = mixture::experts(config, "num_local_experts", [128, 8], |count, chosen| Experts {
            count,
            chosen,
            width,
            normalised,
            layers,
        })?;
        let experts = Some(experts).filter(|experts| !experts.layers.is_empty());
        Ok(Facts { window, experts, head_norm: Some(HeadNorm::EachHead), ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let words = ExpertWords { holder: "mlp", parts: ["gate_proj", "up_proj", "down_proj"] };
        Ok(mixture::with_experts(qwen3::names(config, facts)?, facts, &words))
    }
}

/// Every 'decoder_sparse_step'th layer, but those of 'mlp_only_layers'.
fn sparse_layers(config: &Config, n_layers: usize) -> Result<Vec<usize>, ConfigError> {
    let step = config.size_or("decoder_sparse_step", 1)?;
    let wrong = || ConfigError("'mlp_only_layers' must be a list of layers".into());
    let dense = match config.get("mlp_only_layers") {
        None => Vec::new(),
        Some(layers) => {
            let layers = layers.as_array().ok_or_else(wrong)?.iter();
            layers.map(|layer| layer.as_u64().ok_or_else(wrong)).collect::<Result<Vec<u64>, _>>()?
        }
    };
    Ok((0..n_layers).filter(|&layer| (layer + 1).is_multiple_of(step) && !dense.contains(&(layer as u64))).collect())
}

/// What transformers' class takes for keys that are absent.
const QWEN3_MOE: ClassDefaults = ClassDefaults {
    vocab_size: 151_936,
    hidden_size: 2048,
    intermediate_size: 6144,
    num_hidden_layers: 24,
    num_key_value_heads: Some(4),
    max_position_embeddings: 32_768,
    ..LLAMA
};
