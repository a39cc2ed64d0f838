//! The architectures of GGUF files that are read, each as the configuration of the Hugging Face family that it is.

use serde_json::{Map, Value};

use super::file::Gguf;
use super::metadata::Metadata;
use super::rotation::{self, LongFactors};
use super::windows::{self, SlidingLayers};

/// An architecture that is read, by its value of `general.architecture`.
pub(super) struct Architecture {
    pub name: &'static str,
    /// `model_type` of the family that describes it.
    family: &'static str,
    settings: &'static [&'static [GgufSetting]],
    /// Whether llama.cpp's converter reorders the rows of q and k, so that pairs of rotated dimensions are neighbours.
    pub interleaved: bool,
    /// The layers that a window is for.
    sliding: SlidingLayers,
}

/// Name after the architecture's, the family's name for it, and whether it must be there.
type GgufSetting = (&'static str, &'static str, bool);

/// What most have, and have in common with llama.
const USUAL: Architecture = Architecture {
    name: "llama",
    family: "llama",
    settings: &[LLAMA],
    interleaved: false,
    sliding: SlidingLayers::All,
};

const ARCHITECTURES: [Architecture; 10] = [
    Architecture { interleaved: true, ..USUAL },
    Architecture { name: "qwen2", family: "qwen2", ..USUAL },
    Architecture { name: "qwen3", family: "qwen3", ..USUAL },
    Architecture { name: "olmo2", family: "olmo2", sliding: SlidingLayers::AllButEach(4), ..USUAL },
    Architecture {
        name: "gemma2",
        family: "gemma2",
        settings: &[LLAMA, CAPS],
        sliding: SlidingLayers::AllButEach(2),
        ..USUAL
    },
    Architecture {
        name: "gemma3",
        family: "gemma3_text",
        settings: &[LLAMA, &[LOGIT_CAP]],
        sliding: SlidingLayers::AllButEach(6),
        ..USUAL
    },
    Architecture { name: "phi3", family: "phi3", sliding: SlidingLayers::OfFamily, ..USUAL },
    Architecture { name: "smollm3", family: "smollm3", interleaved: true, ..USUAL },
    Architecture { name: "gptneox", family: "gpt_neox", settings: &[NEOX], ..USUAL },
    Architecture { name: "gpt2", family: "gpt2", settings: &[GPT2], ..USUAL },
];

/// Names of the architectures that are read.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES.iter().map(|architecture| architecture.name)
}

const LLAMA: &[GgufSetting] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.head_count_kv", "num_key_value_heads", false),
    ("attention.key_length", "head_dim", false),
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps", true),
];

const LOGIT_CAP: GgufSetting = ("final_logit_softcapping", "final_logit_softcapping", false);
const CAPS: &[GgufSetting] = &[("attn_logit_softcapping", "attn_logit_softcapping", false), LOGIT_CAP];

const NEOX: &[GgufSetting] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.layer_norm_epsilon", "layer_norm_eps", true),
    ("use_parallel_residual", "use_parallel_residual", false),
];

const GPT2: &[GgufSetting] = &[
    ("block_count", "n_layer", true),
    ("embedding_length", "n_embd", true),
    ("feed_forward_length", "n_inner", true),
    ("context_length", "n_positions", true),
    ("attention.head_count", "n_head", true),
    ("attention.layer_norm_epsilon", "layer_norm_epsilon", true),
];

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

/// What other kinds of files the format is used for, by `general.type`.
const OTHER_KINDS: [(&str, &str); 4] = [
    ("adapter", "an adapter (LoRA), not a model: merge it into its base model and convert that"),
    ("mmproj", "the image part of a model: give the file of its language model"),
    ("imatrix", "statistics for quantising, not a model"),
    ("vocab", "a vocabulary without a model"),
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
    /// Of the file with these metadata.
    pub fn of(metadata: &Metadata) -> Result<&'static Self, String> {
        let kind = metadata.text("general.type")?.unwrap_or("model");
        if let Some((_, what)) = OTHER_KINDS.iter().find(|(other, _)| *other == kind) {
            return Err(format!("metadata 'general.type' is '{kind}': {what}"));
        }
        let name = metadata.text("general.architecture")?;
        let name = name.ok_or("metadata 'general.architecture' is missing")?;
        ARCHITECTURES.iter().find(|known| known.name == name).ok_or_else(|| {
            let known = architectures().collect::<Vec<_>>().join(", ");
            format!("architecture '{name}' is not supported in GGUF files; supported: {known}")
        })
    }

    /// The name of a setting of this architecture.
    fn key(&self, setting: &str) -> String {
        format!("{}.{setting}", self.name)
    }

    /// The metadata as the configuration of a Hugging Face model of the same family. `factors`: of the frequencies of phi3.
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
        let found = windows::read(metadata, self.name, self.sliding, &mut config)?;
        // llama.cpp has OLMo 3 as an OLMo 2 with a window.
        let family = if self.name == "olmo2" && found.tokens.is_some() { "olmo3" } else { self.family };
        config.insert("model_type".into(), family.into());
        let mut notes = found.notes;
        if family != "gpt2" {
            rotation::read(metadata, self.name, family, factors, &mut config)?;
        }
        self.scores(metadata, &mut config, &mut notes)?;
        let window = found.tokens.filter(|_| self.sliding == SlidingLayers::All);
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

    /// By what scores are scaled in Gemma 2 and 3, which the files do not say: 1/√d_head, but for the largest model of each,
    /// which llama.cpp knows by its layers (`src/models/gemma2.cpp`, `gemma3.cpp`).
    fn scores(
        &self,
        metadata: &Metadata,
        config: &mut Map<String, Value>,
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        let largest = match self.name {
            "gemma2" => 46,
            "gemma3" => 62,
            _ => return Ok(()),
        };
        let heads = metadata.uniform(&self.key("attention.head_count"))?.unwrap_or_default();
        let width = metadata.count(&self.key("embedding_length"))?.unwrap_or_default();
        let split = width.checked_div(heads).unwrap_or_default();
        let mut scalar = metadata.count(&self.key("attention.key_length"))?.unwrap_or(split);
        if metadata.count(&self.key("block_count"))? == Some(largest) {
            scalar = split;
            notes.push(format!(
                "the file does not say by what scores of attention are scaled; with {largest} layers it is taken for the 27B \
                 model, as by llama.cpp: 1/\u{221a}{split}"
            ));
        }
        config.insert("query_pre_attn_scalar".into(), scalar.into());
        Ok(())
    }
}
