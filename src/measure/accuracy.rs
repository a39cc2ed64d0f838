//! Share of right answers.

use super::wilson::{Interval, wilson};

/// How many of how many are right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RightAnswers {
    /// Right answers.
    pub correct: u64,
    /// Prompts.
    pub n: u64,
}

impl RightAnswers {
    /// Counts one more answer.
    pub fn add(&mut self, correct: bool) {
        self.correct += u64::from(correct);
        self.n += 1;
    }

    /// correct / n; `None` without prompts.
    pub fn rate(&self) -> Option<f64> {
        (self.n > 0).then(|| self.correct as f64 / self.n as f64)
    }

    /// 95 % interval of the rate, see [`wilson`].
    pub fn interval(&self) -> Interval {
        wilson(self.correct, self.n)
    }
}
