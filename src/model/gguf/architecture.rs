//! From a GGUF file's metadata to architecture facts, and from the names it gives tensors to their roles.

use std::path::Path;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::file::Gguf;
use super::header::Tensor;
use crate::model::checkpoint::Checkpoint;
use crate::model::config::ConfigError;
use crate::model::facts::{Facts, Positions};
use crate::model::family;
use crate::model::family::names::{BlockNames, LinearNames, ModelNames, NormNames};
use crate::model::weights::{Source, TensorInfo, WeightError};

/// An architecture that is read, by its value of `general.architecture`.
struct Architecture {
    name: &'static str,
    /// `model_type` of the family that describes it.
    family: &'static str,
    /// Settings: name after the architecture's, the family's name for it, and whether it must be there.
    settings: &'static [(&'static str, &'static str, bool)],
    /// Whether llama.cpp's converter reorders the rows of q and k, so that pairs of rotated dimensions are neighbours.
    interleaved: bool,
}

const ARCHITECTURES: [Architecture; 4] = [
    Architecture { name: "llama", family: "llama", settings: LLAMA, interleaved: true },
    Architecture { name: "qwen2", family: "qwen2", settings: LLAMA, interleaved: false },
    Architecture { name: "gptneox", family: "gpt_neox", settings: NEOX, interleaved: false },
    Architecture { name: "gpt2", family: "gpt2", settings: GPT2, interleaved: false },
];

/// Names of the architectures that are read.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    ARCHITECTURES.iter().map(|architecture| architecture.name)
}

const LLAMA: &[(&str, &str, bool)] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.head_count_kv", "num_key_value_heads", false),
    ("attention.key_length", "head_dim", false),
    ("attention.layer_norm_rms_epsilon", "rms_norm_eps", true),
    ("attention.sliding_window", "sliding_window", false),
    ("rope.freq_base", "rope_theta", false),
];

const NEOX: &[(&str, &str, bool)] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.layer_norm_epsilon", "layer_norm_eps", true),
    ("use_parallel_residual", "use_parallel_residual", false),
    ("rope.freq_base", "rotary_emb_base", false),
];

const GPT2: &[(&str, &str, bool)] = &[
    ("block_count", "n_layer", true),
    ("embedding_length", "n_embd", true),
    ("feed_forward_length", "n_inner", true),
    ("context_length", "n_positions", true),
    ("attention.head_count", "n_head", true),
    ("attention.layer_norm_epsilon", "layer_norm_epsilon", true),
];

/// Settings that would change the computation in a way that is not built in.
const REFUSED: [&str; 8] = [
    "expert_count",
    "attention.scale",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.logit_softcapping",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "logit_scale",
];

impl Gguf {
    /// The model in the file: its facts, and its weights in the layout that ablate uses. No weight is read.
    ///
    /// # Errors
    /// An architecture or a setting that is not supported; tensors that are missing, unexpected or of wrong shapes.
    pub fn model(self) -> Result<Checkpoint, WeightError> {
        let config = |reason: String| WeightError::config(self.path(), reason);
        let architecture = architecture(&self).map_err(config)?;
        let values = architecture.config(&self).map_err(config)?;
        let (mut facts, _) =
            family::from_config(&Value::Object(values)).map_err(|ConfigError(reason)| config(reason))?;
        self.scale_frequencies(&mut facts)?;
        let names = architecture.names(&facts, |name| self.get(name).is_some());
        let source = Weights::new(self, architecture.interleaved.then_some(facts.d_head));
        Checkpoint::new(facts, names, Box::new(source))
    }

    /// Divides the rotary frequencies by the factors in `rope_freqs.weight`: how the format stores Llama 3.1's scaling.
    fn scale_frequencies(&self, facts: &mut Facts) -> Result<(), WeightError> {
        let (Some(tensor), Positions::Rotary(rotary)) = (self.get(FACTORS), &mut facts.positions) else {
            return Ok(());
        };
        if tensor.shape != [rotary.inv_freq.len()] {
            let (found, expected) = (&tensor.shape, rotary.inv_freq.len());
            let problems = vec![format!("wrong shape: '{FACTORS}' is {found:?}, should be [{expected}]")];
            return Err(WeightError::Mismatch { path: self.path().to_owned(), problems });
        }
        let factors = self.tensor(FACTORS)?;
        rotary.inv_freq.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
        Ok(())
    }
}

/// Tensor of factors of the rotary frequencies.
const FACTORS: &str = "rope_freqs.weight";

fn architecture(gguf: &Gguf) -> Result<&'static Architecture, String> {
    let name = gguf.metadata().text("general.architecture")?;
    let name = name.ok_or("metadata 'general.architecture' is missing")?;
    ARCHITECTURES.iter().find(|known| known.name == name).ok_or_else(|| {
        let known = ARCHITECTURES.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
        format!("architecture '{name}' is not supported in GGUF files; supported: {known}")
    })
}

impl Architecture {
    /// The metadata as the configuration of a Hugging Face model of the same family.
    fn config(&self, gguf: &Gguf) -> Result<Map<String, Value>, String> {
        let metadata = gguf.metadata();
        let key = |setting: &str| format!("{}.{setting}", self.name);
        for setting in REFUSED {
            // "No experts" is how some converters say that there are none.
            if metadata.contains(&key(setting)) && !matches!(metadata.count(&key(setting)), Ok(Some(0))) {
                return Err(format!("metadata '{}': a model with this setting is not supported", key(setting)));
            }
        }
        let mut config = Map::new();
        config.insert("model_type".into(), self.family.into());
        for (setting, name, required) in self.settings {
            match metadata.json(&key(setting))? {
                Some(value) => drop(config.insert((*name).into(), value)),
                None if *required => return Err(format!("metadata '{}' is missing", key(setting))),
                None => {}
            }
        }
        let embedding = gguf.get("token_embd.weight").ok_or("tensor 'token_embd.weight' is missing")?;
        config.insert("vocab_size".into(), embedding.shape.first().copied().unwrap_or_default().into());
        config.insert("tie_word_embeddings".into(), gguf.get("output.weight").is_none().into());
        self.rotation(gguf, &mut config)?;
        Ok(config)
    }

    fn rotation(&self, gguf: &Gguf, config: &mut Map<String, Value>) -> Result<(), String> {
        let metadata = gguf.metadata();
        let key = |setting: &str| format!("{}.{setting}", self.name);
        let heads = metadata.count(&key("attention.head_count"))?.unwrap_or_default();
        let width = metadata.count(&key("embedding_length"))?.unwrap_or_default();
        let even_split = width.checked_div(heads).unwrap_or_default();
        let d_head = metadata.count(&key("attention.key_length"))?.unwrap_or(even_split);
        if let Some(values) = metadata.count(&key("attention.value_length"))?
            && values != d_head
        {
            return Err(format!("heads with {d_head} dimensions for keys and {values} for values are not supported"));
        }
        if let Some(rotated) = metadata.count(&key("rope.dimension_count"))?
            && rotated != d_head
        {
            if self.family != "gpt_neox" || d_head == 0 {
                return Err(format!("{rotated} rotated dimensions of heads with {d_head} are not supported"));
            }
            config.insert("rotary_pct".into(), json!(rotated as f64 / d_head as f64));
        } else if self.family == "gpt_neox" {
            config.insert("rotary_pct".into(), json!(1.0));
        }
        match metadata.text(&key("rope.scaling.type"))? {
            None | Some("none") => {}
            Some("linear") => {
                let factor = metadata.float(&key("rope.scaling.factor"))?;
                let factor = factor.ok_or_else(|| format!("metadata '{}' is missing", key("rope.scaling.factor")))?;
                config.insert("rope_scaling".into(), json!({ "rope_type": "linear", "factor": factor }));
            }
            Some(other) => {
                let key = key("rope.scaling.type");
                return Err(format!("metadata '{key}' is '{other}', which is not supported; supported: none, linear"));
            }
        }
        if metadata.contains(&key("rope.scale_linear")) {
            return Err(format!(
                "metadata '{}' is of an old converter; convert the model anew",
                key("rope.scale_linear")
            ));
        }
        Ok(())
    }

    /// Where each weight is; `there` tells the biases that the file has.
    fn names(&self, facts: &Facts, there: impl Fn(&str) -> bool) -> ModelNames {
        let (d_model, d_mlp) = (facts.d_model, facts.d_mlp);
        let (d_q, d_kv) = (facts.n_heads * facts.d_head, facts.n_kv_heads * facts.d_head);
        let linear = |name: String, inputs, outputs| {
            let bias = there(&format!("{name}.bias"));
            LinearNames::linear(name, inputs, outputs, bias)
        };
        let norm = |name: String| {
            if self.has_shifts() { NormNames::layer(name) } else { NormNames::rms(name) }
        };
        let block = |layer: usize| {
            let at = |name: &str| format!("blk.{layer}.{name}");
            let fused = linear(at("attn_qkv"), d_model, d_q + 2 * d_kv);
            let part = |name, from: usize, width: usize| {
                if self.has_shifts() {
                    fused.clone().taking(std::iter::once(from..from + width))
                } else {
                    linear(at(name), d_model, width)
                }
            };
            BlockNames {
                ln1: norm(at("attn_norm")),
                ln2: Some(norm(at("ffn_norm"))),
                q: part("attn_q", 0, d_q),
                k: part("attn_k", d_q, d_kv),
                v: part("attn_v", d_q + d_kv, d_kv),
                o: linear(at("attn_output"), d_q, d_model),
                gate: facts.gated.then(|| linear(at("ffn_gate"), d_model, d_mlp)),
                up: linear(at("ffn_up"), d_model, d_mlp),
                down: linear(at("ffn_down"), d_mlp, d_model),
            }
        };
        let unembed = if facts.tied { "token_embd" } else { "output" };
        ModelNames {
            tokens: "token_embd.weight".into(),
            positions: (facts.positions == Positions::Learned).then(|| "position_embd.weight".into()),
            blocks: (0..facts.n_layers).map(block).collect(),
            ln_final: norm("output_norm".into()),
            unembed: linear(unembed.into(), d_model, facts.n_vocab),
            prefix: "",
            buffers: &[],
        }
    }

    /// Whether norms are layer norms and q, k and v are one matrix: the GPT lineage.
    fn has_shifts(&self) -> bool {
        matches!(self.family, "gpt2" | "gpt_neox")
    }
}

/// The tensors of a file, with q and k in the order of rows that Hugging Face has.
struct Weights {
    gguf: Gguf,
    tensors: IndexMap<String, TensorInfo>,
    /// Width of a head, where the rows of q and k were reordered.
    interleaved: Option<usize>,
}

impl Weights {
    fn new(gguf: Gguf, interleaved: Option<usize>) -> Self {
        let info = |tensor: &Tensor| TensorInfo { shape: tensor.shape.clone(), stored: tensor.quant.stored() };
        let tensors = gguf.all().filter(|(name, _)| *name != FACTORS);
        let tensors = tensors.map(|(name, tensor)| (name.to_owned(), info(tensor))).collect();
        Self { gguf, tensors, interleaved }
    }
}

impl Source for Weights {
    fn path(&self) -> &Path {
        self.gguf.path()
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let tensor = self.gguf.find(name)?;
        if start.checked_add(out.len()).is_none_or(|end| end > tensor.elements()) {
            let problem = format!("'{name}' has {} elements, {} are wanted from {start}", tensor.elements(), out.len());
            return Err(WeightError::format(self.path(), problem));
        }
        match self.interleaved {
            Some(d_head) if name.contains(".attn_q.") || name.contains(".attn_k.") => {
                let width = if tensor.shape.len() > 1 { tensor.shape.iter().skip(1).product() } else { 1 };
                let (mut at, mut out) = (start, out);
                while !out.is_empty() {
                    let (row, column) = (at / width, at % width);
                    let (part, rest) = out.split_at_mut((width - column).min(out.len()));
                    self.gguf.read(tensor, stored_row(row, d_head) * width + column, part)?;
                    at += part.len();
                    out = rest;
                }
                Ok(())
            }
            _ => self.gguf.read(tensor, start, out),
        }
    }
}

/// Where a row of q or k lies: in each head, the file has dimensions i and i + d_head/2 as neighbours.
fn stored_row(row: usize, d_head: usize) -> usize {
    let (head, dimension, half) = (row / d_head, row % d_head, d_head / 2);
    head * d_head + 2 * (dimension % half) + dimension / half
}
