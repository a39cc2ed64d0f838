//! What a GGUF file's metadata describe, as the configuration of the Hugging Face family that it is.

use serde_json::{Map, Value};

use super::architecture::Architecture;
use super::file::Gguf;
use super::metadata::Metadata;
use super::rotation::{self, LongFactors};
use super::windows::{self, SlidingLayers};

/// Settings that would change the computation in a way that is not built in, but for the architectures that have them.
const REFUSED: [&str; 14] = [
    "expert_count",
    "attention.scale",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.logit_softcapping",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "logit_scale",
    "residual_scale",
    "embedding_scale",
    "attention.output_scale",
    "attention.temperature_scale",
    "attention.temperature_length",
    "attention.relative_buckets_count",
];

/// What a file describes, as a configuration.
pub(super) struct Described {
    pub config: Value,
    /// A window of all layers that the configuration does not say, since its family has none.
    pub window: Option<usize>,
    /// What a user should know of how the file was read.
    pub notes: Vec<String>,
}

impl Architecture {
    /// The metadata as the configuration of a Hugging Face model of the same family. `factors`: where the file has them.
    pub fn describe(&self, gguf: &Gguf, factors: Option<LongFactors>) -> Result<Described, String> {
        let metadata = gguf.metadata();
        self.refuse(metadata)?;
        let mut config = Map::new();
        for (setting, name, required) in self.settings.iter().copied().flatten() {
            match metadata.json(&self.key(setting))? {
                // Nought is how a cap says that there is none.
                Some(value) if setting.ends_with("softcapping") && value.as_f64() == Some(0.0) => {
                    config.insert((*name).into(), Value::Null);
                }
                Some(value) => drop(config.insert((*name).into(), value)),
                None if *required => return Err(format!("metadata '{}' is missing", self.key(setting))),
                None => {}
            }
        }
        let embedding = gguf.get("token_embd.weight").ok_or("tensor 'token_embd.weight' is missing")?;
        config.insert("vocab_size".into(), embedding.shape.first().copied().unwrap_or_default().into());
        // Silence means as many as there are heads, whatever the family's class takes.
        config.entry("num_key_value_heads").or_insert(Value::Null);
        config.insert("tie_word_embeddings".into(), gguf.get("output.weight").is_none().into());
        let tokens = windows::tokens(metadata, self.name, &self.window)?;
        let read_as = self.windowed.filter(|_| tokens.is_some()).unwrap_or(self);
        let found = windows::read(metadata, self.name, &read_as.window, tokens, &mut config)?;
        config.insert("model_type".into(), read_as.family.into());
        let mut notes = found.notes;
        if let Some(convention) = &read_as.rotation {
            rotation::read(metadata, self.name, convention, factors, &mut config)?;
        }
        self.scores(metadata, &mut config, &mut notes)?;
        let window = found.tokens.filter(|_| read_as.window.layers == SlidingLayers::All);
        Ok(Described { config: Value::Object(config), window, notes })
    }

    fn refuse(&self, metadata: &Metadata) -> Result<(), String> {
        for setting in
            REFUSED.iter().filter(|setting| !self.settings.iter().copied().flatten().any(|own| own.0 == **setting))
        {
            let key = self.key(setting);
            // Nought is how some converters say that there is none.
            if metadata.contains(&key) && !matches!(metadata.number(&key), Ok(Some(0.0))) {
                return Err(format!("metadata '{key}': a model with this setting is not supported"));
            }
        }
        let key = self.key("attention.causal");
        match metadata.bool(&key)? {
            Some(false) => Err(format!("metadata '{key}': attention to what comes after is not supported")),
            _ => Ok(()),
        }
    }

    /// By what scores are scaled where the files do not say: 1/√d_head, but for the largest model.
    fn scores(
        &self,
        metadata: &Metadata,
        config: &mut Map<String, Value>,
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        let Some(largest) = self.largest else { return Ok(()) };
        let heads = metadata.uniform(&self.key("attention.head_count"))?.unwrap_or_default();
        let width = metadata.count(&self.key("embedding_length"))?.unwrap_or_default();
        let split = width.checked_div(heads).unwrap_or_default();
        let mut scalar = metadata.count(&self.key("attention.key_length"))?.unwrap_or(split);
        if metadata.count(&self.key("block_count"))? == Some(largest) {
            scalar = split;
            notes.push(format!(
                "the file does not say how attention scores are scaled; a model of {largest} layers is taken as the 27B model, as in \
                 llama.cpp: 1/\u{221a}{split}"
            ));
        }
        config.insert("query_pre_attn_scalar".into(), scalar.into());
        Ok(())
    }
}
