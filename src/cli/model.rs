//! `ablate model`: a model's facts.

use crate::Error;
use crate::counted::counted;
use crate::model::facts::{Experts, Facts, HeadNorm, NormPlaces, PositionEncoding, Window};
use crate::model::{Lookup, Model};
use crate::spec::{self, Device, Dtype, Processing};
use clap::Args;
use std::fmt::Write;
use std::path::Path;

/// A model on the command line.
#[derive(Debug, Args)]
pub(super) struct ModelArguments {
    /// Model: builtin:arith, a Hugging Face folder, a .gguf file, hf:owner/name@revision, or random:CONFIG.json#SEED
    source: String,
    /// Device to run on: cpu, cuda:0, gpu:0
    #[arg(long, default_value_t = Device::Cpu)]
    device: Device,
    /// Type of the weights: f32, bf16, f16
    #[arg(long, default_value = "f32", value_parser = dtype)]
    dtype: Dtype,
    /// Fold norms and centre weights first, as specs do by default
    #[arg(long)]
    processed: bool,
    /// Whether to put a beginning-of-text token first. Left out: as the tokenizer does
    #[arg(long, value_name = "true|false")]
    bos: Option<bool>,
}

fn dtype(text: &str) -> Result<Dtype, String> {
    match text {
        "f32" => Ok(Dtype::F32),
        "bf16" => Ok(Dtype::Bf16),
        "f16" => Ok(Dtype::F16),
        _ => Err("write f32, bf16 or f16".into()),
    }
}

/// Paths on a command line start from the current folder.
fn here() -> Lookup<'static> {
    Lookup { base: Path::new(""), checkpoint: None, quiet: false }
}

impl ModelArguments {
    fn spec(&self) -> spec::Model {
        spec::Model {
            device: self.device.into(),
            dtype: self.dtype,
            processing: if self.processed { Processing::default() } else { Processing::NONE },
            bos: self.bos,
            ..spec::Model::of(&self.source)
        }
    }

    pub(super) fn open(&self) -> Result<Model, Error> {
        Model::open(&self.spec(), here()).map_err(Error::refused(format!("model '{}'", self.source)))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate model builtin:arith
  ablate model models/SmolLM2-135M-Instruct.Q4_1.gguf --dtype bf16
  ablate model hf:EleutherAI/pythia-70m@main --json")]
pub(super) struct ModelShowArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: ModelShowArguments) -> Result<(), Error> {
    let source = &arguments.model.source;
    let card = Model::card(&arguments.model.spec(), here()).map_err(Error::refused(format!("model '{source}'")))?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&card).map_err(|error| Error::Print(error.into()))?;
        return super::print::print(&(json + "\n"));
    }
    let facts = &card.facts;
    let heads = match facts.n_kv_heads {
        kv_heads if kv_heads == facts.n_heads => facts.n_heads.to_string(),
        kv_heads => format!("{} (key/value {kv_heads})", facts.n_heads),
    };
    let positions = match &facts.positions {
        PositionEncoding::Learned => "learned".to_string(),
        PositionEncoding::Rotary(rotary) => {
            let windowed = if rotary.windowed.is_some() { ", another in layers with a window" } else { "" };
            let without = match rotary.without.len() {
                0 => String::new(),
                layers => format!(", none in {}", counted(layers, "layer")),
            };
            let rotated = 2 * rotary.table.inv_freq.len();
            format!("rotary, {rotated} of {} dimensions{windowed}{without}", facts.d_head)
        }
    };
    let window = facts.window.as_ref().map(|window| format!("; {}", described(window, facts))).unwrap_or_default();
    let integers = match card.largest_single_token_integer {
        Some(largest) => format!("0..={largest}"),
        None => "none".into(),
    };
    let rows = [
        ("family", facts.family.to_string()),
        ("layers", facts.n_layers.to_string()),
        ("heads", heads),
        ("d_model", facts.d_model.to_string()),
        ("d_head", facts.d_head.to_string()),
        ("d_mlp", mlps(facts)),
        ("vocabulary", facts.n_vocab.to_string()),
        ("positions", format!("{positions}; context {}{window}", facts.n_ctx)),
        ("norms", norms(facts)),
        ("soft caps", soft_caps(facts)),
        ("unembedding", if facts.tied { "tied to the embedding" } else { "its own" }.into()),
        ("parameters", card.parameters.to_string()),
        ("stored as", card.stored_dtype.clone()),
        ("tokenizer", card.tokenizer.clone()),
        ("BOS", card.bos.clone()),
        ("single-token integers", integers),
        ("memory", format!("{:.1} MiB of weights in {}", card.weight_bytes as f64 / 1048576.0, card.dtype)),
    ];
    let mut text = String::new();
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<22} {value}");
    }
    for note in &card.notes {
        let _ = writeln!(text, "note: {note}");
    }
    super::print::print(&text)
}

/// Where norms stand, where that is not before attention and MLP alone.
fn norms(facts: &Facts) -> String {
    let places = match facts.norms {
        NormPlaces::Before => "",
        NormPlaces::After => "after attention and MLP, none before",
        NormPlaces::Around => "before and after attention and MLP",
    };
    let heads = match facts.head_norm {
        None => "",
        Some(HeadNorm::EachHead) => "of queries and keys, head by head",
        Some(HeadNorm::AllHeads) => "of queries and keys, over all heads",
    };
    [places, heads].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// The width of the hidden layer, or of how many experts.
fn mlps(facts: &Facts) -> String {
    let gated = if facts.gated { " (gated)" } else { "" };
    let Some(Experts { count, chosen, width, layers, .. }) = &facts.experts else {
        return format!("{}{gated}", facts.d_mlp);
    };
    let experts = format!("{width}{gated}, {chosen} of {count} experts for each token");
    match facts.n_layers - layers.len() {
        0 => experts,
        others => format!("{experts}; {} in the {} without", facts.d_mlp, counted(others, "layer")),
    }
}

/// A window and its layers; where most have it, those that do not.
fn described(window: &Window, facts: &Facts) -> String {
    let others: Vec<usize> = (0..facts.n_layers).filter(|layer| !window.layers.contains(layer)).collect();
    match others.len() {
        0 => format!("window of {} tokens in every layer", window.tokens),
        count if count < window.layers.len() => {
            let others: Vec<String> = others.iter().map(usize::to_string).collect();
            format!("window of {} tokens in all layers but {}", window.tokens, others.join(", "))
        }
        _ => format!("window of {window}"),
    }
}

/// What scores and logits are held below, where they are.
fn soft_caps(facts: &Facts) -> String {
    let caps = [("scores", facts.caps.scores), ("logits", facts.caps.logits)];
    let said = caps.into_iter().filter_map(|(of, cap)| Some(format!("{of} below {}", cap?)));
    said.collect::<Vec<_>>().join(", ")
}
