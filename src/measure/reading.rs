//! What measures read of one run: a few numbers of its logits.

/// The logits of one answer, or of several that count alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SetLogits {
    /// Their mean.
    pub mean: f64,
    /// ln Σ exp(logit) over them: less ln Σ exp over all tokens, the logarithm of their probabilities' sum.
    pub log_sum: f64,
}

impl SetLogits {
    /// Of one answer.
    pub fn one(logit: f64) -> Self {
        Self { mean: logit, log_sum: logit }
    }

    /// Of some answers; of none, what is not a number.
    pub fn of(logits: &[f32]) -> Self {
        if let [logit] = logits {
            return Self::one(f64::from(*logit));
        }
        let logits = || logits.iter().map(|&logit| f64::from(logit));
        let largest = logits().fold(f64::NAN, f64::max);
        let sum: f64 = logits().map(|logit| (logit - largest).exp()).sum();
        Self { mean: logits().sum::<f64>() / logits().count() as f64, log_sum: largest + sum.ln() }
    }
}

/// What is known of the next token after one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Of r, the right answers of the run that is edited.
    pub answer: SetLogits,
    /// Of r', the wrong answers, or those of the other run.
    pub other: SetLogits,
    /// ln Σ exp(logit).
    pub log_total: f64,
    /// The largest logit.
    pub largest: f64,
    /// Whether the arg-max is one of r.
    pub correct: bool,
    /// KL(unedited ‖ this), in nats.
    pub divergence: f64,
    /// How many tokens have a larger logit than every one of r.
    pub rank: f64,
    /// ln P of the first right answer's tokens, one after the other.
    pub sequence: f64,
}

impl Reading {
    /// P(r): the sum over the right answers.
    pub fn p_answer(&self) -> f64 {
        (self.answer.log_sum - self.log_total).exp()
    }

    /// P(r'): the sum over the wrong answers.
    pub fn p_other(&self) -> f64 {
        (self.other.log_sum - self.log_total).exp()
    }

    /// logit(r) − logit(r'), each the mean over its answers.
    pub fn difference(&self) -> f64 {
        self.answer.mean - self.other.mean
    }

    /// 1 where the arg-max is one of r, 0 where it is not; not a number where a logit is not finite: then there is no arg-max.
    pub fn accuracy(&self) -> f64 {
        if self.largest.is_finite() { f64::from(u8::from(self.correct)) } else { f64::NAN }
    }

    /// NL: logit(r) / largest logit (paper §3).
    pub fn normalized_logit(&self) -> f64 {
        self.answer.mean / self.largest
    }
}
