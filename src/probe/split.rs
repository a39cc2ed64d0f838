//! Which prompts a classifier learns from, which it is tested on, and in which order it sees the first.

use crate::random::{Purpose, stream};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Rows to learn from and rows to be tested on, each ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSplit {
    /// To learn from.
    pub train: Vec<usize>,
    /// To be tested on.
    pub test: Vec<usize>,
}

impl RowSplit {
    /// `count` rows, `share` of them (rounded) drawn to learn from.
    pub fn new(count: usize, share: f64, seed: u64) -> Self {
        let mut rows: Vec<usize> = (0..count).collect();
        rows.shuffle(&mut stream(seed, Purpose::Split));
        let mut train = rows;
        let mut test = train.split_off(((count as f64 * share).round() as usize).min(count));
        train.sort_unstable();
        test.sort_unstable();
        Self { train, test }
    }

    /// The rows that something is measured on, and the name of that part: `test`, or `train` where there are no others.
    pub fn measured(&self) -> (&[usize], &'static str) {
        if self.test.is_empty() { (&self.train, "train") } else { (&self.test, "test") }
    }

    /// Those of its rows that are wanted.
    pub fn only(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let some = |rows: &[usize]| rows.iter().copied().filter(|&row| wanted(row)).collect();
        Self { train: some(&self.train), test: some(&self.test) }
    }
}

/// The rows to learn from in an order that is drawn anew for each epoch, without end.
#[derive(Debug, Clone)]
pub struct EpochOrder {
    rows: Vec<usize>,
    random: ChaCha8Rng,
}

impl EpochOrder {
    /// Of these rows; the same for the same seed.
    pub fn new(rows: &[usize], seed: u64) -> Self {
        Self { rows: rows.to_vec(), random: stream(seed, Purpose::Order) }
    }
}

impl Iterator for EpochOrder {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        self.rows.shuffle(&mut self.random);
        Some(self.rows.clone())
    }
}
