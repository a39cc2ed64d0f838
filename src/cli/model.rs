//! `ablate model`: a model's facts.

use crate::Error;
use crate::model::facts::PositionEncoding;
use crate::model::{Lookup, Model};
use crate::spec::{self, Device, Dtype, Processing};
use clap::Args;
use std::fmt::Write;
use std::path::Path;

/// A model on the command line.
#[derive(Debug, Args)]
pub(super) struct ModelArguments {
    /// builtin:arith, a Hugging Face folder, a .gguf file, hf:owner/name@revision, or random:CONFIG.json#SEED
    source: String,
    /// cpu, cuda:0, …
    #[arg(long, default_value_t = Device::Cpu)]
    device: Device,
    /// Precision of the weights: f32, bf16, f16
    #[arg(long, default_value = "f32", value_parser = dtype)]
    dtype: Dtype,
    /// Fold norms, centre unembedding and writing weights first, as specs do by default
    #[arg(long)]
    processed: bool,
    /// Put a beginning-of-text token first, or not; left out: as the tokenizer says
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
            device: self.device,
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
    /// As JSON
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
            format!("rotary, {} of {} dimensions", 2 * rotary.table.inv_freq.len(), facts.d_head)
        }
    };
    let window = facts.window.as_ref().map(|window| format!("; window of {window}")).unwrap_or_default();
    let integers = match card.largest_single_token_integer {
        Some(largest) => format!("0..={largest}"),
        None => "none".into(),
    };
    let rows: [(&str, String); 15] = [
        ("family", facts.family.to_string()),
        ("layers", facts.n_layers.to_string()),
        ("heads", heads),
        ("d_model", facts.d_model.to_string()),
        ("d_head", facts.d_head.to_string()),
        ("d_mlp", format!("{}{}", facts.d_mlp, if facts.gated { " (gated)" } else { "" })),
        ("vocabulary", facts.n_vocab.to_string()),
        ("positions", format!("{positions}; context {}{window}", facts.n_ctx)),
        ("unembedding", if facts.tied { "tied to the embedding" } else { "its own" }.into()),
        ("parameters", card.parameters.to_string()),
        ("stored as", card.stored_dtype.clone()),
        ("tokenizer", card.tokenizer.clone()),
        ("BOS", card.bos.clone()),
        ("single-token integers", integers),
        ("memory", format!("{:.1} MiB of weights in {}", card.weight_bytes as f64 / 1048576.0, card.dtype)),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<22} {value}");
    }
    for note in &card.notes {
        let _ = writeln!(text, "note: {note}");
    }
    super::print::print(&text)
}
