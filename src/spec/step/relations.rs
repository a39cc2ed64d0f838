//! What of a step concerns others: the steps that it reads, its pairs, its means, the layers that probes find for it.

use super::fields::Common;
use super::{Counterfactual, MeanOver};

/// What of a kind of step concerns others.
pub trait Relations: Common {
    /// The rows of other steps that it reads, as they are named: `effects`, `accuracy.prompts`.
    fn reads(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Where its counterfactual prompts come from, of kinds that have them.
    fn counterfactual(&self) -> Option<&Counterfactual> {
        None
    }

    /// What the means are over that it takes, of steps that take some.
    fn mean(&self) -> Option<&MeanOver> {
        None
    }

    /// Whether it needs prompts of operands: what it looks for is a rule on numbers.
    fn needs_operands(&self) -> bool {
        false
    }

    /// The texts that say layers: of sites, components, receivers, and layers alone.
    fn layer_texts(&self) -> Vec<&[String]> {
        Vec::new()
    }
}
