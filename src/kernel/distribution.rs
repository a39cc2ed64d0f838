//! Reductions of logits to a few numbers per row, returned in main memory.

use super::elementwise::piece_rows;
use super::operation::{Array, at_least_f32, run_without_gradient};
use super::threads::each_piece;
use super::vector::{exp_lane, vectorise};
use burn::tensor::{Int, Tensor, TensorData, activation};
use rayon::prelude::*;

/// What is kept of a row of logits. Of a row with a logit that is not finite, nothing is a number, and no token the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// ln Σ exp(logit).
    pub log_total: f32,
    /// The largest logit.
    pub largest: f32,
    /// Its index, the lowest among equals.
    pub arg_max: u32,
}

/// The index of the largest logit where there is none.
const NO_TOKEN: u32 = u32::MAX;

/// The summary of each row of `logits`, `[row, n_vocab]`.
pub fn summary(logits: Tensor<2>) -> Vec<Summary> {
    let n_vocab = logits.dims()[1].max(1);
    let kept: Tensor<2> = run_without_gradient(
        |[logits]: [Array; 1]| {
            let of = |row: &[f32]| {
                let Summary { log_total, largest, arg_max } = summarise(row);
                // The index's bits: it may be larger than an f32 holds exactly.
                [log_total, largest, f32::from_bits(arg_max)]
            };
            let mut rows = vec![[0.0f32; 3]; logits.data.len() / n_vocab];
            each_piece(&mut rows, piece_rows(n_vocab), |piece, rows| {
                let logits = &logits.data[piece * piece_rows(n_vocab) * n_vocab..];
                rows.iter_mut().zip(logits.chunks_exact(n_vocab)).for_each(|(row, logits)| *row = of(logits));
            });
            (vec![rows.len(), 3], rows.as_flattened().to_vec())
        },
        [logits.into_dispatch()],
        |[logits]| {
            let logits = Tensor::<2>::from_dispatch(logits);
            let logits = logits.clone().cast(at_least_f32(logits.dtype()));
            let largest = logits.clone().max_dim(1);
            let total = (logits.clone() - largest.clone()).exp().sum_dim(1).log() + largest.clone();
            let index: Vec<i64> = logits.argmax(1).into_data().convert::<i64>().try_into_vec().unwrap_or_default();
            let index: Vec<f32> = index.into_iter().map(|index| f32::from_bits(index as u32)).collect();
            let host = |tensor: Tensor<2>| super::to_f32(tensor);
            let columns = [host(total), host(largest), index];
            let rows = columns[0].len();
            let data: Vec<f32> = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
            Tensor::from_data(TensorData::new(data, [rows, 3]), &burn::tensor::Device::flex())
        },
    );
    let summary = |row: &[f32]| match row[0].is_finite() {
        true => Summary { log_total: row[0], largest: row[1], arg_max: row[2].to_bits() },
        false => Summary { log_total: f32::NAN, largest: f32::NAN, arg_max: NO_TOKEN },
    };
    super::to_f32(kept).chunks_exact(3).map(summary).collect()
}

vectorise! {
    fn summarise(row: &[f32]) -> Summary {
        let mut lanes = [f32::NEG_INFINITY; 16];
        let chunks = row.chunks_exact(16);
        for (lane, value) in lanes.iter_mut().zip(chunks.remainder()) {
            *lane = *value;
        }
        for chunk in chunks {
            for lane in 0..16 {
                lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
            }
        }
        let largest = lanes.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
        let mut totals = [0.0f32; 16];
        let chunks = row.chunks_exact(16);
        for (total, value) in totals.iter_mut().zip(chunks.remainder()) {
            *total = exp_lane::<FMA>(*value - largest);
        }
        for chunk in chunks {
            for lane in 0..16 {
                totals[lane] += exp_lane::<FMA>(chunk[lane] - largest);
            }
        }
        let total: f64 = totals.iter().map(|&total| f64::from(total)).sum();
        let arg_max = row.iter().position(|&value| value == largest).unwrap_or(0) as u32;
        Summary { log_total: (total.ln() + f64::from(largest)) as f32, largest, arg_max }
    }
}

/// KL(p ‖ q) in nats of each row of the distributions that two arrays of logits, `[row, n_vocab]`, stand for.
pub fn divergence(p: Tensor<2>, q: Tensor<2>) -> Vec<f32> {
    let dtype = at_least_f32(p.dtype());
    let p = activation::log_softmax(p.cast(dtype), 1);
    let q = activation::log_softmax(q.cast(dtype), 1);
    // Never below zero but for rounding; `max` would make zero of what is not a number.
    let rounded = |value: f32| if value < 0.0 { 0.0 } else { value };
    super::to_f32((p.clone().exp() * (p - q)).sum_dim(1)).into_iter().map(rounded).collect()
}

/// The logits of `tokens`, as many for each row of `logits`, `[row, n_vocab]`.
pub fn pick(logits: Tensor<2>, tokens: &[u32]) -> Vec<f32> {
    let [rows, n_vocab] = logits.dims();
    let picks = tokens.len() / rows.max(1);
    if picks == 0 {
        return Vec::new();
    }
    let device = logits.device();
    let picked = run_without_gradient(
        |[logits]: [Array; 1]| {
            let of = |(index, &token): (usize, &u32)| logits.data[index / picks * n_vocab + token as usize];
            (vec![rows, picks], tokens.iter().enumerate().map(of).collect())
        },
        [logits.into_dispatch()],
        |[logits]| {
            let tokens: Vec<i64> = tokens.iter().map(|&token| i64::from(token)).collect();
            let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [rows, picks]), &device);
            Tensor::<2>::from_dispatch(logits).gather(1, tokens)
        },
    );
    super::to_f32(picked)
}

/// How many logits are larger than that of a token, one token for each row of `logits`, `[row, n_vocab]`: 0 for the
/// largest; equals do not count.
pub fn rank(logits: Tensor<2>, tokens: &[u32]) -> Vec<u32> {
    let [rows, n_vocab] = logits.dims();
    debug_assert_eq!(tokens.len(), rows);
    let device = logits.device();
    let ranks: Tensor<2> = run_without_gradient(
        |[logits]: [Array; 1]| {
            // The count's bits: it may be larger than an f32 holds exactly.
            let of = |(row, &token): (&[f32], &u32)| {
                let own = row[token as usize];
                f32::from_bits(row.iter().map(|&value| u32::from(value > own)).sum())
            };
            (vec![rows, 1], logits.data.par_chunks(n_vocab.max(1)).zip(tokens).map(of).collect())
        },
        [logits.into_dispatch()],
        |[logits]| {
            let logits = Tensor::<2>::from_dispatch(logits);
            let tokens: Vec<i64> = tokens.iter().map(|&token| i64::from(token)).collect();
            let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [rows, 1]), &device);
            let own = logits.clone().gather(1, tokens).expand([rows, n_vocab]);
            let counts = logits.greater(own).int().sum_dim(1).into_data().convert::<i64>();
            let counts: Vec<i64> = counts.try_into_vec().unwrap_or_default();
            let bits: Vec<f32> = counts.into_iter().map(|count| f32::from_bits(count as u32)).collect();
            Tensor::from_data(TensorData::new(bits, [rows, 1]), &burn::tensor::Device::flex())
        },
    );
    super::to_f32(ranks).into_iter().map(f32::to_bits).collect()
}
