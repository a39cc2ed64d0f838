//! A model's own answers to prompts.

use super::error::PromptError;
use super::set::Prompt;
use crate::measure::{Decoded, Extent, GreedyTask, NextToken, Pace, decode, first_token};
use crate::model::tokenizer::Tokenizer;
use crate::spec::Answer;

/// A model and how to run it.
#[derive(Clone, Copy)]
pub struct Respondent<'a> {
    /// The model.
    pub network: &'a dyn NextToken,
    /// Batches.
    pub pace: Pace<'a>,
}

/// What a model answers to one prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The tokens it writes: one, or with multi-token answers as many as the answer has, and one more where all are right.
    pub tokens: Vec<u32>,
    /// Whether the first is the answer's first.
    pub first: bool,
    /// Whether it writes the whole answer and stops; `None` with single-token answers, where `first` is the verdict
    /// (paper §2.1).
    pub whole: Option<bool>,
}

impl Response {
    /// Whether the answer counts as correct.
    pub fn correct(&self) -> bool {
        self.whole.unwrap_or(self.first)
    }
}

/// Asks the model: its arg-max next token for single-token answers, greedy decoding for others.
///
/// # Errors
/// What the model reports.
pub fn respond(
    prompts: &[&Prompt],
    answer: Answer,
    tokenizer: &Tokenizer,
    respondent: Respondent,
    extent: Extent,
) -> Result<Vec<Response>, PromptError> {
    let Respondent { network, pace } = respondent;
    match answer {
        Answer::SingleToken => {
            let rows: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.tokens.as_slice()).collect();
            let tokens = first_token(network, &rows, pace)?;
            let respond = |(prompt, token): (&&Prompt, u32)| Response {
                tokens: vec![token],
                first: prompt.answers.iter().any(|answer| answer.tokens.first() == Some(&token)),
                whole: None,
            };
            Ok(prompts.iter().zip(tokens).map(respond).collect())
        }
        Answer::MultiToken => {
            // Each right answer is looked for, those of a prompt after each other.
            let mut tasks: Vec<GreedyTask> = Vec::with_capacity(prompts.len());
            for prompt in prompts {
                let of = |answer| GreedyTask { prompt: &prompt.tokens, answer };
                tasks.extend(prompt.answers.iter().map(|answer| of(answer.tokens.as_slice())));
            }
            let continues = |answer: &[u32], next: u32| continues(tokenizer, answer, next);
            let decoded = decode(network, &tasks, extent, &continues, pace)?;
            let mut decoded = decoded.into_iter();
            let respond = |prompt: &&Prompt| {
                let each: Vec<Decoded> = decoded.by_ref().take(prompt.answers.iter().count()).collect();
                let first = each.iter().any(|one| one.first);
                let whole = each.iter().any(|one| one.whole);
                // What is written is the same, as far as each answer is long: shown as far as the one that it is, or the first.
                let shown = each.iter().position(|one| one.whole).unwrap_or(0);
                let tokens = each.into_iter().nth(shown).map(|one| one.tokens).unwrap_or_default();
                Response { tokens, first, whole: Some(whole) }
            };
            Ok(prompts.iter().map(respond).collect())
        }
    }
}

/// Whether `next` goes on with the number or the word that `answer` ends in: its text begins with a decimal digit, or after a
/// letter with a letter or digit.
fn continues(tokenizer: &Tokenizer, answer: &[u32], next: u32) -> bool {
    // Decoded together, because some tokenizers drop a leading space from a text's first token.
    let text = |tokens: &[u32]| tokenizer.decode(tokens).ok();
    let (Some(before), Some(after)) = (text(answer), text(&[answer, &[next]].concat())) else { return false };
    let word = before.ends_with(char::is_alphabetic);
    let goes_on = |c: char| c.is_ascii_digit() || (word && c.is_alphanumeric());
    after.strip_prefix(&before).is_some_and(|rest| rest.starts_with(goes_on))
}
