//! The texts that a step writes into a column, where the program itself says which there can be: a condition that asks for
//! another is a misspelt one, and one that asks for a text that no row has is not.

use super::kind;
use crate::prompt;
use crate::spec::{Operator, Step};

/// Every text that the column of a step's rows may have; none where they come from the spec, the model or the prompts.
pub fn words(step: &Step, column: &str) -> Option<Vec<&'static str>> {
    let own = kind::of(step).words(column);
    match column {
        // Also those that the prompts of a step do not have: a spec may be run on fewer.
        "operator" => {
            let all = Operator::ALL.into_iter().map(Operator::symbol).chain([prompt::WORDS.symbol]);
            Some(all.chain(own.unwrap_or_default()).collect())
        }
        _ => own,
    }
}

/// What the rows of a step measure, each row one of these: of every place all of them. None where it is one alone, or not the
/// spec that says so.
pub fn measured(step: &Step) -> Vec<&'static str> {
    kind::of(step).measured()
}
