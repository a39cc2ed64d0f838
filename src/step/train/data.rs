//! Batches of prompts to train on, and those that are held out.

use crate::model::transformer::Tokens;
use crate::prompt::{Prompt, PromptGroup, PromptSet};
use crate::random::{Purpose, stream};
use crate::spec::Answer;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Prompts that do not make a training set.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A batch holds as many prompts of each group.
    #[error(
        "train: batch = {batch} cannot be shared out evenly among {groups} operators; write a multiple of {groups}"
    )]
    Batch {
        /// The spec's batch.
        batch: usize,
        /// Number of groups.
        groups: usize,
    },
    /// The loss is that of one token.
    #[error("train: only answers of one token can be trained on; write answer = \"single-token\" in the prompts")]
    ManyTokens,
    /// Nothing to learn from.
    #[error("train: there is no prompt of {group} to train on; write wider ranges of operands, or a smaller held_out")]
    NoPrompt {
        /// The group.
        group: PromptGroup,
    },
    /// Prompts of one batch have one length.
    #[error(
        "train: some prompts have {first} tokens and others {other}; write a template that gives all prompts the same number"
    )]
    Lengths {
        /// Tokens of the first prompt.
        first: usize,
        /// Tokens of another.
        other: usize,
    },
    /// A token that the model has no row for.
    #[error(
        "train: '{text}' has the token {id}, and the vocabulary has only {n_vocab} tokens; write a larger 'numbers', or smaller ranges"
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

/// The prompts, split by operand pair: what is held out for one group is held out for all.
pub(super) struct TrainingSplit<'a> {
    /// Prompts to learn, by group.
    pub train: Vec<Vec<&'a Prompt>>,
    /// Prompts never learned, by group.
    pub held_out: Vec<Vec<&'a Prompt>>,
    /// The groups.
    pub groups: Vec<PromptGroup>,
    /// Tokens of each prompt.
    pub n_ctx: usize,
}

impl<'a> TrainingSplit<'a> {
    pub fn new(set: &'a PromptSet, share: f64, seed: u64, n_vocab: usize) -> Result<Self, DataError> {
        if set.answer != Answer::SingleToken {
            return Err(DataError::ManyTokens);
        }
        let n_ctx = set.prompts.first().map_or(0, |prompt| prompt.tokens.len());
        for prompt in &set.prompts {
            check(prompt, n_ctx, n_vocab)?;
        }
        let pairs: BTreeSet<(i64, i64)> = set.prompts.iter().filter_map(pair).collect();
        let mut pairs: Vec<(i64, i64)> = pairs.into_iter().collect();
        pairs.shuffle(&mut stream(seed, Purpose::Split));
        let held = (pairs.len() as f64 * share).round() as usize;
        let held: BTreeSet<(i64, i64)> = pairs.into_iter().take(held).collect();
        let by_group = |held_out: bool| {
            let of = |group: &PromptGroup| {
                let own = set.prompts.iter().filter(|prompt| prompt.group == *group);
                own.filter(|prompt| pair(prompt).is_some_and(|pair| held.contains(&pair)) == held_out).collect()
            };
            set.groups.iter().map(of).collect::<Vec<Vec<&Prompt>>>()
        };
        let split = Self { train: by_group(false), held_out: by_group(true), groups: set.groups.clone(), n_ctx };
        match split.train.iter().zip(&split.groups).find(|(train, _)| train.is_empty()) {
            Some((_, group)) => Err(DataError::NoPrompt { group: group.clone() }),
            None => Ok(split),
        }
    }
}

/// The operands of a prompt.
fn pair(prompt: &Prompt) -> Option<(i64, i64)> {
    prompt.calculation().map(|calculation| (calculation.a, calculation.b))
}

fn check(prompt: &Prompt, n_ctx: usize, n_vocab: usize) -> Result<(), DataError> {
    if prompt.tokens.len() != n_ctx {
        return Err(DataError::Lengths { first: n_ctx, other: prompt.tokens.len() });
    }
    match prompt.tokens.iter().chain(prompt.answer_tokens()).find(|&&id| id as usize >= n_vocab) {
        Some(&id) => Err(DataError::Vocabulary { text: prompt.text.clone(), id, n_vocab }),
        None => Ok(()),
    }
}

/// Batches without end: as many prompts of each group, each group's prompts in an order that is drawn anew each
/// time they are used up.
pub(super) struct Batches<'a> {
    decks: Vec<TrainingDeck<'a>>,
    per_group: usize,
    random: ChaCha8Rng,
}

struct TrainingDeck<'a> {
    prompts: Vec<&'a Prompt>,
    next: usize,
}

impl<'a> Batches<'a> {
    pub fn new(split: &TrainingSplit<'a>, batch: usize, seed: u64) -> Result<Self, DataError> {
        let groups = split.train.len();
        if groups == 0 || !batch.is_multiple_of(groups) {
            return Err(DataError::Batch { batch, groups });
        }
        let decks = split.train.iter().map(|prompts| TrainingDeck { prompts: prompts.clone(), next: usize::MAX });
        Ok(Self { decks: decks.collect(), per_group: batch / groups, random: stream(seed, Purpose::Order) })
    }

    /// The prompts of the next batch and the token that answers each.
    pub fn next(&mut self) -> (Tokens, Vec<u32>) {
        let mut ids = Vec::new();
        let mut answers = Vec::new();
        for deck in &mut self.decks {
            for _ in 0..self.per_group {
                let prompt = deck.draw(&mut self.random);
                ids.extend_from_slice(&prompt.tokens);
                answers.push(prompt.answer_token());
            }
        }
        let batch = answers.len();
        (Tokens { pos: ids.len() / batch.max(1), batch, ids }, answers)
    }
}

impl<'a> TrainingDeck<'a> {
    fn draw(&mut self, random: &mut impl Rng) -> &'a Prompt {
        if self.next >= self.prompts.len() {
            self.prompts.shuffle(random);
            self.next = 0;
        }
        self.next += 1;
        self.prompts[self.next - 1]
    }
}
