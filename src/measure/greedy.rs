//! Greedy decoding of answers, by their first token and as a whole.

use super::next_token::{DecodeError, NextToken};
use indexmap::IndexSet;
use std::collections::BTreeMap;

/// One prompt and the answer it should get.
#[derive(Debug, Clone, Copy)]
pub struct GreedyTask<'a> {
    /// Tokens of the prompt.
    pub prompt: &'a [u32],
    /// Tokens of the answer, at least one.
    pub answer: &'a [u32],
}

/// What a model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its tokens: as many as the answer has (fewer with [`Extent::FirstMismatch`]), and one more where all were right.
    pub tokens: Vec<u32>,
    /// Whether the first is the answer's first.
    pub first: bool,
    /// Whether all are the answer's and the next does not go on with the number.
    pub whole: bool,
}

/// How far a wrong answer is decoded. The verdicts do not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To the answer's length, so that it can be shown.
    AnswerLength,
    /// To the first wrong token.
    FirstMismatch,
}

/// How much is run at once, and who is told.
#[derive(Clone, Copy)]
pub struct Pace<'a> {
    /// Most rows of a batch. No result depends on it.
    pub batch: usize,
    /// Called after each batch with the number of rows it had.
    pub done: &'a dyn Fn(usize),
}

impl Pace<'_> {
    /// Batches of this many rows, nobody told.
    pub fn of(batch: usize) -> Pace<'static> {
        Pace { batch, done: &|_| () }
    }
}

/// The arg-max next token after each prompt, in the order given.
///
/// # Errors
/// What the model reports, see [`NextToken::arg_max`].
pub fn first_token(network: &dyn NextToken, prompts: &[&[u32]], pace: Pace) -> Result<Vec<u32>, DecodeError> {
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, prompt) in prompts.iter().enumerate() {
        by_length.entry(prompt.len()).or_default().push(index);
    }
    let mut tokens = vec![0; prompts.len()];
    for indices in by_length.values() {
        for chunk in indices.chunks(pace.batch.max(1)) {
            let rows: Vec<&[u32]> = chunk.iter().map(|&index| prompts[index]).collect();
            let best = network.arg_max(&rows)?;
            if best.len() != rows.len() {
                return Err(DecodeError::Shape { expected: rows.len(), got: best.len() });
            }
            for (&index, token) in chunk.iter().zip(best) {
                tokens[index] = token;
            }
            (pace.done)(rows.len());
        }
    }
    Ok(tokens)
}

/// Decodes answers greedily, each token from a full forward pass over what stands before it. Tasks that have the same tokens before
/// their next one, as several answers of one prompt do, share its pass.
///
/// An answer is right as a whole when the model writes its tokens and does not go on with the number: `continues(answer,
/// next)` says whether `next` would (12 is not the answer of a model that writes 123). A model that writes the answer's
/// digits in other tokens than the tokenizer would is not right.
///
/// # Errors
/// What the model reports, see [`NextToken::arg_max`].
pub fn decode(
    network: &dyn NextToken,
    tasks: &[GreedyTask],
    extent: Extent,
    continues: &dyn Fn(&[u32], u32) -> bool,
    pace: Pace,
) -> Result<Vec<Decoded>, DecodeError> {
    let mut written: Vec<Vec<u32>> = vec![Vec::new(); tasks.len()];
    let mut open: Vec<usize> = (0..tasks.len()).collect();
    while !open.is_empty() {
        let rows: Vec<Vec<u32>> = open.iter().map(|&i| [tasks[i].prompt, written[i].as_slice()].concat()).collect();
        let mut distinct: IndexSet<&[u32]> = IndexSet::with_capacity(rows.len());
        let places: Vec<usize> = rows.iter().map(|row| distinct.insert_full(row.as_slice()).0).collect();
        let distinct: Vec<&[u32]> = distinct.into_iter().collect();
        let next = first_token(network, &distinct, pace)?;
        for (&index, place) in open.iter().zip(places) {
            written[index].push(next[place]);
        }
        open.retain(|&index| goes_on(tasks[index].answer, &written[index], extent));
    }
    Ok(tasks.iter().zip(written).map(|(task, tokens)| judge(task.answer, tokens, continues)).collect())
}

fn goes_on(answer: &[u32], written: &[u32], extent: Extent) -> bool {
    let right = answer.starts_with(written);
    match extent {
        // One more than the answer, to see whether the number goes on.
        _ if right => true,
        Extent::AnswerLength => written.len() < answer.len(),
        Extent::FirstMismatch => false,
    }
}

fn judge(answer: &[u32], tokens: Vec<u32>, continues: &dyn Fn(&[u32], u32) -> bool) -> Decoded {
    let first = tokens.first() == answer.first();
    let whole = tokens.starts_with(answer) && tokens.get(answer.len()).is_none_or(|&next| !continues(answer, next));
    Decoded { tokens, first, whole }
}
