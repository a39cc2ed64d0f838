//! Heuristics that neurons implement (paper §3.2; appendices E, F): which there are, and which a neuron's activations fit.
//!
//! Pure arithmetic on numbers that are given: prompts as operands and results, activations, logits of value vectors. Formulas,
//! lists, variants and what chance makes of them are in docs/heuristics.md.

mod catalogue;
mod chance;
mod count;
mod digits;
mod matcher;
mod multi;
mod order;
mod problems;
mod rule;
mod score;
mod text;

pub use digits::Digits;
pub use matcher::{Match, Matcher, MatcherEntry, MatcherOptions, MatcherScratch};
pub use problems::ArithmeticProblem;
pub use rule::{Heuristic, RuleValue};
pub use score::{Score, Tail};
pub use text::NoHeuristic;
