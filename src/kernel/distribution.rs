//! Reductions of logits to a few numbers per row, returned in main memory.

use super::half_width::widen_lane;
use super::operation::{MatrixRow, at_least_f32, each_row, each_row_as_held, values_at};
use super::vector::{exp_lane, vectorise};
use burn::tensor::{Int, Tensor, activation};

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
    let of_row = |row: MatrixRow| match row {
        MatrixRow::Wide(values) => summarise(values),
        MatrixRow::Bits(bits) => summarise(bits),
    };
    let kept = each_row_as_held(&logits, of_row).unwrap_or_else(|| plain_summary(logits));
    let nothing = Summary { log_total: f32::NAN, largest: f32::NAN, arg_max: NO_TOKEN };
    kept.into_iter().map(|summary| if summary.log_total.is_finite() { summary } else { nothing }).collect()
}

fn plain_summary(logits: Tensor<2>) -> Vec<Summary> {
    let logits = logits.clone().cast(at_least_f32(logits.dtype()));
    let largest = logits.clone().max_dim(1);
    let total = (logits.clone() - largest.clone()).exp().sum_dim(1).log() + largest.clone();
    // Vocabularies have fewer tokens than an f32 counts exactly, so that the device is waited for once.
    let index = logits.argmax(1).float().cast(total.dtype());
    let kept = super::to_f32(Tensor::cat(vec![total, largest, index], 1));
    let summary = |row: &[f32]| Summary { log_total: row[0], largest: row[1], arg_max: row[2] as u32 };
    kept.chunks_exact(3).map(summary).collect()
}

/// Values that are looked at together.
const AT_ONCE: usize = 2048;

/// Values that are added side by side.
const LANES: usize = 16;

/// A logit as a row holds it. Rows of both types are computed alike: what no vector is full of first, then the others.
trait HeldLogit: Copy {
    fn wide(self) -> f32;

    /// The larger of each lane and its values.
    fn raise(values: &[Self], lanes: &mut [f32; LANES]);

    /// Adds e^(value − largest) to each lane.
    fn add_exponentials(values: &[Self], largest: f32, totals: &mut [f32; LANES]);

    fn has(values: &[Self], wanted: f32) -> bool;
}

macro_rules! held_logit {
    ($type:ty, $wide:expr) => {
        impl HeldLogit for $type {
            #[inline(always)]
            fn wide(self) -> f32 {
                $wide(self)
            }

            fn raise(values: &[Self], lanes: &mut [f32; LANES]) {
                vectorise! {
                    fn raise(values: &[$type], lanes: &mut [f32; LANES]) {
                        let chunks = values.chunks_exact(LANES);
                        for (lane, value) in lanes.iter_mut().zip(chunks.remainder()) {
                            let value = value.wide();
                            *lane = if value > *lane { value } else { *lane };
                        }
                        for values in chunks {
                            for lane in 0..LANES {
                                let value = values[lane].wide();
                                lanes[lane] = if value > lanes[lane] { value } else { lanes[lane] };
                            }
                        }
                    }
                }
                raise(values, lanes);
            }

            fn add_exponentials(values: &[Self], largest: f32, totals: &mut [f32; LANES]) {
                vectorise! {
                    fn add_exponentials(values: &[$type], largest: f32, totals: &mut [f32; LANES]) {
                        let chunks = values.chunks_exact(LANES);
                        for (total, value) in totals.iter_mut().zip(chunks.remainder()) {
                            *total += exp_lane::<FMA>(value.wide() - largest);
                        }
                        for values in chunks {
                            for lane in 0..LANES {
                                totals[lane] += exp_lane::<FMA>(values[lane].wide() - largest);
                            }
                        }
                    }
                }
                add_exponentials(values, largest, totals);
            }

            fn has(values: &[Self], wanted: f32) -> bool {
                vectorise! {
                    fn has(values: &[$type], wanted: f32) -> bool {
                        values.iter().fold(false, |found, value| found | (value.wide() == wanted))
                    }
                }
                has(values, wanted)
            }
        }
    };
}

held_logit!(f32, |value| value);
held_logit!(u16, widen_lane);

fn summarise<T: HeldLogit>(row: &[T]) -> Summary {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    T::raise(row, &mut lanes);
    let largest = lanes.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
    let mut totals = [0.0f32; LANES];
    T::add_exponentials(row, largest, &mut totals);
    let total: f64 = totals.iter().map(|&total| f64::from(total)).sum();
    let arg_max = row.chunks(AT_ONCE).enumerate().find_map(|(chunk, values)| {
        // All are compared first, which takes a fraction of what looking for the first does.
        let place = || values.iter().position(|value| value.wide() == largest).unwrap_or(0);
        T::has(values, largest).then(|| chunk * AT_ONCE + place())
    });
    let log_total = (total.ln() + f64::from(largest)) as f32;
    Summary { log_total, largest, arg_max: arg_max.unwrap_or(0) as u32 }
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
    let places = tokens.iter().enumerate().map(|(index, &token)| index / picks * n_vocab + token as usize);
    values_at(&logits, places).unwrap_or_else(|| {
        let tokens = tokens_of(tokens, [rows, picks], &logits);
        super::to_f32(logits.gather(1, tokens))
    })
}

/// How many logits are larger than that of a token, one token for each row of `logits`, `[row, n_vocab]`: 0 for the
/// largest; equals do not count.
pub fn rank(logits: Tensor<2>, tokens: &[u32]) -> Vec<u32> {
    let [rows, n_vocab] = logits.dims();
    debug_assert_eq!(tokens.len(), rows);
    let larger = |row: usize, logits: &[f32]| {
        let own = logits[tokens[row] as usize];
        logits.iter().map(|&value| u32::from(value > own)).sum()
    };
    each_row(&logits, larger).unwrap_or_else(|| {
        let tokens = tokens_of(tokens, [rows, 1], &logits);
        let own = logits.clone().gather(1, tokens).expand([rows, n_vocab]);
        let counts = super::to_f32(logits.greater(own).int().sum_dim(1).float());
        counts.into_iter().map(|count| count as u32).collect()
    })
}

/// Tokens as places among logits, where those lie.
fn tokens_of(tokens: &[u32], shape: [usize; 2], logits: &Tensor<2>) -> Tensor<2, Int> {
    super::indices(tokens.iter().map(|&token| token as usize), &logits.device()).reshape(shape)
}
