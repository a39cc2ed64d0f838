//! Qwen2 and 2.5: Llama's blocks with biases on queries, keys and values.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, Window};
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::ModelNames;
use super::reading::{Family, sliding_layers, sliding_window, window};

/// Llama's blocks with biased q, k and v.
pub struct Qwen2;

impl Family for Qwen2 {
    fn model_types(&self) -> &'static [&'static str] {
        &["qwen2"]
    }

    fn about(&self) -> &'static str {
        "Qwen2, Qwen2.5: Llama's blocks with biased queries, keys and values"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        // Absent it is the width's share of a head; `null` is an error in this class.
        config.size_or("head_dim", 1)?;
        let facts = llama::facts("qwen2", config, &QWEN2)?;
        let window = qwen_window(config, facts.n_layers)?;
        Ok(Facts { window, ..facts })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        Ok(llama::names(facts, Biases { qkv: true, o: false, mlp: false }))
    }
}

/// What transformers' class takes for keys that are absent.
const QWEN2: ClassDefaults = ClassDefaults {
    vocab_size: 151_936,
    intermediate_size: 22_016,
    num_key_value_heads: Some(32),
    max_position_embeddings: 32_768,
    ..LLAMA
};

/// The window, where it is in use and a layer has it: those that 'layer_types' names, else those from 'max_window_layers' on.
pub(super) fn qwen_window(config: &Config, n_layers: usize) -> Result<Option<Window>, ConfigError> {
    let tokens = match config.flag_or("use_sliding_window", false)? {
        true => sliding_window(config, Some(4096))?,
        false => None,
    };
    let first = match config.get("max_window_layers").map(serde_json::Value::as_u64) {
        _ if config.names_key("layer_types") && config.get("layer_types").is_some() => 0,
        _ if !config.names_key("max_window_layers") => 28,
        Some(Some(first)) => usize::try_from(first).unwrap_or(usize::MAX),
        _ => return Err(ConfigError("'max_window_layers' must be a whole number".into())),
    };
    let layers = sliding_layers(config, n_layers, |layer| tokens.is_some() && layer >= first)?;
    window(tokens, layers, "'use_sliding_window', 'sliding_window'")
}
