//! What a step computes, counted: rows, layers, operations, memory.

use crate::intervene::{CleanRun, Edit, Work, layer_operations, unembedding_operations};
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
    /// Floating-point operations in all.
    pub operations: u64,
    /// Values that are drawn again for intervals, each as often as it is drawn.
    pub resampled: u64,
    /// Values of neurons that are matched with heuristics.
    pub matched: u64,
    /// Seconds of what is not counted but timed.
    pub seconds: f64,
    /// Bytes beside the weights.
    pub memory: u64,
    /// How often every layer is read, about, where layers are read while the model runs.
    pub passes: u64,
    /// What of it is of replayed rows: several devices share it.
    pub shared: ModelWork,
}

/// What models compute of a workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelWork {
    /// Positions of layers that are computed.
    pub positions: u64,
    /// Rows that are unembedded.
    pub unembedded: u64,
    /// Floating-point operations.
    pub operations: u64,
}

impl ModelWork {
    fn times(self, times: u64) -> Self {
        Self {
            positions: times * self.positions,
            unembedded: times * self.unembedded,
            operations: times * self.operations,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            positions: self.positions + other.positions,
            unembedded: self.unembedded + other.unembedded,
            operations: self.operations + other.operations,
        }
    }
}

/// Prompts that are run together at most.
const BATCH: usize = 1024;

impl Workload {
    /// `count` whole forward passes of prompts of `length` tokens.
    pub fn forwards(count: usize, length: usize, facts: &Facts) -> Self {
        let per_forward = (facts.n_layers * length) as u64;
        let positions = count as u64 * per_forward;
        let passes = count.div_ceil(BATCH) as u64;
        Self { naive: count as u64, positions, per_forward, passes, ..Self::default() }
            .operating(positions * layer_operations(facts))
            .unembedding(count, facts)
    }

    /// Each of these interventions on `prompts` prompts of `length` tokens, replayed from the prompts' own runs.
    pub fn replay<'e>(
        interventions: impl Iterator<Item = &'e [Edit]>,
        prompts: usize,
        length: usize,
        facts: &Facts,
        budget: usize,
    ) -> Self {
        let mut count = 0;
        let each = Work::of(interventions.inspect(|_| count += 1), facts, length);
        let rows = (count * prompts) as u64;
        // What the prompts' runs and a sweep take, and never more than there is: prompts and rows are cut into blocks.
        let streams = each.streams * (prompts * 2 * 4 * facts.d_model) as u64;
        let at_once = (4 * (6 * facts.d_model + 3 * facts.widest_mlp()) + 8 * facts.n_vocab) as u64 * rows;
        let memory = (CleanRun::bytes(facts, prompts, length, 4) as u64 + streams + at_once).min(budget as u64);
        let positions = each.positions * prompts as u64;
        let per_forward = (facts.n_layers * length) as u64;
        // A sweep for what half of the memory holds of the rows and of the prompts' runs; then some rows once more, from scratch, and one of
        // them alone.
        let half = (budget as u64 / 2).max(1);
        let sweeps = streams.max(CleanRun::bytes(facts, prompts, length, 4) as u64).div_ceil(half);
        let passes = if rows == 0 { 0 } else { sweeps.max(1) + 3 };
        let replay = Self { rows, naive: rows, positions, per_forward, memory, passes, ..Self::default() }
            .operating(each.operations * prompts as u64)
            .unembedding(each.unembedded as usize * prompts, facts);
        Self { shared: replay.of_models(), ..replay }
    }

    /// What models compute of it, shared or not.
    pub fn of_models(&self) -> ModelWork {
        ModelWork { positions: self.positions, unembedded: self.unembedded, operations: self.operations }
    }

    /// The same on one device, however many there are.
    pub fn unshared(self) -> Self {
        Self { shared: ModelWork::default(), ..self }
    }

    /// The same `times` times, with nothing in common but the memory.
    pub fn times(self, times: usize) -> Self {
        let times = times as u64;
        Self {
            rows: times * self.rows,
            naive: times * self.naive,
            positions: times * self.positions,
            unembedded: times * self.unembedded,
            operations: times * self.operations,
            resampled: times * self.resampled,
            matched: times * self.matched,
            seconds: times as f64 * self.seconds,
            passes: times * self.passes,
            shared: self.shared.times(times),
            ..self
        }
    }

    /// And so many passes over the layers more than counted: of runs that are not made together.
    pub fn passing(self, passes: usize) -> Self {
        Self { passes: self.passes + passes as u64, ..self }
    }

    /// And so many floating-point operations beside the model's layers.
    pub fn operating(self, operations: u64) -> Self {
        Self { operations: self.operations + operations, ..self }
    }

    /// And the logits of so many more rows.
    pub fn unembedding(self, rows: usize, facts: &Facts) -> Self {
        let rows = rows as u64;
        Self { unembedded: self.unembedded + rows, ..self }.operating(rows * unembedding_operations(facts))
    }

    /// And the intervals of the means of so many measures for every row, by so many resamples.
    pub fn measured(self, measures: usize, resamples: usize) -> Self {
        Self { resampled: self.resampled + self.rows * (measures * resamples) as u64, ..self }
    }

    /// And the matching of so many neurons on so many prompts. Values are sorted for it.
    pub fn matching(self, neurons: usize, prompts: usize) -> Self {
        const TIMED: f64 = 10.0;
        let sorting = (prompts.max(2) as f64).log2() / TIMED;
        Self { matched: self.matched + ((neurons * prompts) as f64 * sorting) as u64, ..self }
    }

    /// And as many bytes.
    pub fn keeping(self, bytes: u64) -> Self {
        Self { memory: self.memory + bytes, ..self }
    }

    /// Both, one after the other.
    pub fn and(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            naive: self.naive + other.naive,
            positions: self.positions + other.positions,
            unembedded: self.unembedded + other.unembedded,
            per_forward: self.per_forward.max(other.per_forward),
            operations: self.operations + other.operations,
            resampled: self.resampled + other.resampled,
            matched: self.matched + other.matched,
            seconds: self.seconds + other.seconds,
            memory: self.memory.max(other.memory),
            passes: self.passes + other.passes,
            shared: self.shared.and(other.shared),
        }
    }

    /// Forward passes that what is computed amounts to.
    pub fn forward_equivalents(&self) -> f64 {
        self.positions as f64 / self.per_forward.max(1) as f64
    }
}
