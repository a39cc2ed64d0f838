//! What a neuron would score that follows no rule at all.

/// Logarithms of factorials.
pub struct Chance {
    ln_factorial: Vec<f64>,
}

impl Chance {
    /// For up to so many prompts.
    pub fn new(prompts: usize) -> Self {
        let sums = (1..=prompts).scan(0.0, |sum, n| {
            *sum += (n as f64).ln();
            Some(*sum)
        });
        Self { ln_factorial: std::iter::once(0.0).chain(sums).collect() }
    }

    /// The probability that of `drawn` prompts, drawn at random from `prompts`, at least `least` are among `associated` ones: the
    /// upper tail of the hypergeometric distribution. A neuron whose values are in random order matches a heuristic in one tail
    /// with this probability, `least` being the threshold times the k prompts that are looked at.
    pub fn of(&self, prompts: usize, associated: usize, drawn: usize, least: usize) -> f64 {
        let lowest = (associated + drawn).saturating_sub(prompts);
        let highest = associated.min(drawn);
        if least <= lowest {
            return 1.0;
        }
        if least > highest {
            return 0.0;
        }
        // Summed away from the mean, where terms get smaller.
        let term = |hits: usize| self.probability(prompts, associated, drawn, hits);
        match least * prompts > associated * drawn {
            true => sum((least..=highest).map(term)),
            false => 1.0 - sum((lowest..least).rev().map(term)),
        }
        .clamp(0.0, 1.0)
    }

    /// C(associated, hits) · C(others, drawn − hits) / C(prompts, drawn).
    fn probability(&self, prompts: usize, associated: usize, drawn: usize, hits: usize) -> f64 {
        let choose = |n: usize, k: usize| self.ln_factorial[n] - self.ln_factorial[k] - self.ln_factorial[n - k];
        (choose(associated, hits) + choose(prompts - associated, drawn - hits) - choose(prompts, drawn)).exp()
    }
}

/// A sum of terms that get smaller, up to those that no longer change it.
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0;
    for term in terms {
        let before = sum;
        sum += term;
        if sum == before {
            break;
        }
    }
    sum
}
