//! Integers as a model would write them after a prompt.

use super::group::{Asks, Group};
use super::resolved::Resolved;
use super::set::Prompt;
use super::template::Problem;
use crate::model::tokenizer::Tokenizer;
use std::ops::Range;

/// The integers of a range that are one token after a prompt, where its answer would stand, each with that token.
pub fn integers(resolved: &Resolved, tokenizer: &Tokenizer, after: &Prompt, range: Range<i64>) -> Vec<(i64, u32)> {
    let Some(template) = resolved.templates.get(after.template) else { return Vec::new() };
    let group = Group {
        resolved,
        tokenizer,
        bos: None,
        template,
        template_index: after.template,
        operator: after.operator,
        first_id: 0,
    };
    let problem = |answer: i64| Asks::Numbers(Problem { a: after.a, op: after.operator.symbol, b: after.b, answer });
    let Ok(placed) = group.place(&problem(after.answer)) else { return Vec::new() };
    let token = |number: i64| match group
        .answer_tokens(&placed.text, &placed.encoding, &resolved.completion, &problem(number))
        .ok()?[..]
    {
        [token] => Some((number, token)),
        _ => None,
    };
    range.filter_map(token).collect()
}
