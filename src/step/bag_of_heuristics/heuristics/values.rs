//! What neurons write: the logits of their value vectors at the tokens of integers.

use super::neurons::RankedNeuron;
use super::prompts::GroupPrompts;
use crate::Error;
use crate::context::Context;
use crate::intervene::value_logits;
use crate::prompt::{PromptError, ResolvedPrompts, integers};
use crate::spec::step::Heuristics;
use crate::step::ModelRun;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Integers below this are looked at, and all results.
const INTEGERS: i64 = 1000;
/// So many are told.
const TOP: usize = 10;

/// The integers that are one token where the answer stands.
pub struct AnswerIntegers {
    /// The integers that are told of a neuron.
    integers: Vec<i64>,
    /// The results of the prompts, ascending.
    results: Vec<i64>,
    /// The tokens of the integers, then those of the results.
    tokens: Vec<u32>,
}

/// The logits of one neuron's value vector.
pub struct Logits {
    /// At the results of the prompts, ascending.
    pub results: Vec<f32>,
    /// The integers with the highest, the highest first.
    pub top: Vec<i64>,
}

impl AnswerIntegers {
    /// The integers after the prompts of a group.
    ///
    /// # Errors
    /// None that the prompts themselves have not had.
    pub fn of(set: &GroupPrompts, subject: &ModelRun, context: &Context, step: &Heuristics) -> Result<Self, Error> {
        let refuse = |error| context.refuse_prompts(step.prompts.as_deref(), &subject.name, error);
        let spec = context.prompts(step.prompts.as_deref(), &step.name)?;
        let resolved = ResolvedPrompts::new(spec).map_err(PromptError::Spec).map_err(refuse)?;
        let results: BTreeMap<i64, u32> = set
            .prompts
            .iter()
            .filter_map(|prompt| Some((prompt.calculation()?.result, prompt.answer_token())))
            .collect();
        let n_vocab = subject.model.facts().n_vocab;
        let integers = match set.prompts.first() {
            Some(first) => integers(&resolved, subject.model.tokenizer(), first, 0..INTEGERS),
            None => Vec::new(),
        };
        let further = results.iter().filter(|(result, _)| !(0..INTEGERS).contains(*result));
        let all: Vec<(i64, u32)> = integers
            .into_iter()
            .filter(|&(_, token)| (token as usize) < n_vocab)
            .chain(further.map(|(&result, &token)| (result, token)))
            .collect();
        let tokens = all.iter().map(|&(_, token)| token).chain(results.values().copied()).collect();
        Ok(Self {
            integers: all.into_iter().map(|(integer, _)| integer).collect(),
            results: results.into_keys().collect(),
            tokens,
        })
    }

    /// Where some of the results are among them.
    pub fn indices(&self, results: &[i64]) -> Vec<usize> {
        results.iter().filter_map(|result| self.results.binary_search(result).ok()).collect()
    }

    /// Of each prompt, where its result is among them.
    pub fn of_prompts(&self, set: &GroupPrompts) -> Vec<(i64, i64, usize)> {
        let index = |answer: i64| self.results.partition_point(|&result| result < answer);
        set.calculations().map(|one| (one.a, one.b, index(one.result))).collect()
    }

    /// The logits of neurons, those of a layer next to each other.
    pub fn logits(&self, neurons: &[RankedNeuron], subject: &ModelRun) -> Vec<Logits> {
        let transformer = subject.model.transformer();
        let layers = neurons.chunk_by(|one, other| one.layer == other.layer);
        let logits = layers.flat_map(|part| {
            let numbers: Vec<usize> = part.iter().map(|neuron| neuron.neuron).collect();
            value_logits(transformer, part[0].layer, &numbers, &self.tokens)
        });
        let logits: Vec<f32> = logits.collect();
        logits.chunks(self.tokens.len().max(1)).map(|logits| self.one(logits)).collect()
    }

    fn one(&self, logits: &[f32]) -> Logits {
        let (integers, results) = logits.split_at(self.integers.len());
        let mut order: Vec<usize> = (0..integers.len()).collect();
        order.sort_by(|&one, &other| integers[other].total_cmp(&integers[one]));
        let top = order.iter().take(TOP).map(|&index| self.integers[index]).collect();
        Logits { results: results.to_vec(), top }
    }
}

/// The same in random order.
pub fn shuffled(indices: &[usize], seed: u64) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut indices = indices.to_vec();
    indices.shuffle(&mut random);
    indices
}

/// The activations of neurons, one after the other, those of each in an order of its own.
pub fn disordered(activations: &[f32], neurons: &[RankedNeuron], seed: u64) -> Vec<f32> {
    let mut activations = activations.to_vec();
    let each = activations.len() / neurons.len().max(1);
    for (activations, neuron) in activations.chunks_mut(each.max(1)).zip(neurons) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(((neuron.layer as u64) << 32) + neuron.neuron as u64 + 1);
        activations.shuffle(&mut random);
    }
    activations
}

/// Integers as text.
pub fn listed(integers: &[i64]) -> String {
    integers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// Names of the matches, the best first.
pub fn joined(matches: &[crate::heuristic::Match]) -> String {
    matches.iter().map(|one| one.heuristic.to_string()).collect::<Vec<_>>().join("; ")
}
