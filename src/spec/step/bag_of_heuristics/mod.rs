//! The kinds of step of arXiv 2410.21272, of arithmetic by a bag of heuristics.

mod heuristics;
mod knockout;
mod overlap;

pub use heuristics::{HeuristicType, HeuristicVariant, Heuristics, RankedNeurons, ScoreCap, ZeroResults};
pub use knockout::{HeuristicKnockout, HeuristicSupport, KnockoutOrder, KnockoutValue, PromptKnockout};
pub use overlap::{HeuristicOverlap, NeuronOverlap};
