//! One fully connected layer with a bias, and a softmax.

use super::features::Features;
use crate::kernel::{MatrixView, cross_entropy_of_rows, product_into};
use crate::random::{Purpose, stream};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Rows that are judged at once.
const ROWS: usize = 1024;

/// Logits of row x: x·weight + bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// `[inputs, classes]`, row by row.
    pub weight: Vec<f32>,
    /// `[classes]`
    pub bias: Vec<f32>,
}

/// What a classifier says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Whether the class of the largest logit (of several: the first) is the right one.
    pub correct: bool,
    /// Cross-entropy of the right class, in nats.
    pub loss: f64,
}

impl Classifier {
    /// The first weights and biases: uniform within ±1/√inputs, as PyTorch's `nn.Linear` begins.
    pub fn random(inputs: usize, classes: usize, seed: u64) -> Self {
        let mut random = stream(seed, Purpose::Weights);
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count).map(|_| (bound * (2.0 * random.random::<f64>() - 1.0)) as f32).collect()
        };
        Self { weight: draw(inputs * classes), bias: draw(classes) }
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        self.bias.len()
    }

    /// Logits `[row, classes]` of rows `[row, inputs]`, into `out`.
    pub(super) fn logits(&self, x: &[f32], rows: usize, out: &mut Vec<f32>) {
        let (inputs, classes) = (self.weight.len() / self.classes().max(1), self.classes());
        out.clear();
        for _ in 0..rows {
            out.extend_from_slice(&self.bias);
        }
        product_into(MatrixView::dense(x, rows, inputs), MatrixView::dense(&self.weight, inputs, classes), out, true);
    }

    /// What it says of some rows, whose right classes are `labels[row]`.
    pub fn judge(&self, features: &Features, labels: &[u32], rows: &[usize]) -> Vec<Judged> {
        let (mut x, mut logits, mut row_of) = (Vec::new(), Vec::new(), Vec::new());
        let mut judged = Vec::with_capacity(rows.len());
        for part in rows.chunks(ROWS) {
            features.gather(part, &mut x);
            self.logits(&x, part.len(), &mut logits);
            for (logits, &row) in logits.chunks_exact(self.classes().max(1)).zip(part) {
                let label = labels[row];
                row_of.clear();
                row_of.extend_from_slice(logits);
                let loss = cross_entropy_of_rows(&mut row_of, &[label], self.classes(), 1.0);
                judged.push(Judged { correct: largest(logits) == label as usize, loss });
            }
        }
        judged
    }
}

/// The first of the largest values.
fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
