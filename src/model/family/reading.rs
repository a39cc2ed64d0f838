//! What a family has to say of its configuration, and what families have in common in reading one.

use super::names::ModelNames;
use crate::kernel::Pairing;
use crate::model::config::{Config, ConfigError};
use crate::model::facts::{Facts, LayerRotary, Window};
use crate::model::rope::{Rope, RopeKeys};
use serde_json::Value;

/// A kind of model that Hugging Face tells apart by `model_type`.
pub trait Family: Sync {
    /// Its values of `model_type`, first its own name.
    fn model_types(&self) -> &'static [&'static str];

    /// Other names of keys of its configuration, which transformers obeys too, each with the name that is read.
    fn aliases(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether its layers have experts; another family's configuration that names some is refused.
    fn has_experts(&self) -> bool {
        false
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

/// Notes keys of a rotation that a family does not read.
pub(super) fn unread_rotation(config: &Config, family: &str) {
    for key in ["rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor"] {
        if config.get(key).is_some() {
            config.note(format!("'{key}' is not read in {family}, here and in transformers"));
        }
    }
}

/// Width of a head where the configuration does not give it.
pub(super) fn even_split(d_model: usize, n_heads: usize) -> Result<usize, ConfigError> {
    if d_model.is_multiple_of(n_heads) {
        Ok(d_model / n_heads)
    } else {
        Err(ConfigError(format!("a width of {d_model} cannot be split among {n_heads} heads")))
    }
}

/// Refuses an odd number of rotated dimensions, as they are rotated in pairs, and one beyond any real head's width.
pub(super) fn even_rotation(rotated: usize) -> Result<usize, ConfigError> {
    const WIDEST_HEAD: usize = 1 << 16;
    if rotated.is_multiple_of(2) && (1..=WIDEST_HEAD).contains(&rotated) {
        Ok(rotated)
    } else {
        Err(ConfigError(format!("{rotated} rotated dimensions of each head: must be even, from 2 to {WIDEST_HEAD}")))
    }
}

/// Layers whose attention has a window: those that 'layer_types' names, else those that `slides` says.
pub(super) fn sliding_layers(
    config: &Config,
    n_layers: usize,
    slides: impl Fn(usize) -> bool,
) -> Result<Vec<usize>, ConfigError> {
    let Some(types) = config.get("layer_types") else {
        return Ok((0..n_layers).filter(|&layer| slides(layer)).collect());
    };
    let types = types.as_array().filter(|types| types.len() == n_layers);
    let types = types.ok_or_else(|| ConfigError(format!("'layer_types' must be a list of {n_layers} kinds")))?;
    let mut layers = Vec::new();
    for (layer, kind) in types.iter().enumerate() {
        match kind.as_str() {
            Some("full_attention" | "attention") => {}
            Some("sliding_attention") => layers.push(layer),
            _ => return Err(ConfigError(format!("'layer_types' has {kind}: such layers are not supported"))),
        }
    }
    Ok(layers)
}

/// The window of some layers; `advice` names the keys that would say how wide it is.
pub(super) fn window(tokens: Option<usize>, layers: Vec<usize>, advice: &str) -> Result<Option<Window>, ConfigError> {
    match tokens {
        _ if layers.is_empty() => Ok(None),
        Some(tokens) => Ok(Some(Window { tokens, layers })),
        None => {
            let some = layers.len();
            Err(ConfigError(format!(
                "{some} layers attend within a window, and nothing says how wide it is ({advice})"
            )))
        }
    }
}

/// The width of the window under 'sliding_window', where `null` means none: `absent` where the key is not there.
pub(super) fn sliding_window(config: &Config, absent: Option<usize>) -> Result<Option<usize>, ConfigError> {
    if config.names_key("sliding_window") { config.size_if("sliding_window") } else { Ok(absent) }
}

/// A number above 0 under `key`, where `null` means none: `absent` where the key is not there.
pub(super) fn cap(config: &Config, key: &str, absent: Option<f64>) -> Result<Option<f64>, ConfigError> {
    if config.names_key(key) { config.positive_if(key) } else { Ok(absent) }
}

/// Refuses attention to what comes after.
pub(super) fn causal_alone(config: &Config) -> Result<(), ConfigError> {
    let off = |value: &Value| value.as_bool() == Some(false);
    config.refuse("use_bidirectional_attention", off, "attention to what comes after")
}

/// The rotation of layers with full attention and of those with a window, each of its own keys.
pub(super) fn rotary_by_kind(
    config: &Config,
    d_head: usize,
    [full, sliding]: [RopeKeys; 2],
) -> Result<LayerRotary, ConfigError> {
    let table = |keys: &RopeKeys, kind| {
        let rope = Rope::of_kind(config, keys, kind)?;
        let rotated = even_rotation((d_head as f64 * rope.partial) as usize)?;
        rope.rotary(rotated, Pairing::HalfSplit)
    };
    let windowed = Some(table(&sliding, "sliding_attention")?);
    Ok(LayerRotary { windowed, ..LayerRotary::uniform(table(&full, "full_attention")?) })
}
