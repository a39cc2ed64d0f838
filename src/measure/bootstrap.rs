//! Means with bootstrap intervals: resamples of the prompts, the same for every quantity that is averaged over them. A prompt that
//! several draws have in common is drawn once, with its values of all draws.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// Mean, spread and interval of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BootstrapMean {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1); not a number for one value.
    pub std: f64,
    /// Lower end of the 95 % percentile interval of the resampled means; not a number without resamples.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Resamples with replacement of what values are of, kept as how often each value is drawn.
#[derive(Debug, Clone)]
pub struct Resamples {
    n: usize,
    /// `[resample, value]`, how often it is drawn: whole numbers, so that resamples of equal values have exactly their mean.
    weights: Vec<f64>,
    /// How many values each resample has.
    totals: Vec<f64>,
}

impl Resamples {
    /// `count` resamples of `n` values; the same for the same numbers.
    pub fn new(n: usize, count: usize, seed: u64) -> Self {
        Self::of(&(0..n).collect::<Vec<_>>(), count, seed)
    }

    /// The same of values that are not all of different things: `things` says what each is of, numbers from 0. Things are drawn, each
    /// with all of its values: drawn one by one, values of one thing would pass for as many things.
    pub fn of(things: &[usize], count: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let n = things.len();
        let distinct = things.iter().max().map_or(0, |&last| last + 1);
        let mut drawn = vec![0.0; distinct];
        let (mut weights, mut totals) = (Vec::new(), Vec::new());
        if distinct > 1 {
            weights.reserve_exact(n * count);
            for _ in 0..count {
                drawn.fill(0.0);
                for _ in 0..distinct {
                    // The remainder's bias is below n / 2^64.
                    drawn[(random.next_u64() % distinct as u64) as usize] += 1.0;
                }
                weights.extend(things.iter().map(|&thing| drawn[thing]));
                totals.push(weights[weights.len() - n..].iter().sum());
            }
        }
        Self { n, weights, totals }
    }

    /// The mean of `values`, n of them, with its interval.
    pub fn mean(&self, values: &[f64]) -> BootstrapMean {
        debug_assert_eq!(values.len(), self.n);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { f64::NAN };
        if self.weights.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return BootstrapMean { mean, std, low: f64::NAN, high: f64::NAN };
        }
        let resamples = self.weights.chunks_exact(self.n).zip(&self.totals);
        let mut means: Vec<f64> = resamples.map(|(weights, total)| weighted_sum(weights, values) / total).collect();
        BootstrapMean { mean, std, low: quantile(&mut means, 0.025), high: quantile(&mut means, 0.975) }
    }
}

/// A percentile between order statistics, linearly, as numpy has it; reorders the values.
pub(super) fn quantile(values: &mut [f64], q: f64) -> f64 {
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
