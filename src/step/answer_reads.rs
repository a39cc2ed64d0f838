//! What measures read of the answers of several runs: which logits are picked for each, and what they say.

use crate::intervene::{AnswerTokens, LogitRead, LogitReads};
use crate::measure::{Reading, SetLogits};

/// The answers of some runs, with room for as many logits of each as the run with the most answers has.
pub struct AnswerReads {
    answers: Vec<AnswerTokens>,
    /// Most right answers, and most wrong ones.
    room: [usize; 2],
}

impl AnswerReads {
    /// Of some runs.
    pub fn new(answers: Vec<AnswerTokens>) -> Self {
        let room = AnswerTokens::most(&answers);
        Self { answers, room }
    }

    /// How many runs.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// What is to be read of each run's logits.
    pub fn wanted(&self, distribution: bool, divergence: bool, rank: bool) -> LogitRead {
        let [right, wrong] = self.room;
        LogitRead { picks: right + wrong, ranked: if rank { right } else { 0 }, distribution, divergence }
    }

    /// The tokens whose logits are picked for a run: as many for each, where it has fewer the first of them again.
    pub fn picks(&self, run: usize) -> Vec<u32> {
        self.answers[run].filled(self.room)
    }

    /// The measures' view of a row that was read for a run.
    pub fn reading(&self, readouts: &LogitReads, row: usize, run: usize) -> Reading {
        let answers = &self.answers[run];
        let (right, wrong) = readouts.logits(row).split_at(self.room[0]);
        let or_nan = |values: &[f32]| values.get(row).map_or(f64::NAN, |&value| f64::from(value));
        Reading {
            answer: SetLogits::of(&right[..answers.right().len()]),
            other: SetLogits::of(&wrong[..answers.wrong().len()]),
            log_total: or_nan(&readouts.log_total),
            largest: or_nan(&readouts.largest),
            correct: readouts.arg_max.get(row).is_some_and(|token| answers.right().contains(token)),
            divergence: or_nan(&readouts.divergence),
            rank: readouts.rank.get(row).map_or(f64::NAN, |&rank| f64::from(rank)),
            sequence: f64::NAN,
        }
    }

    /// ln P of the token that the first right answer of a run begins with.
    pub fn first_log_probability(&self, readouts: &LogitReads, row: usize) -> f64 {
        let logit = readouts.logits(row).first().map_or(f64::NAN, |&logit| f64::from(logit));
        logit - readouts.log_total.get(row).map_or(f64::NAN, |&total| f64::from(total))
    }
}
