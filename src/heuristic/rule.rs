//! What a heuristic is, and for which prompts it holds.

use super::digits::Digits;
use crate::spec::step::HeuristicType;
use serde::{Deserialize, Serialize};

/// A rule that a neuron may follow: for which operands or results it fires (paper §3.2, appendix E). Its text, such as
/// `op1 in [10, 20)`, can be read back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Heuristic {
    /// A value in `[low, high)`.
    Range {
        /// Which value.
        value: RuleValue,
        /// The first that counts.
        low: i64,
        /// The first after it that does not.
        high: i64,
    },
    /// A value that leaves a remainder.
    Modulo {
        /// Which value.
        value: RuleValue,
        /// n, at least 2.
        modulus: i64,
        /// m, in `[0, n)`.
        remainder: i64,
    },
    /// A value whose three digits fit.
    Pattern {
        /// Which value.
        value: RuleValue,
        /// The digits.
        digits: Digits,
    },
    /// op1 = op2.
    Identical,
    /// A result that is one of some unrelated ones.
    MultiResult {
        /// Which, ascending.
        results: Vec<i64>,
    },
}

/// What a heuristic looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RuleValue {
    /// The first operand.
    Op1,
    /// The second operand.
    Op2,
    /// Either operand: both must fit.
    Both,
    /// The result.
    Result,
}

impl Heuristic {
    /// Whether a prompt is associated with it.
    pub fn holds(&self, a: i64, b: i64, result: i64) -> bool {
        match self.value() {
            None => a == b,
            Some(RuleValue::Op1) => self.fits(a),
            Some(RuleValue::Op2) => self.fits(b),
            Some(RuleValue::Both) => self.fits(a) && self.fits(b),
            Some(RuleValue::Result) => self.fits(result),
        }
    }

    /// Whether a value is one that it fires for; always, where it is not about one value.
    pub(super) fn fits(&self, value: i64) -> bool {
        match self {
            Heuristic::Range { low, high, .. } => (*low..*high).contains(&value),
            // A modulus that is no modulus leaves no remainder.
            Heuristic::Modulo { modulus, remainder, .. } => value.checked_rem_euclid(*modulus) == Some(*remainder),
            Heuristic::Pattern { digits, .. } => digits.fit(value),
            Heuristic::MultiResult { results } => results.contains(&value),
            Heuristic::Identical => true,
        }
    }

    /// Its type.
    pub fn kind(&self) -> HeuristicType {
        match self {
            Heuristic::Range { .. } => HeuristicType::Range,
            Heuristic::Modulo { .. } => HeuristicType::Modulo,
            Heuristic::Pattern { .. } => HeuristicType::Pattern,
            Heuristic::Identical => HeuristicType::Identical,
            Heuristic::MultiResult { .. } => HeuristicType::MultiResult,
        }
    }

    /// What it looks at; `None` where that is how the operands compare.
    pub fn value(&self) -> Option<RuleValue> {
        match self {
            Heuristic::Range { value, .. } | Heuristic::Modulo { value, .. } | Heuristic::Pattern { value, .. } => {
                Some(*value)
            }
            Heuristic::MultiResult { .. } => Some(RuleValue::Result),
            Heuristic::Identical => None,
        }
    }

    /// What it looks at, as rows say it: `op1`, `op2`, `both`, `result`, or `operands` for how they compare.
    pub fn subject(&self) -> &'static str {
        match self.value() {
            Some(RuleValue::Op1) => "op1",
            Some(RuleValue::Op2) => "op2",
            Some(RuleValue::Both) => "both",
            Some(RuleValue::Result) => "result",
            None => "operands",
        }
    }

    /// Whether it is on the result: matched against the effective pattern instead of the activations (paper §3.2).
    pub fn is_direct(&self) -> bool {
        self.value() == Some(RuleValue::Result)
    }
}
