//! Batches of prompts to train on, and those that are held out.

use crate::model::transformer::Tokens;
use crate::prompt::{Prompt, PromptSet};
use crate::random::{Purpose, stream};
use crate::spec::Answer;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Prompts that do not make a training set.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A batch holds as many prompts of each operator.
    #[error(
        "train: batch = {batch} cannot hold as many prompts of each of {operators} operators; write a multiple of {operators}"
    )]
    Batch {
        /// The spec's batch.
        batch: usize,
        /// Number of operators.
        operators: usize,
    },
    /// The loss is that of one token.
    #[error("train: answers of several tokens cannot be trained on; write answer = \"single-token\" in the prompt set")]
    ManyTokens,
    /// Nothing to learn from.
    #[error(
        "train: no prompt of operator '{operator}' to train on; widen the operand ranges, or write a smaller held_out"
    )]
    NoPrompt {
        /// The operator.
        operator: String,
    },
    /// Prompts of one batch have one length.
    #[error(
        "train: prompts of {first} and of {other} tokens; write a template that gives every prompt the same number"
    )]
    Lengths {
        /// Tokens of the first prompt.
        first: usize,
        /// Tokens of another.
        other: usize,
    },
    /// A token that the model has no row for.
    #[error(
        "train: '{text}' has token {id}, the vocabulary only {n_vocab}; write a larger 'numbers' or smaller ranges"
    )]
    Vocabulary {
        /// The prompt.
        text: String,
        /// The token.
        id: u32,
        /// Size of the vocabulary.
        n_vocab: usize,
    },
}

/// The prompts, split by operand pair: what is held out for one operator is held out for all.
pub(super) struct Split<'a> {
    /// Prompts to learn, by operator.
    pub train: Vec<Vec<&'a Prompt>>,
    /// Prompts never learned, by operator.
    pub held_out: Vec<Vec<&'a Prompt>>,
    /// Operator symbols.
    pub operators: Vec<&'static str>,
    /// Tokens of each prompt.
    pub n_ctx: usize,
}

impl<'a> Split<'a> {
    pub fn new(set: &'a PromptSet, share: f64, seed: u64, n_vocab: usize) -> Result<Self, DataError> {
        if set.answer != Answer::SingleToken {
            return Err(DataError::ManyTokens);
        }
        let n_ctx = set.prompts.first().map_or(0, |prompt| prompt.tokens.len());
        for prompt in &set.prompts {
            check(prompt, n_ctx, n_vocab)?;
        }
        let pairs: BTreeSet<(i64, i64)> = set.prompts.iter().map(|prompt| (prompt.a, prompt.b)).collect();
        let mut pairs: Vec<(i64, i64)> = pairs.into_iter().collect();
        pairs.shuffle(&mut stream(seed, Purpose::Split));
        let held = (pairs.len() as f64 * share).round() as usize;
        let held: BTreeSet<(i64, i64)> = pairs.into_iter().take(held).collect();
        let operators: Vec<&'static str> = set.operators.iter().map(|operator| operator.symbol).collect();
        let by_operator = |held_out: bool| {
            let of = |symbol: &&str| {
                let own = set.prompts.iter().filter(|prompt| prompt.operator.symbol == *symbol);
                own.filter(|prompt| held.contains(&(prompt.a, prompt.b)) == held_out).collect()
            };
            operators.iter().map(of).collect::<Vec<Vec<&Prompt>>>()
        };
        let split = Self { train: by_operator(false), held_out: by_operator(true), operators, n_ctx };
        match split.train.iter().zip(&split.operators).find(|(train, _)| train.is_empty()) {
            Some((_, operator)) => Err(DataError::NoPrompt { operator: operator.to_string() }),
            None => Ok(split),
        }
    }
}

fn check(prompt: &Prompt, n_ctx: usize, n_vocab: usize) -> Result<(), DataError> {
    if prompt.tokens.len() != n_ctx {
        return Err(DataError::Lengths { first: n_ctx, other: prompt.tokens.len() });
    }
    match prompt.tokens.iter().chain(&prompt.answer_tokens).find(|&&id| id as usize >= n_vocab) {
        Some(&id) => Err(DataError::Vocabulary { text: prompt.text.clone(), id, n_vocab }),
        None => Ok(()),
    }
}

/// Batches without end: as many prompts of each operator, each operator's prompts in an order that is drawn anew each
/// time they are used up.
pub(super) struct Batches<'a> {
    decks: Vec<Deck<'a>>,
    per_operator: usize,
    random: ChaCha8Rng,
}

struct Deck<'a> {
    prompts: Vec<&'a Prompt>,
    next: usize,
}

impl<'a> Batches<'a> {
    pub fn new(split: &Split<'a>, batch: usize, seed: u64) -> Result<Self, DataError> {
        let operators = split.train.len();
        if operators == 0 || !batch.is_multiple_of(operators) {
            return Err(DataError::Batch { batch, operators });
        }
        let decks = split.train.iter().map(|prompts| Deck { prompts: prompts.clone(), next: usize::MAX });
        Ok(Self { decks: decks.collect(), per_operator: batch / operators, random: stream(seed, Purpose::Order) })
    }

    /// The prompts of the next batch and the token that answers each.
    pub fn next(&mut self) -> (Tokens, Vec<u32>) {
        let mut ids = Vec::new();
        let mut answers = Vec::new();
        for deck in &mut self.decks {
            for _ in 0..self.per_operator {
                let prompt = deck.draw(&mut self.random);
                ids.extend_from_slice(&prompt.tokens);
                answers.extend(prompt.answer_tokens.first());
            }
        }
        let batch = answers.len();
        (Tokens { pos: ids.len() / batch.max(1), batch, ids }, answers)
    }
}

impl<'a> Deck<'a> {
    fn draw(&mut self, random: &mut impl Rng) -> &'a Prompt {
        if self.next >= self.prompts.len() {
            self.prompts.shuffle(random);
            self.next = 0;
        }
        self.next += 1;
        self.prompts[self.next - 1]
    }
}
