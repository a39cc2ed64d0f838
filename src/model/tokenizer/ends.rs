//! Tokens that end a text that a model writes, as the files of its folder name them.

use serde_json::{Map, Value};

/// The ids of `eos_token_id`, one or several: of `generation_config.json`, which alone counts where it is there, as in `generate` of
/// transformers, else of `config.json` or its `text_config`. None where no file says.
pub(super) fn ends(generation: &Map<String, Value>, config: &Map<String, Value>) -> Option<Vec<u32>> {
    const KEY: &str = "eos_token_id";
    let nested = config.get("text_config").and_then(Value::as_object).and_then(|inner| inner.get(KEY));
    let value = generation.get(KEY).or(config.get(KEY)).or(nested)?;
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(several) => Some(several.iter().filter_map(id).collect()),
        one => Some(vec![id(one)?]),
    }
}
