//! Model families: each maps a configuration to [`Facts`] and to the names of its weights. A new family is one file
//! here and one line in `FAMILIES`.

mod ablate;
mod gemma2;
mod gemma3;
mod gpt2;
mod gpt_neox;
mod gptj;
mod llama;
mod mistral;
mod mixtral;
mod mixture;
pub mod names;
mod olmo2;
mod olmo3;
mod olmoe;
mod phi3;
mod qwen2;
mod qwen3;
mod qwen3_moe;
mod reading;
mod smollm3;

use super::config::{Config, ConfigError};
use super::facts::Facts;
use names::ModelNames;
use reading::Family;

/// Every family.
static FAMILIES: [&dyn Family; 17] = [
    &llama::Llama,
    &mistral::Mistral,
    &qwen2::Qwen2,
    &qwen3::Qwen3,
    &gemma2::Gemma2,
    &gemma3::Gemma3,
    &olmo2::Olmo2,
    &olmo3::Olmo3,
    &mixtral::Mixtral,
    &qwen3_moe::Qwen3Moe,
    &olmoe::Olmoe,
    &phi3::Phi3,
    &smollm3::SmolLm3,
    &gpt_neox::GptNeoX,
    &gptj::GptJ,
    &gpt2::Gpt2,
    &ablate::Ablate,
];

/// Values of `model_type` that are supported.
pub fn supported() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.model_types().iter().copied())
}

/// Each family's name and a line about it.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    FAMILIES.iter().filter_map(|family| Some((*family.model_types().first()?, family.about())))
}

/// The names of the families, as [`Facts::family`] has them.
pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().filter_map(|family| family.model_types().first().copied())
}

/// What a configuration describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The architecture.
    pub facts: Facts,
    /// Where its weights are stored.
    pub names: ModelNames,
    /// What a user should know of how the configuration was read.
    pub notes: Vec<String>,
}

/// What a configuration describes: the architecture and where its weights are stored.
///
/// # Errors
/// When the configuration's family is unknown, or a setting is missing, wrong or not supported.
pub fn from_config(config: &serde_json::Value) -> Result<Description, ConfigError> {
    let whole = Config::new(config)?;
    refuse_for_all(&whole)?;
    // Of a model that also sees, the language model's part.
    let config = match whole.object_if("text_config")? {
        Some(text) => text.with_fallback(&whole, &["model_type", "tie_word_embeddings"]),
        None => whole,
    };
    let supported = || supported().collect::<Vec<_>>().join(", ");
    let Some(model_type) = config.text_if("model_type")? else {
        return Err(ConfigError(format!("'model_type' is missing; supported: {}", supported())));
    };
    let Some(family) = FAMILIES.iter().find(|family| family.model_types().contains(&model_type)) else {
        return Err(ConfigError(format!("'model_type' is \"{model_type}\"; supported: {}", supported())));
    };
    let config = config.clone().with_aliases(family.aliases());
    refuse_for_all(&config)?;
    if !family.has_experts() {
        let at_most_one = |value: &serde_json::Value| value.as_u64().is_some_and(|number| number <= 1);
        config.refuse("num_local_experts", at_most_one, "a mixture of experts in this family")?;
        config.refuse("num_experts", at_most_one, "a mixture of experts in this family")?;
    }
    let facts = family.facts(&config)?;
    check(&facts)?;
    let names = family.names(&config, &facts)?;
    Ok(Description { facts, names, notes: config.notes() })
}

/// Settings that would change any family's computation.
fn refuse_for_all(config: &Config) -> Result<(), ConfigError> {
    let off = |value: &serde_json::Value| value.as_bool() == Some(false);
    config.refuse("quantization_config", |_| false, "weights quantised this way (use a GGUF file, or the original)")?;
    config.refuse("alibi", off, "attention with linear biases")?;
    config.refuse("is_encoder_decoder", off, "an encoder")?;
    config.refuse(
        "per_layer_config",
        |layers| layers.as_object().is_some_and(|layers| layers.is_empty()),
        "a layer of its own kind",
    )?;
    config.refuse("add_cross_attention", off, "cross-attention")
}

/// What every family's facts must satisfy for the forward pass to be defined.
fn check(facts: &Facts) -> Result<(), ConfigError> {
    if !facts.n_heads.is_multiple_of(facts.n_kv_heads) {
        return Err(ConfigError(format!(
            "{} query heads cannot share {} key/value heads: the second must divide the first",
            facts.n_heads, facts.n_kv_heads
        )));
    }
    let rotated = match &facts.positions {
        super::facts::PositionEncoding::Rotary(rotary) => {
            rotary.tables().map(|table| 2 * table.inv_freq.len()).max().unwrap_or(0)
        }
        super::facts::PositionEncoding::Learned => 0,
    };
    if rotated > facts.d_head {
        return Err(ConfigError(format!("{rotated} rotated dimensions of a head that has {}", facts.d_head)));
    }
    Ok(())
}
