//! From a GGUF file's metadata to architecture facts, and from the names it gives tensors to their roles.

use std::path::Path;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::file::Gguf;
use super::header::GgufTensor;
use super::rotation;
use crate::model::checkpoint::Checkpoint;
use crate::model::config::ConfigError;
use crate::model::facts::{Facts, PositionEncoding, Window};
use crate::model::family::names::{BlockNames, LinearNames, ModelNames, NormNames};
use crate::model::family::{self, Description};
use crate::model::weights::{TensorInfo, WeightError, WeightSource};

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
];

const NEOX: &[(&str, &str, bool)] = &[
    ("block_count", "num_hidden_layers", true),
    ("embedding_length", "hidden_size", true),
    ("feed_forward_length", "intermediate_size", true),
    ("context_length", "max_position_embeddings", true),
    ("attention.head_count", "num_attention_heads", true),
    ("attention.layer_norm_epsilon", "layer_norm_eps", true),
    ("use_parallel_residual", "use_parallel_residual", false),
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

impl Gguf {
    /// The model in the file: its facts, and its weights in the layout that ablate uses. No weight is read.
    ///
    /// # Errors
    /// An architecture or a setting that is not supported; tensors that are missing, unexpected or of wrong shapes.
    pub fn model(self) -> Result<Checkpoint, WeightError> {
        let config = |reason: String| WeightError::config(self.path(), reason);
        let architecture = architecture(&self).map_err(config)?;
        let values = architecture.config(&self).map_err(config)?;
        let described = family::from_config(&Value::Object(values)).map_err(|ConfigError(reason)| config(reason))?;
        let mut facts = described.facts;
        self.scale_frequencies(&mut facts)?;
        if let Some(tokens) = architecture.window(&self).map_err(config)? {
            facts.window = Some(Window { tokens, layers: (0..facts.n_layers).collect() });
        }
        let names = architecture.names(&facts, |name| self.get(name).is_some());
        for expected in names.expected(facts.n_vocab, facts.n_ctx, facts.d_model) {
            if self.get(&expected.name).is_some() {
                self.readable(&expected.name)?;
            }
        }
        let source = GgufWeights::new(self, architecture.interleaved.then_some(facts.d_head));
        let described = Description { facts, names, notes: described.notes };
        Checkpoint::new(described, Box::new(source))
    }

    /// Divides the rotary frequencies by the factors in `rope_freqs.weight`: how the format stores Llama 3.1's scaling.
    fn scale_frequencies(&self, facts: &mut Facts) -> Result<(), WeightError> {
        let (Some(tensor), PositionEncoding::Rotary(rotary)) = (self.get(FACTORS), &mut facts.positions) else {
            return Ok(());
        };
        let frequencies = &mut rotary.table.inv_freq;
        if tensor.shape != [frequencies.len()] {
            let (found, expected) = (&tensor.shape, frequencies.len());
            let problems = vec![format!("wrong shape: '{FACTORS}' is {found:?}, should be [{expected}]")];
            return Err(WeightError::Mismatch { path: self.path().to_owned(), problems });
        }
        let factors = self.tensor(FACTORS)?;
        if let Some(factor) = factors.iter().find(|factor| !(factor.is_finite() && **factor > 0.0)) {
            return Err(WeightError::format(self.path(), format!("'{FACTORS}' holds {factor}, which is no factor")));
        }
        frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
        Ok(())
    }
}

/// Tensor of factors of the rotary frequencies.
const FACTORS: &str = "rope_freqs.weight";

/// What other kinds of files the format is used for, by `general.type`.
const OTHER_KINDS: [(&str, &str); 4] = [
    ("adapter", "an adapter (LoRA), not a model: merge it into its base model and convert that"),
    ("mmproj", "the image part of a model: give the file of its language model"),
    ("imatrix", "statistics for quantising, not a model"),
    ("vocab", "a vocabulary without a model"),
];

fn architecture(gguf: &Gguf) -> Result<&'static Architecture, String> {
    let kind = gguf.metadata().text("general.type")?.unwrap_or("model");
    if let Some((_, what)) = OTHER_KINDS.iter().find(|(other, _)| *other == kind) {
        return Err(format!("metadata 'general.type' is '{kind}': {what}"));
    }
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
            // Nought is how some converters say that there is none.
            if metadata.contains(&key(setting)) && !matches!(metadata.number(&key(setting)), Ok(Some(0.0))) {
                return Err(format!("metadata '{}': a model with this setting is not supported", key(setting)));
            }
        }
        if metadata.bool(&key("attention.causal"))? == Some(false) {
            return Err(format!(
                "metadata '{}': attention to what comes after is not supported",
                key("attention.causal")
            ));
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
        // Silence means as many as there are heads, whatever the family's class takes.
        config.entry("num_key_value_heads").or_insert(Value::Null);
        config.insert("tie_word_embeddings".into(), gguf.get("output.weight").is_none().into());
        if self.family == "gpt2" {
            return Ok(config);
        }
        rotation::read(metadata, self.name, self.family, &mut config)?;
        Ok(config)
    }

    /// The window of attention, of all layers where there is one.
    fn window(&self, gguf: &Gguf) -> Result<Option<usize>, String> {
        Ok(gguf
            .metadata()
            .count(&format!("{}.attention.sliding_window", self.name))?
            .and_then(|tokens| usize::try_from(tokens).ok())
            .filter(|&tokens| tokens > 0))
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
            if self.has_shifts() { NormNames::layer(name, d_model) } else { NormNames::rms(name, d_model) }
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
                ln1: Some(norm(at("attn_norm"))),
                ln1_post: None,
                ln2_post: None,
                q_norm: None,
                k_norm: None,
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
        ModelNames {
            tokens: "token_embd.weight".into(),
            positions: (facts.positions == PositionEncoding::Learned).then(|| "position_embd.weight".into()),
            blocks: (0..facts.n_layers).map(block).collect(),
            ln_final: norm("output_norm".into()),
            unembed: linear("output".into(), d_model, facts.n_vocab),
            prefix: "",
            buffers: &[".attn_rot_embd", ".attn_rot_embd.weight"],
            aliases: &[],
        }
    }

    /// Whether norms are layer norms and q, k and v are one matrix: the GPT lineage.
    fn has_shifts(&self) -> bool {
        matches!(self.family, "gpt2" | "gpt_neox")
    }
}

/// The tensors of a file, with q and k in the order of rows that Hugging Face has.
struct GgufWeights {
    gguf: Gguf,
    tensors: IndexMap<String, TensorInfo>,
    /// Width of a head, where the rows of q and k were reordered.
    interleaved: Option<usize>,
}

impl GgufWeights {
    fn new(gguf: Gguf, interleaved: Option<usize>) -> Self {
        let info = |tensor: &GgufTensor| TensorInfo { shape: tensor.shape.clone(), stored: tensor.quant.stored() };
        let tensors = gguf.all().filter(|(name, _)| *name != FACTORS);
        let tensors = tensors.map(|(name, tensor)| (name.to_owned(), info(tensor))).collect();
        Self { gguf, tensors, interleaved }
    }
}

impl WeightSource for GgufWeights {
    fn path(&self) -> &Path {
        self.gguf.path()
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let tensor = self.gguf.readable(name)?;
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
