//! Mistral: Llama's blocks with a window.

use super::super::config::{Config, ConfigError};
use super::super::facts::Facts;
use super::llama::{self, Biases, ClassDefaults, LLAMA};
use super::names::ModelNames;
use super::reading::{Family, sliding_layers, sliding_window, window};

/// Llama's blocks with a window in every layer, in some, or in none.
pub struct Mistral;

impl Family for Mistral {
    fn model_types(&self) -> &'static [&'static str] {
        &["mistral", "ministral"]
    }

    fn about(&self) -> &'static str {
        "Mistral 7B and what follows it: Llama's blocks with a window in every layer, or in none"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        // `null` is a number of heads in the other classes, and an error in this one.
        config.size_or("num_key_value_heads", 8)?;
        let facts = llama::facts("mistral", config, &MISTRAL)?;
        // The class has a window for a configuration that is silent, and none for `null`. A file with 'layer_types' is read by
        // another class, Ministral's, which obeys them and is the same otherwise; saved by it, it is a "ministral".
        let tokens = sliding_window(config, Some(4096))?;
        let layers = sliding_layers(config, facts.n_layers, |_| tokens.is_some())?;
        Ok(Facts { window: window(tokens, layers, "'sliding_window'")?, ..facts })
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        Ok(llama::names(facts, Biases::NONE))
    }
}

const MISTRAL: ClassDefaults = ClassDefaults {
    intermediate_size: 14_336,
    num_key_value_heads: Some(8),
    max_position_embeddings: 131_072,
    ..LLAMA
};
