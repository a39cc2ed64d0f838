//! Rotary embeddings from a GGUF file's metadata. A key that is absent means what llama.cpp takes it for.

use serde_json::{Map, Value, json};

use super::metadata::Metadata;

/// Tensor of factors of the rotary frequencies.
pub(super) const FREQUENCY_FACTORS: &str = "rope_freqs.weight";
/// Tensors of the divisors of the frequencies of short and of long prompts.
pub(super) const SHORT_FACTORS: &str = "rope_factors_short.weight";
pub(super) const LONG_FACTORS: &str = "rope_factors_long.weight";
/// Tensors that belong to the rotation and are no weights.
pub(super) const FACTORS: [&str; 3] = [FREQUENCY_FACTORS, SHORT_FACTORS, LONG_FACTORS];

/// Divisors of the frequencies of short and of long prompts.
pub(super) struct LongFactors {
    pub short: Vec<f32>,
    pub long: Vec<f32>,
}

/// Keys after the architecture's name that change the rotation in a way that is not built in, with the values that do not.
const REFUSED: [(&str, &[f64]); 2] = [("rope.scaling.alpha", &[0.0]), ("rope.scaling.yarn_log_multiplier", &[0.0])];

/// How the configuration of an architecture's family says what a file does of rotation.
pub(super) struct RotationConvention {
    /// Key of the base.
    pub base: &'static str,
    /// Key of the share of each head that is rotated; without one, heads are rotated whole.
    pub share: Option<&'static str>,
    pub heads: HeadWidth,
    /// Base of layers with a window where the file says none, in families that rotate them apart.
    pub windowed: Option<LocalBase>,
    /// Whether it has divisors of the frequencies, and the context before them as a key of its own.
    pub longrope: bool,
}

/// What a configuration says of the width of a head.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadWidth {
    /// As much as the file: silence means that heads share the model's width.
    AsFile,
    /// Always something, for the class has a width of its own where the configuration is silent.
    Written,
    /// Nothing: heads share the model's width.
    Even,
}

/// Base of layers with a window.
#[derive(Clone, Copy)]
pub(super) enum LocalBase {
    /// That of all layers.
    OfAll,
    Own(f64),
}

/// What most have, and have in common with llama.
pub(super) const USUAL: RotationConvention =
    RotationConvention { base: "rope_theta", share: None, heads: HeadWidth::AsFile, windowed: None, longrope: false };

/// The metadata of one architecture.
struct RotationKeys<'m> {
    metadata: &'m Metadata,
    architecture: &'m str,
}

impl RotationKeys<'_> {
    fn name(&self, setting: &str) -> String {
        format!("{}.rope.{setting}", self.architecture)
    }

    fn number(&self, setting: &str) -> Result<Option<f64>, String> {
        self.metadata.number(&self.name(setting))
    }

    /// Refuses any value of a setting but `neutral`.
    fn only(&self, setting: &str, neutral: &[f64]) -> Result<(), String> {
        match self.number(setting)? {
            Some(value) if !neutral.contains(&value) => {
                let key = self.name(setting);
                Err(format!("metadata '{key}' is {value}: a model with this setting is not supported"))
            }
            _ => Ok(()),
        }
    }
}

/// Writes what the metadata of `architecture` say of rotation into `config`, by the convention of its family.
pub(super) fn read(
    metadata: &Metadata,
    architecture: &str,
    convention: &RotationConvention,
    factors: Option<LongFactors>,
    config: &mut Map<String, Value>,
) -> Result<(), String> {
    let keys = RotationKeys { metadata, architecture };
    let sections = keys.name("dimension_sections");
    if metadata.contains(&sections) {
        return Err(format!("metadata '{sections}': rotation in sections is not supported"));
    }
    for (setting, neutral) in REFUSED {
        keys.only(setting.trim_start_matches("rope."), neutral)?;
    }
    heads(metadata, architecture, convention, config)?;
    let base = keys.number("freq_base")?.unwrap_or(10_000.0);
    let scaling = scaling(&keys, factors)?;
    if let Some(silent) = convention.windowed {
        // Layers with a window are rotated as without the scaling, and may have a base of their own.
        let silent = match silent {
            LocalBase::OfAll => base,
            LocalBase::Own(own) => own,
        };
        let local = keys.number("freq_base_swa")?.unwrap_or(silent);
        let mut full = scaling.unwrap_or_else(|| json!({ "rope_type": "default" }));
        full["rope_theta"] = json!(base);
        let sliding = json!({ "rope_type": "default", "rope_theta": local });
        config.insert("rope_parameters".into(), json!({ "full_attention": full, "sliding_attention": sliding }));
        return Ok(());
    }
    keys.only("freq_base_swa", &[base])?;
    config.insert(convention.base.into(), json!(base));
    if let Some(scaling) = scaling {
        config.insert("rope_scaling".into(), scaling);
    }
    if convention.longrope {
        let original = metadata.count(&keys.name("scaling.original_context_length"))?;
        let original = original.map(Value::from).or_else(|| config.get("max_position_embeddings").cloned());
        config.insert("original_max_position_embeddings".into(), original.unwrap_or(Value::Null));
    }
    Ok(())
}

/// The change of the frequencies for longer contexts, as a section of a configuration.
fn scaling(keys: &RotationKeys, factors: Option<LongFactors>) -> Result<Option<Value>, String> {
    let kind = keys.metadata.text(&keys.name("scaling.type"))?;
    if let Some(LongFactors { short, long }) = factors {
        if !matches!(kind, None | Some("longrope" | "none")) {
            let key = keys.name("scaling.type");
            return Err(format!("metadata '{key}' is '{}' beside '{SHORT_FACTORS}'", kind.unwrap_or_default()));
        }
        let magnitude = keys.number("scaling.attn_factor")?.unwrap_or(1.0);
        return Ok(Some(json!({
            "rope_type": "longrope", "short_factor": short, "long_factor": long, "attention_factor": magnitude
        })));
    }
    keys.only("scaling.attn_factor", &[1.0])?;
    let factor = match keys.number("scaling.factor")? {
        Some(factor) => Some(factor),
        // The name of the first converters.
        None => keys.number("scale_linear")?,
    };
    // Stretched by one, it is not stretched.
    let factor = factor.filter(|factor| !matches!(factor, 0.0 | 1.0));
    match (kind.unwrap_or("linear"), factor) {
        ("yarn", Some(factor)) => yarn(keys, factor).map(Some),
        ("none" | "linear" | "yarn", factor) => {
            keys.only("scaling.yarn_attn_factor", &[1.0])?;
            keys.only("scaling.yarn_ext_factor", &[-1.0, 0.0])?;
            let factor = factor.filter(|_| kind != Some("none"));
            Ok(factor.map(|factor| json!({ "rope_type": "linear", "factor": factor })))
        }
        (other, _) => {
            let key = keys.name("scaling.type");
            Err(format!("metadata '{key}' is '{other}', which is not supported here; supported: none, linear, yarn"))
        }
    }
}

/// Yarn by the settings that the converter wrote, as transformers has them; llama.cpp itself reads few of them.
fn yarn(keys: &RotationKeys, factor: f64) -> Result<Value, String> {
    keys.only("scaling.yarn_ext_factor", &[-1.0, 1.0])?;
    let mut section = json!({ "rope_type": "yarn", "factor": factor });
    for (setting, name) in [
        ("scaling.original_context_length", "original_max_position_embeddings"),
        ("scaling.yarn_attn_factor", "attention_factor"),
        ("scaling.yarn_beta_fast", "beta_fast"),
        ("scaling.yarn_beta_slow", "beta_slow"),
    ] {
        if let Some(value) = keys.metadata.json(&keys.name(setting))? {
            section[name] = value;
        }
    }
    Ok(section)
}

/// Width of a head, and how much of it is rotated.
fn heads(
    metadata: &Metadata,
    architecture: &str,
    convention: &RotationConvention,
    config: &mut Map<String, Value>,
) -> Result<(), String> {
    let key = |setting: &str| format!("{architecture}.{setting}");
    let heads = metadata.uniform(&key("attention.head_count"))?.unwrap_or_default();
    let width = metadata.count(&key("embedding_length"))?.unwrap_or_default();
    let even_split = width.checked_div(heads).unwrap_or_default();
    let given = metadata.count(&key("attention.key_length"))?;
    let d_head = given.unwrap_or(even_split);
    if let Some(values) = metadata.count(&key("attention.value_length"))?
        && values != d_head
    {
        return Err(format!("heads with {d_head} dimensions for keys and {values} for values are not supported"));
    }
    if convention.heads == HeadWidth::Even && d_head != even_split {
        return Err(format!(
            "heads with {d_head} dimensions, not {width} / {heads}, are not supported in {architecture}"
        ));
    }
    if convention.heads == HeadWidth::Written && given.is_none() {
        config.insert("head_dim".into(), even_split.into());
    }
    let rotated = metadata.count(&key("rope.dimension_count"))?.unwrap_or(d_head);
    let Some(share) = convention.share else {
        return match rotated == d_head {
            true => Ok(()),
            false => Err(format!("{rotated} rotated dimensions of heads with {d_head} are not supported")),
        };
    };
    if d_head > 0 {
        let part = rotated as f64 / d_head as f64;
        // Families multiply the share by the width and drop what is behind the point.
        let part = if ((part * d_head as f64) as u64) < rotated { part.next_up() } else { part };
        config.insert(share.into(), json!(part));
    }
    Ok(())
}
