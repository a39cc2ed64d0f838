//! Wilson's score interval of a proportion.

/// Quantile of the standard normal distribution at 0.975: two-sided 95 %.
pub const Z95: f64 = 1.959_963_984_540_054;

/// Both ends of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The 95 % score interval of the probability behind `correct` of `n` (Wilson 1927, without continuity correction):
/// (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Unlike p ± 1.96·√(p(1−p)/n) it stays within 0..1 and keeps its
/// width at rates of 0 and 1. No trials say nothing: 0..1.
pub fn wilson(correct: u64, n: u64) -> Interval {
    wilson_mean(correct as f64 / n.max(1) as f64, n)
}

/// The same of a mean of n numbers from 0 to 1, such as each the share of several tries: wide rather than narrow, as they vary no
/// more than n answers that are right or wrong with that mean.
pub fn wilson_mean(mean: f64, n: u64) -> Interval {
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = n as f64;
    let z2 = Z95 * Z95;
    let centre = mean + z2 / (2.0 * n);
    let half = Z95 * (mean * (1.0 - mean) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // At the ends the difference is zero on paper, and a rounding error of either sign here.
    Interval {
        low: if mean <= 0.0 { 0.0 } else { (centre - half) / scale },
        high: if mean >= 1.0 { 1.0 } else { (centre + half) / scale },
    }
}
