//! How well coordinates tell classes apart.

use crate::measure::{Interval, Z95};

/// The area under the ROC curve: the probability that a value of `of` is larger than one of `minus`, ties counted half (Mann and Whitney);
/// with its 95 % interval by DeLong, DeLong and Clarke-Pearson 1988. None where one of them is empty.
pub fn auc(of: &[f64], minus: &[f64]) -> Option<(f64, Interval)> {
    if of.is_empty() || minus.is_empty() {
        return None;
    }
    // The share of the others that each value is on the right side of.
    let below = placements(of, minus);
    let above: Vec<f64> = placements(minus, of).into_iter().map(|share| 1.0 - share).collect();
    let mean = below.iter().sum::<f64>() / below.len() as f64;
    let spread = |shares: &[f64]| match shares.len() {
        0 | 1 => 0.0,
        n => shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / ((n - 1) * n) as f64,
    };
    let half = Z95 * (spread(&below) + spread(&above)).sqrt();
    Some((mean, Interval { low: (mean - half).max(0.0), high: (mean + half).min(1.0) }))
}

/// For each value the share of `others` that are smaller, ties counted half.
fn placements(values: &[f64], others: &[f64]) -> Vec<f64> {
    let mut sorted = others.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = |&value: &f64| {
        let smaller = sorted.partition_point(|other| *other < value);
        let not_larger = sorted.partition_point(|other| *other <= value);
        (smaller + not_larger) as f64 / 2.0 / others.len() as f64
    };
    values.iter().map(place).collect()
}

/// The nearest of some points, the first of several: of two classes in one dimension, the side of the midpoint of their means.
pub fn nearest(point: &[f64], centres: &[Vec<f64>]) -> Option<usize> {
    let distance =
        |centre: &Vec<f64>| centre.iter().zip(point).map(|(centre, value)| (centre - value).powi(2)).sum::<f64>();
    let distances = centres.iter().map(distance);
    distances.enumerate().reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(index, _)| index)
}

/// The mean of draws, and the value that at most one in twenty of them is above: the 95 % quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlDraws {
    /// Their mean.
    pub mean: f64,
    /// Their 95 % quantile.
    pub high: f64,
}

impl ControlDraws {
    /// Of some draws; none where there are none that are numbers.
    pub fn of(draws: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut draws: Vec<f64> = draws.into_iter().filter(|draw| draw.is_finite()).collect();
        draws.sort_by(f64::total_cmp);
        let last = draws.len().checked_sub(1)?;
        let high = draws[((0.95 * draws.len() as f64).ceil() as usize).saturating_sub(1).min(last)];
        Some(Self { mean: draws.iter().sum::<f64>() / draws.len() as f64, high })
    }
}
