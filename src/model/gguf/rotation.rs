//! Rotary embeddings from a GGUF file's metadata. A key that is absent means what llama.cpp takes it for.

use serde_json::{Map, Value, json};

use super::metadata::Metadata;

/// Keys after the architecture's name that change the rotation in a way that is not built in, with the values that do not.
const REFUSED: [(&str, &[f64]); 6] = [
    ("rope.scaling.attn_factor", &[1.0]),
    ("rope.scaling.yarn_attn_factor", &[1.0]),
    ("rope.scaling.yarn_ext_factor", &[-1.0, 0.0]),
    ("rope.scaling.alpha", &[0.0]),
    ("rope.freq_base_swa", &[]),
    ("rope.scaling.yarn_log_multiplier", &[0.0]),
];

/// Writes what the metadata of `architecture` say of rotation into `config`, under the names of `family`.
pub(super) fn read(
    metadata: &Metadata,
    architecture: &str,
    family: &str,
    config: &mut Map<String, Value>,
) -> Result<(), String> {
    let key = |setting: &str| format!("{architecture}.{setting}");
    if metadata.contains(&key("rope.dimension_sections")) {
        return Err(format!("metadata '{}': rotation in sections is not supported", key("rope.dimension_sections")));
    }
    for (setting, neutral) in REFUSED {
        if let Some(value) = metadata.number(&key(setting))?
            && !neutral.contains(&value)
        {
            return Err(format!("metadata '{}' is {value}: a model with this setting is not supported", key(setting)));
        }
    }
    heads(metadata, architecture, family, config)?;
    let base = metadata.number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
    config.insert(if family == "gpt_neox" { "rotary_emb_base" } else { "rope_theta" }.into(), json!(base));
    let factor = match metadata.number(&key("rope.scaling.factor"))? {
        Some(factor) => Some(factor),
        // The name of the first converters.
        None => metadata.number(&key("rope.scale_linear"))?,
    };
    match metadata.text(&key("rope.scaling.type"))?.unwrap_or("linear") {
        "none" => {}
        "linear" => {
            if let Some(factor) = factor.filter(|factor| !matches!(factor, 0.0 | 1.0)) {
                config.insert("rope_scaling".into(), json!({ "rope_type": "linear", "factor": factor }));
            }
        }
        // Stretched by one, it is not stretched.
        "yarn" if factor.is_none_or(|factor| matches!(factor, 0.0 | 1.0)) => {}
        other => {
            let key = key("rope.scaling.type");
            return Err(format!("metadata '{key}' is '{other}', which is not supported; supported: none, linear"));
        }
    }
    Ok(())
}

/// Width of a head, and how much of it is rotated.
fn heads(metadata: &Metadata, architecture: &str, family: &str, config: &mut Map<String, Value>) -> Result<(), String> {
    let key = |setting: &str| format!("{architecture}.{setting}");
    let heads = metadata.uniform(&key("attention.head_count"))?.unwrap_or_default();
    let width = metadata.count(&key("embedding_length"))?.unwrap_or_default();
    let even_split = width.checked_div(heads).unwrap_or_default();
    let d_head = metadata.count(&key("attention.key_length"))?.unwrap_or(even_split);
    if let Some(values) = metadata.count(&key("attention.value_length"))?
        && values != d_head
    {
        return Err(format!("heads with {d_head} dimensions for keys and {values} for values are not supported"));
    }
    if family == "gpt_neox" && d_head != even_split {
        return Err(format!(
            "heads with {d_head} dimensions, not {width} / {heads}, are not supported in {architecture}"
        ));
    }
    let rotated = metadata.count(&key("rope.dimension_count"))?.unwrap_or(d_head);
    if family == "gpt_neox" && d_head > 0 {
        config.insert("rotary_pct".into(), json!(rotated as f64 / d_head as f64));
    } else if family != "gpt2" && rotated != d_head {
        return Err(format!("{rotated} rotated dimensions of heads with {d_head} are not supported"));
    }
    Ok(())
}
