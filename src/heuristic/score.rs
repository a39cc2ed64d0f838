//! How well a neuron fits a heuristic.

use serde::{Deserialize, Serialize};

/// Which end of a neuron's values fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tail {
    /// The highest.
    High,
    /// The lowest.
    Low,
}

/// The share of the k prompts at one end of a neuron's values that are associated with a heuristic (paper algorithm 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The share, in `[0, 1]`; not a number where the values have no order.
    pub share: f64,
    /// At which end.
    pub tail: Tail,
}

impl Tail {
    /// As rows say it.
    pub fn name(self) -> &'static str {
        match self {
            Tail::High => "high",
            Tail::Low => "low",
        }
    }
}

impl Score {
    /// What is known of values without an order.
    pub const NONE: Score = Score { share: f64::NAN, tail: Tail::High };
}
