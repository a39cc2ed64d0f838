//! Qwen2 and 2.5: Llama's blocks with biases on queries, keys and values.

use super::super::config::{Config, ConfigError};
use super::super::facts::{Facts, Window};
use super::llama::{self, Biases, ClassDefaults};
use super::names::ModelNames;
use super::reading::Family;

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
        let window = window(config, facts.n_layers)?;
        Ok(Facts { window, ..facts })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        Ok(llama::names(facts, Biases { qkv: true, o: false, mlp: false }))
    }
}

/// What transformers' class takes for keys that are absent.
const QWEN2: ClassDefaults = ClassDefaults {
    vocab_size: 151_936,
    hidden_size: 4096,
    intermediate_size: 22_016,
    num_key_value_heads: Some(32),
    max_position_embeddings: 32_768,
};

/// The window, where it is in use and a layer has it: those that 'layer_types' names, else those from 'max_window_layers' on.
fn window(config: &Config, n_layers: usize) -> Result<Option<Window>, ConfigError> {
    let tokens = match (config.flag_or("use_sliding_window", false)?, config.names_key("sliding_window")) {
        (false, _) => None,
        (true, false) => Some(4096),
        (true, true) => config.size_if("sliding_window")?,
    };
    let layers: Vec<usize> = match config.get("layer_types") {
        None => {
            let first = match config.get("max_window_layers").map(serde_json::Value::as_u64) {
                _ if !config.names_key("max_window_layers") => 28,
                Some(Some(first)) => usize::try_from(first).unwrap_or(usize::MAX),
                _ => return Err(ConfigError("'max_window_layers' must be a whole number".into())),
            };
            if tokens.is_some() { (first.min(n_layers)..n_layers).collect() } else { Vec::new() }
        }
        Some(types) => {
            let types = types.as_array().filter(|types| types.len() == n_layers);
            let types =
                types.ok_or_else(|| ConfigError(format!("'layer_types' must be a list of {n_layers} kinds")))?;
            let mut layers = Vec::new();
            for (layer, kind) in types.iter().enumerate() {
                match kind.as_str() {
                    Some("full_attention" | "attention") => {}
                    Some("sliding_attention") => layers.push(layer),
                    _ => return Err(ConfigError(format!("'layer_types' has {kind}: such layers are not supported"))),
                }
            }
            layers
        }
    };
    match tokens {
        _ if layers.is_empty() => Ok(None),
        Some(tokens) => Ok(Some(Window { tokens, layers })),
        None => Err(ConfigError(
            "'layer_types' has \"sliding_attention\", and no window is in use ('use_sliding_window', 'sliding_window')"
                .into(),
        )),
    }
}
