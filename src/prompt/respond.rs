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
            let tasks: Vec<GreedyTask> = prompts
                .iter()
                .map(|prompt| GreedyTask { prompt: &prompt.tokens, answer: prompt.answer_tokens() })
                .collect();
            let continues = |answer: &[u32], next: u32| continues(tokenizer, answer, next);
            let decoded = decode(network, &tasks, extent, &continues, pace)?;
            let respond = |d: Decoded| Response { tokens: d.tokens, first: d.first, whole: Some(d.whole) };
            Ok(decoded.into_iter().map(respond).collect())
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
