//! Qwen2 and 2.5: Llama's blocks with biases on queries, keys and values.

use super::super::config::{Config, ConfigError};
use super::super::facts::Facts;
use super::Family;
use super::llama::{self, Biases};
use super::names::ModelNames;

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
        let facts = llama::facts("qwen2", config)?;
        let window =
            if config.flag_or("use_sliding_window", false)? { config.size_if("sliding_window")? } else { None };
        llama::refuse_window(config, window, facts.n_ctx)?;
        Ok(facts)
    }

    fn names(&self, _: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        Ok(llama::names(facts, Biases { qkv: true, o: false, mlp: false }))
    }
}
