//! `ablate logits`: the simplest check a sceptic can make.

use super::model::ModelArguments;
use crate::Error;
use crate::model::{InputError, Model, NextLogits};
use clap::{Args, ValueEnum};
use polars::prelude::{CsvWriter, DataFrame, NamedFrom, SerWriter, Series};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write as _;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate logits builtin:arith 12+34= 50-8= --top 3
  ablate logits models/SmolLM2-135M-Instruct.Q4_1.gguf 'The capital of France is'
  ablate logits builtin:arith 12+34= --all --format json > logits.json")]
pub(super) struct LogitsArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Prompts: texts that the model gets as they are, without a template
    #[arg(required = true)]
    prompts: Vec<String>,
    /// How many tokens to print for each prompt, the most probable first
    #[arg(long, default_value_t = 5, value_name = "K")]
    top: usize,
    /// Print every token; with --format json, an array of logits in the order of the vocabulary
    #[arg(long)]
    all: bool,
    /// Format of what is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Csv,
}

/// One prompt's next-token distribution.
#[derive(Debug, Serialize)]
struct NextTokens<'a> {
    prompt: &'a str,
    /// Token ids the model was given, a beginning-of-text token included.
    tokens: Vec<u32>,
    pieces: Vec<String>,
    top: Vec<LikelyToken>,
    /// Every logit in f32, in the order of the vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Vec<f32>>,
}

#[derive(Debug, Serialize)]
struct LikelyToken {
    id: u32,
    token: String,
    logit: f32,
    probability: f64,
}

pub(super) fn run(arguments: LogitsArguments) -> Result<(), Error> {
    let model = arguments.model.open()?;
    model.notes().iter().for_each(|note| say(note));
    let answers =
        arguments.prompts.iter().map(|prompt| answer(&model, prompt, &arguments)).collect::<Result<Vec<_>, Error>>()?;
    let longest = answers.iter().map(|answer| answer.tokens.len()).max().unwrap_or_default();
    model.facts().beyond_context(longest).iter().for_each(|why| say(&format!("prompts of up to {why}")));
    for answer in &answers {
        if let [first, second, ..] = answer.tokens[..]
            && first == second
            && model.bos().is_ok_and(|bos| bos == Some(first))
        {
            let piece = answer.pieces.first().map_or("", String::as_str);
            say(&format!(
                "the prompt {:?} begins with {piece} twice, because the tokenizer puts it before every prompt; take it out of the prompt, \
                 or write --bos false",
                answer.prompt
            ));
        }
    }
    super::print::print(&match arguments.format {
        Format::Text => text(&answers),
        Format::Json => json(&answers)?,
        Format::Csv => csv(&answers)?,
    })
}

/// A prompt in an error: its beginning, where it is long.
fn shortened(prompt: &str) -> String {
    const LONGEST: usize = 80;
    match prompt.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", prompt.get(..end).unwrap_or_default()),
        None => prompt.to_string(),
    }
}

fn answer<'a>(model: &Model, prompt: &'a str, arguments: &LogitsArguments) -> Result<NextTokens<'a>, Error> {
    let NextLogits { tokens, logits } = model.next_logits(prompt).map_err(|error| match error {
        InputError::NotFinite(fault) => Error::failed(format!("prompt '{}'", shortened(prompt)))(fault),
        error => Error::refused(format!("prompt '{}'", shortened(prompt)))(error),
    })?;
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| f64::from(logit - largest).exp();
    let total: f64 = logits.iter().map(|&logit| weight(logit)).sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // Stable, so that of equal logits the lowest id comes first, as in `torch.argmax`.
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    let shown = match (arguments.all, arguments.format) {
        (true, Format::Csv | Format::Text) => logits.len(),
        _ => arguments.top,
    };
    let piece = |id: u32| model.tokenizer().token(id).unwrap_or_default();
    let candidate = |&id: &usize| {
        let (logit, id) = (logits[id], id as u32);
        LikelyToken { id, token: piece(id), logit, probability: weight(logit) / total }
    };
    let top = order.iter().take(shown).map(candidate).collect();
    let pieces = tokens.iter().map(|&id| piece(id)).collect();
    Ok(NextTokens { prompt, tokens, pieces, top, logits: arguments.all.then_some(logits) })
}

/// Says something beside the answers; not by `eprintln!`, which panics where nobody reads any more.
fn say(note: &str) {
    let _ = writeln!(std::io::stderr(), "note: {note}");
}

fn text(answers: &[NextTokens]) -> String {
    let mut text = String::new();
    for answer in answers {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:?}  tokens {:?} = {:?}", answer.prompt, answer.tokens, answer.pieces);
        for LikelyToken { id, token, logit, probability } in &answer.top {
            let _ = writeln!(text, "  {probability:>9.6}  {logit:>10.5}  {id:>6}  {token:?}");
        }
    }
    text
}

fn json(answers: &[NextTokens]) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(answers).map_err(|error| Error::Print(error.into()))?;
    Ok(text + "\n")
}

fn csv(answers: &[NextTokens]) -> Result<String, Error> {
    let rows: Vec<(&str, usize, &LikelyToken)> = answers
        .iter()
        .flat_map(|answer| {
            answer.top.iter().enumerate().map(|(index, candidate)| (answer.prompt, index + 1, candidate))
        })
        .collect();
    let columns = vec![
        Series::new("prompt".into(), rows.iter().map(|row| row.0).collect::<Vec<_>>()).into(),
        Series::new("rank".into(), rows.iter().map(|row| row.1 as u32).collect::<Vec<_>>()).into(),
        Series::new("id".into(), rows.iter().map(|row| row.2.id).collect::<Vec<_>>()).into(),
        Series::new("token".into(), rows.iter().map(|row| row.2.token.as_str()).collect::<Vec<_>>()).into(),
        Series::new("logit".into(), rows.iter().map(|row| row.2.logit).collect::<Vec<_>>()).into(),
        Series::new("probability".into(), rows.iter().map(|row| row.2.probability).collect::<Vec<_>>()).into(),
    ];
    let mut bytes = Vec::new();
    let mut frame = DataFrame::new(rows.len(), columns).map_err(Error::failed("csv"))?;
    CsvWriter::new(&mut bytes).finish(&mut frame).map_err(Error::failed("csv"))?;
    String::from_utf8(bytes).map_err(Error::failed("csv"))
}
