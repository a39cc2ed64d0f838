//! What measures read of one run: a few numbers of its logits.

/// What is known of the next token after one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// logit(r), of the answer of the run that is edited.
    pub answer: f64,
    /// logit(r'), of the other run's answer.
    pub other: f64,
    /// ln Σ exp(logit).
    pub log_total: f64,
    /// The largest logit.
    pub largest: f64,
    /// Whether the arg-max is r.
    pub correct: bool,
    /// KL(unedited ‖ this), in nats.
    pub divergence: f64,
}

impl Reading {
    /// P(r).
    pub fn p_answer(&self) -> f64 {
        (self.answer - self.log_total).exp()
    }

    /// P(r').
    pub fn p_other(&self) -> f64 {
        (self.other - self.log_total).exp()
    }

    /// logit(r) − logit(r').
    pub fn difference(&self) -> f64 {
        self.answer - self.other
    }

    /// 1 where the arg-max is r, 0 where it is not; not a number where a logit is not finite: then there is no arg-max.
    pub fn accuracy(&self) -> f64 {
        if self.largest.is_finite() { f64::from(u8::from(self.correct)) } else { f64::NAN }
    }

    /// NL: logit(r) / largest logit (paper §3).
    pub fn normalized_logit(&self) -> f64 {
        self.answer / self.largest
    }
}
