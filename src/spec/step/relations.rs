//! What of a step concerns others: the steps that it reads, its pairs, its means, the layers that probes find for it.

use super::fields::Common;
use super::{Counterfactual, MeanOver};
use crate::spec::Layers;

/// Says what of a kind of step concerns others, a line each: `relations! { Kind |step| reads: vec![&step.from]; }`.
macro_rules! relations {
    ($kind:ident |$step:ident| $($relation:ident: $value:expr;)*) => {
        impl $crate::spec::step::Relations for $kind {
            $($crate::spec::step::relations::relations! { @$relation $step $value })*
        }
    };
    (@reads $step:ident $value:expr) => {
        fn reads(&self) -> Vec<&str> {
            let $step = self;
            $value
        }
    };
    (@counterfactual $step:ident $value:expr) => {
        fn counterfactual(&self) -> Option<&$crate::spec::step::Counterfactual> {
            let $step = self;
            Some($value)
        }
    };
    (@mean $step:ident $value:expr) => {
        fn mean(&self) -> Option<&$crate::spec::step::MeanOver> {
            let $step = self;
            $value
        }
    };
    (@needs_operands $step:ident $value:expr) => {
        fn needs_operands(&self) -> bool {
            $value
        }
    };
    (@files $step:ident $value:expr) => {
        fn files(&self) -> Vec<Vec<String>> {
            let $step = self;
            $value
        }
    };
    (@layers $step:ident $value:expr) => {
        fn layers(&self) -> Vec<&$crate::spec::Layers> {
            let $step = self;
            $value
        }
    };
}
pub(super) use relations;

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

    /// The keys, from the step on, whose values are files that it reads: paths from the folder of what wrote the spec.
    fn files(&self) -> Vec<Vec<String>> {
        Vec::new()
    }

    /// The layers that it names: of sites, components, receivers, and alone.
    fn layers(&self) -> Vec<&Layers> {
        Vec::new()
    }
}
