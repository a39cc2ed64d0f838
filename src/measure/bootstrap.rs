//! Means with bootstrap intervals: resamples of the prompts, the same for every quantity that is averaged over them.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// Mean, spread and interval of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1); not a number for one value.
    pub std: f64,
    /// Lower end of the 95 % percentile interval of the resampled means; not a number without resamples.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Resamples with replacement of n values, kept as how often each is drawn.
#[derive(Debug, Clone)]
pub struct Resamples {
    n: usize,
    /// `[resample, value]`, how often it is drawn: whole numbers, so that resamples of equal values have exactly their mean.
    weights: Vec<f64>,
}

impl Resamples {
    /// `count` resamples of `n` values; the same for the same numbers.
    pub fn new(n: usize, count: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut weights = vec![0.0; if n > 1 { n * count } else { 0 }];
        for resample in weights.chunks_exact_mut(n.max(1)) {
            for _ in 0..n {
                // The remainder's bias is below n / 2^64.
                resample[(random.next_u64() % n as u64) as usize] += 1.0;
            }
        }
        Self { n, weights }
    }

    /// The mean of `values`, n of them, with its interval.
    pub fn mean(&self, values: &[f64]) -> Mean {
        debug_assert_eq!(values.len(), self.n);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { f64::NAN };
        if self.weights.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return Mean { mean, std, low: f64::NAN, high: f64::NAN };
        }
        let mut means: Vec<f64> =
            self.weights.chunks_exact(self.n).map(|weights| weighted_sum(weights, values) / n).collect();
        Mean { mean, std, low: quantile(&mut means, 0.025), high: quantile(&mut means, 0.975) }
    }
}

/// A percentile between order statistics, linearly, as numpy has it; reorders the values.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let place = q * (values.len() - 1) as f64;
    let (_, &mut below, above) = values.select_nth_unstable_by(place.floor() as usize, f64::total_cmp);
    let above = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    below + place.fract() * (above - below)
}

/// In several sums, so that one addition need not wait for the one before it.
fn weighted_sum(weights: &[f64], values: &[f64]) -> f64 {
    const SUMS: usize = 8;
    let ((weights, more_weights), (values, more_values)) = (weights.as_chunks::<SUMS>(), values.as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for (weights, values) in weights.iter().zip(values) {
        for (sum, (weight, value)) in sums.iter_mut().zip(weights.iter().zip(values)) {
            *sum += weight * value;
        }
    }
    let rest: f64 = more_weights.iter().zip(more_values).map(|(weight, value)| weight * value).sum();
    sums.iter().sum::<f64>() + rest
}
