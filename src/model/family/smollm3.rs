//! SmolLM3: Llama's blocks, every fourth without a rotation.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, LayerRotary, PositionEncoding};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::ModelNames;
use super::reading::{Family, sliding_layers, sliding_window, window};
use serde_json::Value;

/// Llama's blocks, some without a rotation.
pub struct SmolLm3;

impl Family for SmolLm3 {
    fn model_types(&self) -> &'static [&'static str] {
        &["smollm3"]
    }

    fn about(&self) -> &'static str {
        "SmolLM3: Llama's blocks, every fourth without a rotation"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = llama::facts("smollm3", config, &SMOLLM3)?;
        let without = unrotated(config, facts.n_layers)?;
        // 'use_sliding_window' says which layers where 'layer_types' does not; where that does, it is not asked.
        let tokens = sliding_window(config, None)?;
        let slides = config.flag_or("use_sliding_window", false)? && tokens.is_some();
        let layers = sliding_layers(config, facts.n_layers, |layer| slides && without.contains(&layer))?;
        let window = window(tokens, layers, "'sliding_window'")?;
        let positions = match facts.positions {
            PositionEncoding::Rotary(rotary) => PositionEncoding::Rotary(LayerRotary { without, ..rotary }),
            learned => learned,
        };
        Ok(Facts { window, positions, ..facts })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        let biases = Biases::of_attention(config)?;
        Ok(llama::names(facts, Biases { mlp: config.flag_or("mlp_bias", false)?, ..biases }))
    }
}

/// Layers that are not rotated: those with a 0 in 'no_rope_layers', whose name says the contrary, else every
/// 'no_rope_layer_interval'th.
fn unrotated(config: &Config, n_layers: usize) -> Result<Vec<usize>, ConfigError> {
    let Some(rotated) = config.get("no_rope_layers") else {
        let every = config.size_or("no_rope_layer_interval", 4)?;
        return Ok((0..n_layers).filter(|layer| (layer + 1).is_multiple_of(every)).collect());
    };
    let rotated = rotated.as_array().filter(|rotated| rotated.len() == n_layers);
    let rotated: Option<Vec<u64>> = rotated.and_then(|rotated| rotated.iter().map(Value::as_u64).collect());
    let rotated = rotated.filter(|rotated| rotated.iter().all(|&value| value <= 1));
    let rotated = rotated.ok_or_else(|| {
        ConfigError(format!(
            "'no_rope_layers' must be a list of {n_layers} numbers, 1 where a layer is rotated, else 0"
        ))
    })?;
    Ok((0..n_layers).filter(|&layer| rotated[layer] == 0).collect())
}

/// What transformers' class takes for keys that are absent.
const SMOLLM3: ClassDefaults = ClassDefaults {
    vocab_size: 128_256,
    hidden_size: 2048,
    num_hidden_layers: 36,
    num_attention_heads: 16,
    num_key_value_heads: Some(4),
    max_position_embeddings: 32_768,
    rope_theta: 2_000_000.0,
    tie_word_embeddings: true,
    ..LLAMA
};
