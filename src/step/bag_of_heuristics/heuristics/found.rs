//! A neuron with the heuristics that match it.

use super::neurons::RankedNeuron;
use crate::heuristic::Match;

/// A neuron with what it matches.
#[derive(Debug, Clone)]
pub struct NeuronMatches {
    /// The neuron.
    pub neuron: RankedNeuron,
    /// The heuristics, the best first.
    pub matches: Vec<Match>,
    /// How many on the result it would match with its value vector's logits shuffled over the results.
    pub control: usize,
    /// How many on operands it would match with its activations shuffled over the prompts.
    pub control_operands: usize,
    /// The integers with the highest logits in its value vector, the highest first.
    pub top: Vec<i64>,
}

impl NeuronMatches {
    /// How many of its matches are on operands.
    pub fn indirect(&self) -> usize {
        self.matches.len() - self.direct()
    }

    /// How many of its matches are on the result.
    pub fn direct(&self) -> usize {
        self.matches.iter().filter(|one| one.heuristic.is_direct()).count()
    }
}
