//! What measures need of the logits, reduced where the logits are.

use crate::kernel;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// What is wanted of each row's logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogitRead {
    /// Tokens whose logits are picked, per row.
    pub picks: usize,
    /// How many of the first picks are answers whose rank is wanted, that of the one with the largest logit; 0 where none is.
    pub ranked: usize,
    /// Whether the whole distribution is needed: the largest logit, its token and the logarithm of the sum of exponentials.
    pub distribution: bool,
    /// Whether the divergence from the base run is: KL(base ‖ row), in nats.
    pub divergence: bool,
}

/// Rows of logits gathered at once.
const ROWS_AT_ONCE: usize = 256;

/// Numbers of each row's logits at the last position.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LogitReads {
    /// `[row, pick]`
    pub picked: Vec<f32>,
    /// Number of picks per row.
    pub picks: usize,
    /// ln Σ exp(logit); empty unless the distribution was wanted.
    pub log_total: Vec<f32>,
    /// The largest logit.
    pub largest: Vec<f32>,
    /// Its token, the lowest among equals.
    pub arg_max: Vec<u32>,
    /// KL(base ‖ row) in nats; empty unless wanted.
    pub divergence: Vec<f32>,
    /// How many tokens have a larger logit than the answers that are ranked; empty unless wanted.
    pub rank: Vec<u32>,
}

impl LogitReads {
    /// Room for `rows` rows.
    pub(super) fn new(rows: usize, wanted: LogitRead) -> Self {
        let room = |wanted: bool| vec![f32::NAN; if wanted { rows } else { 0 }];
        Self {
            picked: vec![f32::NAN; rows * wanted.picks],
            picks: wanted.picks,
            log_total: room(wanted.distribution),
            largest: room(wanted.distribution),
            arg_max: vec![0; if wanted.distribution { rows } else { 0 }],
            divergence: room(wanted.divergence),
            rank: vec![0; if wanted.ranked > 0 { rows } else { 0 }],
        }
    }

    /// What is wanted of rows of `logits`, `[run, n_vocab]`, several of which may be of one run.
    pub fn of(logits: &Tensor<2>, runs: &[usize], tokens: &dyn Fn(usize) -> Vec<u32>, wanted: LogitRead) -> Self {
        let mut readouts = Self::new(0, wanted);
        let numbers: Vec<usize> = (0..runs.len()).collect();
        for part in numbers.chunks(ROWS_AT_ONCE) {
            let runs: Vec<usize> = part.iter().map(|&number| runs[number]).collect();
            let logits = super::tensors::gather(logits, &runs);
            readouts.extend(Self::read(logits.clone(), part, tokens, || logits, wanted));
        }
        readouts
    }

    /// Appends the readouts of further rows.
    pub fn extend(&mut self, more: LogitReads) {
        self.picks = more.picks;
        self.picked.extend(more.picked);
        self.log_total.extend(more.log_total);
        self.largest.extend(more.largest);
        self.arg_max.extend(more.arg_max);
        self.divergence.extend(more.divergence);
        self.rank.extend(more.rank);
    }

    /// The logits of a row's picks.
    pub fn logits(&self, row: usize) -> &[f32] {
        &self.picked[row * self.picks..(row + 1) * self.picks]
    }

    /// The probability of a row's pick.
    pub fn probability(&self, row: usize, pick: usize) -> f64 {
        (f64::from(self.logits(row)[pick]) - f64::from(self.log_total[row])).exp()
    }

    /// Of `logits`, `[some, n_vocab]`, of the rows numbered `rows`, with the tokens to pick for each and the logits of each row's
    /// prompt in the base run.
    pub(super) fn read(
        logits: Tensor<2>,
        rows: &[usize],
        tokens: impl Fn(usize) -> Vec<u32>,
        base: impl FnOnce() -> Tensor<2>,
        wanted: LogitRead,
    ) -> Self {
        let picks: Vec<u32> = rows.iter().flat_map(|&row| tokens(row)).collect();
        let mut readouts = Self { picks: wanted.picks, ..Self::default() };
        readouts.picked = kernel::pick(logits.clone(), &picks);
        if wanted.ranked > 0 {
            let best: Vec<u32> = (0..rows.len())
                .map(|row| {
                    let first = row * wanted.picks;
                    let ranked = first..first + wanted.ranked;
                    // Equals have one rank: any of them does.
                    let best = ranked.max_by(|&one, &other| readouts.picked[one].total_cmp(&readouts.picked[other]));
                    picks[best.unwrap_or(first)]
                })
                .collect();
            readouts.rank = kernel::rank(logits.clone(), &best);
        }
        if wanted.divergence {
            readouts.divergence = kernel::divergence(base(), logits.clone());
        }
        if wanted.distribution {
            for summary in kernel::summary(logits) {
                readouts.log_total.push(summary.log_total);
                readouts.largest.push(summary.largest);
                readouts.arg_max.push(summary.arg_max);
            }
        }
        readouts
    }

    /// Puts what was read of some rows where it belongs.
    pub(super) fn put(&mut self, rows: &[usize], read: &Self) {
        scatter(&mut self.picked, rows, &read.picked, self.picks);
        scatter(&mut self.log_total, rows, &read.log_total, 1);
        scatter(&mut self.largest, rows, &read.largest, 1);
        scatter(&mut self.arg_max, rows, &read.arg_max, 1);
        scatter(&mut self.divergence, rows, &read.divergence, 1);
        scatter(&mut self.rank, rows, &read.rank, 1);
    }
}

/// Writes `values`, `width` for each of `rows`, to those rows.
fn scatter<T: Copy>(into: &mut [T], rows: &[usize], values: &[T], width: usize) {
    for (&row, values) in rows.iter().zip(values.chunks_exact(width.max(1))) {
        into[row * width..(row + 1) * width].copy_from_slice(values);
    }
}
