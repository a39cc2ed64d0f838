//! What sets of units drawn at random do, beside what a set does that somebody chose.

use super::bootstrap::quantile;

/// What random sets did, each a mean over the same prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChanceSpread {
    /// Mean over the sets.
    pub mean: f64,
    /// The 2.5th percentile of the sets, linear between order statistics; of few sets, near the least.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
    /// How many sets.
    pub draws: usize,
    /// The chance that a random set is at least as strong: (1 + those that are) / (1 + draws), exact for one more draw than there
    /// are (Phipson and Smyth 2010).
    pub p: f64,
}

/// Which sets are the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stronger {
    /// Those that take the measure further from what it is without an edit: what is taken away or changed.
    Farther,
    /// Those that leave it nearer: what is kept.
    Nearer,
}

impl ChanceSpread {
    /// Of random sets beside one whose mean is `own`; `whole` is the mean with nothing changed. `None` without sets, and where
    /// one of the numbers is none.
    pub fn of(own: f64, whole: f64, sets: &[f64], stronger: Stronger) -> Option<Self> {
        let finite = own.is_finite() && whole.is_finite() && sets.iter().all(|set| set.is_finite());
        if sets.is_empty() || !finite {
            return None;
        }
        // Sets that are the same ones may differ by rounding.
        let rounding = 1e-9 * (own.abs() + whole.abs());
        let as_strong = |set: &&f64| match stronger {
            Stronger::Farther => (*set - whole).abs() >= (own - whole).abs() - rounding,
            Stronger::Nearer => (*set - whole).abs() <= (own - whole).abs() + rounding,
        };
        let count = sets.iter().filter(as_strong).count();
        // A quantile puts what it looks at into another order.
        let mut reordered = sets.to_vec();
        let (low, high) = (quantile(&mut reordered, 0.025), quantile(&mut reordered, 0.975));
        let mean = sets.iter().sum::<f64>() / sets.len() as f64;
        Some(Self { mean, low, high, draws: sets.len(), p: (1 + count) as f64 / (1 + sets.len()) as f64 })
    }
}
