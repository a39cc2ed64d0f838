//! Model families: each maps a configuration to [`Facts`] and to the names of its weights. A new family is one file
//! here and one line in [`FAMILIES`].

pub mod names;

mod ablate;
mod gpt2;
mod gpt_neox;
mod gptj;
mod llama;
mod qwen2;

use super::config::{Config, ConfigError};
use super::facts::Facts;
use names::ModelNames;

/// A kind of model that Hugging Face tells apart by `model_type`.
pub trait Family: Sync {
    /// Its values of `model_type`, first its own name.
    fn model_types(&self) -> &'static [&'static str];

    /// Other names of keys of its configuration, which transformers obeys too, each with the name that is read.
    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Which models are of it and what tells it from others, in a line.
    fn about(&self) -> &'static str;

    /// What a model with this configuration looks like.
    ///
    /// # Errors
    /// When a setting is missing or wrong, or asks for a computation that ablate does not have.
    fn facts(&self, config: &Config) -> Result<Facts, ConfigError>;

    /// Where its weights are stored. `config` has been accepted by [`Family::facts`].
    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError>;
}

/// Every family.
static FAMILIES: [&dyn Family; 6] =
    [&llama::Llama, &qwen2::Qwen2, &gpt_neox::GptNeoX, &gptj::GptJ, &gpt2::Gpt2, &ablate::Ablate];

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
    let config = Config::new(config)?;
    let supported = || supported().collect::<Vec<_>>().join(", ");
    let Some(model_type) = config.text_if("model_type")? else {
        return Err(ConfigError(format!("'model_type' is missing; supported: {}", supported())));
    };
    let Some(family) = FAMILIES.iter().find(|family| family.model_types().contains(&model_type)) else {
        return Err(ConfigError(format!("'model_type' is \"{model_type}\"; supported: {}", supported())));
    };
    let config = config.clone().with_aliases(family.aliases());
    refuse_for_all(&config)?;
    let facts = family.facts(&config)?;
    check(&facts)?;
    let names = family.names(&config, &facts)?;
    Ok(Description { facts, names, notes: config.notes() })
}

/// Settings that would change any family's computation.
fn refuse_for_all(config: &Config) -> Result<(), ConfigError> {
    let off = |value: &serde_json::Value| value.as_bool() == Some(false);
    let at_most_one = |value: &serde_json::Value| value.as_u64().is_some_and(|number| number <= 1);
    config.refuse("quantization_config", |_| false, "weights quantised this way (use a GGUF file, or the original)")?;
    config.refuse("alibi", off, "attention with linear biases")?;
    config.refuse("num_local_experts", at_most_one, "a mixture of experts")?;
    config.refuse("num_experts", at_most_one, "a mixture of experts")?;
    config.refuse("is_encoder_decoder", off, "an encoder")?;
    config.refuse(
        "per_layer_config",
        |layers| layers.as_object().is_some_and(|layers| layers.is_empty()),
        "a layer of its own kind",
    )?;
    config.refuse("add_cross_attention", off, "cross-attention")
}

/// Notes keys of a rotation that a family does not read.
fn unread_rotation(config: &Config, family: &str) {
    for key in ["rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor"] {
        if config.get(key).is_some() {
            config.note(format!("'{key}' is not read in {family}, here and in transformers"));
        }
    }
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
        super::facts::Positions::Rotary(rotary) => 2 * rotary.inv_freq.len(),
        super::facts::Positions::Learned => 0,
    };
    if rotated > facts.d_head {
        return Err(ConfigError(format!("{rotated} rotated dimensions of a head that has {}", facts.d_head)));
    }
    Ok(())
}

/// Width of a head where the configuration does not give it.
fn even_split(d_model: usize, n_heads: usize) -> Result<usize, ConfigError> {
    if d_model.is_multiple_of(n_heads) {
        Ok(d_model / n_heads)
    } else {
        Err(ConfigError(format!("a width of {d_model} cannot be split among {n_heads} heads")))
    }
}

/// Refuses an odd number of rotated dimensions, as they are rotated in pairs, and one beyond any real head's width.
fn even_rotation(rotated: usize) -> Result<usize, ConfigError> {
    const WIDEST_HEAD: usize = 1 << 16;
    if rotated.is_multiple_of(2) && (1..=WIDEST_HEAD).contains(&rotated) {
        Ok(rotated)
    } else {
        Err(ConfigError(format!("{rotated} rotated dimensions of each head: must be even, from 2 to {WIDEST_HEAD}")))
    }
}
