//! Cross-entropy of logits with the right tokens.

use super::operation::{Array, Operation, run};
use super::vector::{exp_lane, sum, vectorise};
use burn::tensor::{Int, Tensor, TensorData, activation};

/// Mean cross-entropy of logits `[batch, n_vocab]` against one token per row, in nats, `[1]`.
///
/// # Panics
/// If there is not one target below `n_vocab` per row.
pub fn cross_entropy(logits: Tensor<2>, targets: &[u32]) -> Tensor<1> {
    let [batch, n_vocab] = logits.dims();
    assert_eq!(targets.len(), batch, "one target per row of logits");
    assert!(targets.iter().all(|&target| (target as usize) < n_vocab), "targets are below the size of the vocabulary");
    run(CrossEntropy { targets: targets.to_vec() }, [logits.into_dispatch()], |[logits]| {
        let logits = Tensor::<2>::from_dispatch(logits);
        let ids: Vec<i64> = targets.iter().map(|&target| i64::from(target)).collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [batch, 1]), &logits.device());
        -activation::log_softmax(logits, 1).gather(1, ids).mean()
    })
}

/// Cross-entropy of rows of `width` logits against one target each: Σ over the rows, in nats, and its gradient times `factor`,
/// factor · (softmax − one-hot), in place of the logits.
///
/// # Panics
/// If there is not one target below `width` per row.
pub fn cross_entropy_of_rows(logits: &mut [f32], targets: &[u32], width: usize, factor: f32) -> f64 {
    assert_eq!(logits.len(), targets.len() * width, "one target per row of logits");
    let mut total = 0.0;
    for (row, &target) in logits.chunks_exact_mut(width.max(1)).zip(targets) {
        let log_sum = log_sum_exp(row);
        total += f64::from(log_sum - row[target as usize]);
        scaled_softmax_in_place(row, log_sum, factor);
        row[target as usize] -= factor;
    }
    total
}

vectorise! {
    // factor·softmax(row), in its place
    fn scaled_softmax_in_place(row: &mut [f32], log_sum: f32, factor: f32) {
        for x in row {
            *x = factor * exp_lane::<FMA>(*x - log_sum);
        }
    }
}

#[derive(Debug, Clone)]
struct CrossEntropy {
    targets: Vec<u32>,
}

vectorise! {
    // Logarithm of Σ e^logit, stable for any finite logits.
    fn log_sum_exp(row: &[f32]) -> f32 {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        largest + sum(row, |x| exp_lane::<FMA>(x - largest)).ln()
    }
}

impl Operation<1> for CrossEntropy {
    fn forward(&self, [logits]: [Array; 1]) -> (Vec<usize>, Vec<f32>) {
        let rows = logits.data.chunks_exact(logits.width().max(1));
        // Summed in f64: the mean of thousands of losses keeps its digits.
        let total: f64 =
            rows.zip(&self.targets).map(|(row, &target)| f64::from(log_sum_exp(row) - row[target as usize])).sum();
        (vec![1], vec![(total / self.targets.len() as f64) as f32])
    }

    fn backward(&self, [logits]: [Array; 1], _: &[f32], gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let width = logits.width().max(1);
        let factor = gradient.first().copied().unwrap_or(0.0) / self.targets.len() as f32;
        let mut out = logits.data.to_vec();
        for (row, &target) in out.chunks_exact_mut(width).zip(&self.targets) {
            scaled_softmax_in_place(row, log_sum_exp(row), factor);
            row[target as usize] -= factor;
        }
        [Some(out)]
    }
}
