//! p-values of means by flipping signs (Fisher 1935, §21; Good 2005, Permutation, parametric, and bootstrap tests, §3.2), and
//! Holm's correction of several (Holm 1979, A simple sequentially rejective multiple test procedure).

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use std::collections::BTreeMap;

/// Of so many things every combination of signs is looked at.
const EXACT: usize = 16;

/// How much two sums of one size may differ by rounding, as a share of the sum of their terms' sizes.
const ROUNDING: f64 = 1e-12;

/// Combinations of signs, the same for every mean over the same things.
#[derive(Debug, Clone)]
pub struct SignFlips {
    things: Vec<usize>,
    distinct: usize,
    /// `[resample, word]`: the signs of 64 things in each; none where all combinations are looked at.
    signs: Vec<u64>,
    resamples: usize,
}

impl SignFlips {
    /// Of values of things: `things` says what each value is of, numbers from 0. The values of one thing keep their signs together,
    /// as [`super::Resamples::of`] draws them together.
    pub fn of(things: &[usize], resamples: usize, seed: u64) -> Self {
        let distinct = things.iter().max().map_or(0, |&last| last + 1);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let words = if distinct > EXACT { distinct.div_ceil(64) * resamples } else { 0 };
        let signs = (0..words).map(|_| random.next_u64()).collect();
        Self { things: things.to_vec(), distinct, signs, resamples }
    }

    /// The two-sided p-value of the mean of `differences`, one for each value: the share of combinations of signs whose sum is at least
    /// as far from 0. Exact where at most 16 things have a sum that is not 0, for a sign of nothing changes nothing; else
    /// (1 + those as far) / (1 + resamples), which keeps the level (Phipson and Smyth 2010). Values that are not finite are left out;
    /// not a number where none are left.
    pub fn p(&self, differences: &[f64]) -> f64 {
        debug_assert_eq!(differences.len(), self.things.len());
        let mut sums = vec![0.0; self.distinct];
        let mut any = false;
        for (&thing, difference) in self.things.iter().zip(differences).filter(|(_, value)| value.is_finite()) {
            sums[thing] += difference;
            any = true;
        }
        if !any {
            return f64::NAN;
        }
        let sizes: f64 = sums.iter().map(|sum| sum.abs()).sum();
        let far = sums.iter().sum::<f64>().abs() - ROUNDING * sizes;
        let moving: Vec<f64> = sums.iter().copied().filter(|sum| *sum != 0.0).collect();
        match moving.len() {
            count if count <= EXACT => exact(&moving, far),
            _ => self.drawn(&sums, far),
        }
    }

    fn drawn(&self, sums: &[f64], far: f64) -> f64 {
        let words = self.distinct.div_ceil(64);
        let flipped = |signs: &[u64]| -> f64 {
            let of_word = |(word, sums): (&u64, &[f64])| -> f64 {
                let sign = |(place, sum): (usize, &f64)| f64::from_bits(sum.to_bits() ^ (word >> place << 63));
                sums.iter().enumerate().map(sign).sum()
            };
            signs.iter().zip(sums.chunks(64)).map(of_word).sum()
        };
        let as_far = self.signs.chunks_exact(words).filter(|signs| flipped(signs).abs() >= far).count();
        (1 + as_far) as f64 / (1 + self.resamples) as f64
    }
}

/// The smallest p-value that values of so many things can have.
pub fn least_p(things: usize, resamples: usize) -> f64 {
    match things {
        things if things <= EXACT => 0.5_f64.powi(things.saturating_sub(1) as i32),
        _ => 1.0 / (resamples + 1) as f64,
    }
}

/// The share of all combinations of signs whose sum is at least `far` from 0. The first sign stays: with all signs turned a sum is as far.
fn exact(sums: &[f64], far: f64) -> f64 {
    let Some((&first, rest)) = sums.split_first() else { return 1.0 };
    // Sums of the two halves: each of the whole is of one addition, and its rounding does not grow with their number.
    let (low, high) = rest.split_at(rest.len() / 2);
    let (low, high) = (combinations(0.0, low), combinations(first, high));
    let as_far = high.iter().flat_map(|high| low.iter().map(move |low| high + low)).filter(|sum| sum.abs() >= far);
    as_far.count() as f64 / (low.len() * high.len()) as f64
}

/// `start` plus the terms, with every combination of signs.
fn combinations(start: f64, terms: &[f64]) -> Vec<f64> {
    terms.iter().fold(vec![start], |sums, term| sums.iter().flat_map(|sum| [sum + term, sum - term]).collect())
}

/// Holm's adjusted p-values: of m, the i-th smallest becomes the largest of min(1, (m − j + 1) · p₍ⱼ₎) over j ≤ i. What is no number is
/// not among the m and stays none.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|&index| !p[index].is_nan()).collect();
    order.sort_by(|&one, &other| p[one].total_cmp(&p[other]));
    let mut adjusted = vec![f64::NAN; p.len()];
    let mut largest: f64 = 0.0;
    for (place, &index) in order.iter().enumerate() {
        largest = largest.max((order.len() - place) as f64 * p[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Holm's correction within each family: `family` says which each p-value is of.
pub fn holm_within<F: Ord>(p: &[f64], family: impl Fn(usize) -> F) -> Vec<f64> {
    let mut families: BTreeMap<F, Vec<usize>> = BTreeMap::new();
    (0..p.len()).for_each(|index| families.entry(family(index)).or_default().push(index));
    let mut adjusted = vec![f64::NAN; p.len()];
    for members in families.values() {
        let own: Vec<f64> = members.iter().map(|&index| p[index]).collect();
        members.iter().zip(holm(&own)).for_each(|(&index, value)| adjusted[index] = value);
    }
    adjusted
}
