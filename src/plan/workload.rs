use crate::intervene::{Base, Edit, layer_operations, reach};
use crate::model::facts::Facts;

/// What a step computes, at most: values that happen to equal the base run's make it less.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Workload {
    /// Interventions times prompts.
    pub rows: u64,
    /// Whole forward passes that computing each row alone would take, and those of the prompts themselves.
    pub naive: u64,
    /// Positions of layers that are computed.
    pub positions: u64,
    /// Rows that are unembedded.
    pub unembedded: u64,
    /// Positions of layers of a whole forward pass.
    pub per_forward: u64,
    /// Floating-point operations of what is computed beside the model.
    pub beside: u64,
    /// Floating-point operations in all.
    pub operations: u64,
    /// Bytes beside the weights.
    pub memory: u64,
}

impl Workload {
    /// `count` whole forward passes of prompts of `length` tokens.
    pub fn forwards(count: usize, length: usize, facts: &Facts) -> Self {
        let per_forward = (facts.n_layers * length) as u64;
        Self {
            rows: 0,
            naive: count as u64,
            positions: count as u64 * per_forward,
            unembedded: count as u64,
            per_forward,
            ..Self::default()
        }
        .counted(facts)
    }

    /// Each of these interventions on `prompts` prompts of `length` tokens, replayed from the prompts' own runs.
    pub fn replay<'e>(
        interventions: impl Iterator<Item = &'e [Edit]>,
        prompts: usize,
        length: usize,
        facts: &Facts,
        budget: usize,
    ) -> Self {
        let mut work = Self { per_forward: (facts.n_layers * length) as u64, ..Self::default() };
        let mut widest = 0;
        for edits in interventions {
            work.rows += prompts as u64;
            work.naive += prompts as u64;
            if let Some(positions) = reach(edits, facts, length) {
                work.positions += positions * prompts as u64;
                work.unembedded += prompts as u64;
            }
            widest = widest.max(edits.len());
        }
        // What a sweep takes at most, and never more than its rows need.
        let streams = work.rows * (2 * 4 * length * facts.d_model) as u64;
        let at_once = (4 * (6 * facts.d_model + 3 * facts.d_mlp) + 8 * facts.n_vocab) as u64 * work.rows;
        work.memory = Base::bytes(facts, prompts, length, 4) as u64 + (streams + at_once).min(budget as u64);
        work.counted(facts)
    }

    /// Both, one after the other.
    pub fn and(self, other: Self, facts: &Facts) -> Self {
        Self {
            rows: self.rows + other.rows,
            naive: self.naive + other.naive,
            positions: self.positions + other.positions,
            unembedded: self.unembedded + other.unembedded,
            per_forward: self.per_forward.max(other.per_forward),
            beside: self.beside + other.beside,
            operations: 0,
            memory: self.memory.max(other.memory),
        }
        .counted(facts)
    }

    /// Forward passes that what is computed amounts to.
    pub fn forward_equivalents(&self) -> f64 {
        self.positions as f64 / self.per_forward.max(1) as f64
    }

    fn counted(self, facts: &Facts) -> Self {
        let unembedding = 2 * (facts.d_model * facts.n_vocab) as u64;
        let model = self.positions * layer_operations(facts) + self.unembedded * unembedding;
        Self { operations: model + self.beside, ..self }
    }
}
