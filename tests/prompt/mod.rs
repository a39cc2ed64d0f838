//! Prompts: operators, templates, legality, positions, sampling, counterfactual pairs.

mod answer_sets;
mod computed;
mod every;
mod faults;
mod fields;
mod given;
mod layouts;
mod legality;
mod operators;
mod pairs;
mod real;
mod sampling;
mod templates;
mod tokens;
pub mod words;

use ablate::measure::{BoxError, NextToken, Pace};
use ablate::model::tokenizer::Tokenizer;
use ablate::prompt::{self, Calculation, Prompt, PromptError, PromptSet, Respondent, TemplatePositions};
use ablate::spec::Prompts;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads a `[prompts]` table.
pub fn spec(toml: &str) -> Prompts {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{error}"))
}

/// Prompts without a model.
pub fn build(toml: &str, tokenizer: &Tokenizer) -> Result<PromptSet, PromptError> {
    prompt::build(&spec(toml), tokenizer, None, None)
}

/// The positions of a template whose prompts are all of one shape.
pub fn only_shape(set: &PromptSet, template: &str) -> TemplatePositions {
    let shapes = set.shapes(template).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shapes.len(), 1, "{template}");
    shapes[0].positions.clone()
}

/// What a prompt asks to calculate.
pub fn calculation(prompt: &Prompt) -> Calculation {
    *prompt.calculation().unwrap_or_else(|| panic!("{} is of words", prompt.text))
}

/// A tokenizer of single characters, with `<s>` to begin a text with (which it does not do by itself), in which each of
/// `merged`, made of two tokens before it, is one token.
pub fn characters(merged: &[(&str, &str)]) -> Tokenizer {
    let mut tokens: Vec<String> = vec!["<s>".into()];
    tokens.extend("0123456789+-*/= \nQA:x".chars().map(String::from));
    tokens.extend(merged.iter().map(|(left, right)| format!("{left}{right}")));
    let vocab: serde_json::Map<String, serde_json::Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let json = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                          "normalized": false, "special": true}],
        "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab,
                  "merges": merged.iter().map(|(l, r)| vec![*l, *r]).collect::<Vec<_>>()},
    });
    Tokenizer::from_json_bytes(json.to_string().as_bytes(), "test").unwrap_or_else(|error| panic!("{error}"))
}

/// A model that is a function from the tokens so far to the next one. It counts its rows and insists on batches of one length.
pub struct Fake<F> {
    pub n_vocab: usize,
    pub limit: Option<usize>,
    pub next: F,
    pub rows: AtomicUsize,
}

impl<F: Fn(&[u32]) -> u32> Fake<F> {
    pub fn new(n_vocab: usize, next: F) -> Self {
        Self { n_vocab, limit: None, next, rows: AtomicUsize::new(0) }
    }

    pub fn respondent(&self, batch: usize) -> Respondent<'_> {
        Respondent { network: self, pace: Pace::of(batch) }
    }

    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }
}

impl<F: Fn(&[u32]) -> u32> NextToken for Fake<F> {
    fn n_vocab(&self) -> usize {
        self.n_vocab
    }

    fn position_limit(&self) -> Option<usize> {
        self.limit
    }

    fn last_logits(&self, rows: &[&[u32]]) -> Result<Vec<f32>, BoxError> {
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "rows of different lengths in one batch");
        self.rows.fetch_add(rows.len(), Ordering::Relaxed);
        let mut logits = vec![-1.0; rows.len() * self.n_vocab];
        for (row, tokens) in rows.iter().enumerate() {
            logits[row * self.n_vocab + (self.next)(tokens) as usize] = 3.0;
        }
        Ok(logits)
    }
}
