use crate::model::transformer::Tokens;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// A prompt to learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Index of its operator.
    pub operator: usize,
    /// First operand.
    pub a: i64,
    /// Second operand.
    pub b: i64,
    /// The prompt's tokens.
    pub tokens: Vec<u32>,
    /// The token that answers it.
    pub answer: u32,
}

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
        "train: prompt {a}{operator}{b} has token {id}, the vocabulary only {n_vocab}; write a larger 'numbers' or smaller ranges"
    )]
    Vocabulary {
        /// First operand.
        a: i64,
        /// The operator.
        operator: String,
        /// Second operand.
        b: i64,
        /// The token.
        id: u32,
        /// Size of the vocabulary.
        n_vocab: usize,
    },
}

/// The examples, split by operand pair: what is held out for one operator is held out for all.
pub(super) struct Split<'a> {
    /// Examples to learn, by operator.
    pub train: Vec<Vec<&'a Example>>,
    /// Examples never learned, by operator.
    pub held_out: Vec<Vec<&'a Example>>,
    /// Tokens of each prompt.
    pub n_ctx: usize,
}

impl<'a> Split<'a> {
    pub fn new(
        examples: &'a [Example],
        operators: &[String],
        share: f64,
        seed: u64,
        n_vocab: usize,
    ) -> Result<Self, DataError> {
        let n_ctx = examples.first().map_or(0, |example| example.tokens.len());
        for example in examples {
            check(example, operators, n_ctx, n_vocab)?;
        }
        let pairs: BTreeSet<(i64, i64)> = examples.iter().map(|example| (example.a, example.b)).collect();
        let mut pairs: Vec<(i64, i64)> = pairs.into_iter().collect();
        pairs.shuffle(&mut stream(seed, Purpose::Split));
        let held: BTreeSet<(i64, i64)> =
            pairs.iter().take((pairs.len() as f64 * share).round() as usize).copied().collect();
        let by_operator = |held_out: bool| {
            (0..operators.len())
                .map(|operator| {
                    let own = examples.iter().filter(|example| example.operator == operator);
                    own.filter(|example| held.contains(&(example.a, example.b)) == held_out).collect()
                })
                .collect::<Vec<Vec<&Example>>>()
        };
        let split = Self { train: by_operator(false), held_out: by_operator(true), n_ctx };
        match split.train.iter().zip(operators).find(|(train, _)| train.is_empty()) {
            Some((_, operator)) => Err(DataError::NoPrompt { operator: operator.clone() }),
            None => Ok(split),
        }
    }
}

fn check(example: &Example, operators: &[String], n_ctx: usize, n_vocab: usize) -> Result<(), DataError> {
    if example.tokens.len() != n_ctx {
        return Err(DataError::Lengths { first: n_ctx, other: example.tokens.len() });
    }
    match example.tokens.iter().chain([&example.answer]).find(|&&id| id as usize >= n_vocab) {
        None => Ok(()),
        Some(&id) => {
            let operator = operators.get(example.operator).cloned().unwrap_or_default();
            Err(DataError::Vocabulary { a: example.a, operator, b: example.b, id, n_vocab })
        }
    }
}

/// Batches without end: as many examples of each operator, each operator's examples in an order that is drawn anew each
/// time they are used up.
pub(super) struct Batches<'a> {
    decks: Vec<Deck<'a>>,
    per_operator: usize,
    random: ChaCha8Rng,
}

struct Deck<'a> {
    examples: Vec<&'a Example>,
    next: usize,
}

impl<'a> Batches<'a> {
    pub fn new(split: &Split<'a>, batch: usize, seed: u64) -> Result<Self, DataError> {
        let operators = split.train.len();
        if operators == 0 || !batch.is_multiple_of(operators) {
            return Err(DataError::Batch { batch, operators });
        }
        let decks = split.train.iter().map(|examples| Deck { examples: examples.clone(), next: usize::MAX });
        Ok(Self { decks: decks.collect(), per_operator: batch / operators, random: stream(seed, Purpose::Order) })
    }

    /// The prompts of the next batch and the token that answers each.
    pub fn next(&mut self) -> (Tokens, Vec<u32>) {
        let mut ids = Vec::new();
        let mut answers = Vec::new();
        for deck in &mut self.decks {
            for _ in 0..self.per_operator {
                let example = deck.draw(&mut self.random);
                ids.extend_from_slice(&example.tokens);
                answers.push(example.answer);
            }
        }
        let batch = answers.len();
        (Tokens { pos: ids.len() / batch.max(1), batch, ids }, answers)
    }
}

impl<'a> Deck<'a> {
    fn draw(&mut self, random: &mut impl Rng) -> &'a Example {
        if self.next >= self.examples.len() {
            self.examples.shuffle(random);
            self.next = 0;
        }
        self.next += 1;
        self.examples[self.next - 1]
    }
}

/// What random numbers are for; each purpose has its own stream of the seed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Weights = 0,
    Split = 1,
    Order = 2,
}

pub(super) fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose as u64);
    random
}
