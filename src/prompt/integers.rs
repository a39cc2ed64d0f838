//! Integers as a model would write them after a prompt.

use super::calculation::Calculation;
use super::resolved::ResolvedPrompts;
use super::set::Prompt;
use super::stock::Stock;
use crate::model::tokenizer::Tokenizer;
use std::ops::Range;

/// The integers of a range that are one token after a prompt, where its answer would stand, each with that token; none where it is
/// not of arithmetic.
pub fn integers(
    resolved: &ResolvedPrompts,
    tokenizer: &Tokenizer,
    after: &Prompt,
    range: Range<i64>,
) -> Vec<(i64, u32)> {
    let group = resolved.groups.iter().position(|group| *group == after.group);
    let (Some(own), Some(group), true) = (after.calculation(), group, after.template < resolved.templates.len()) else {
        return Vec::new();
    };
    let Ok(resolved) = resolved.in_model(tokenizer, None) else { return Vec::new() };
    let stock = Stock::new(&resolved, tokenizer, None, after.template, group);
    let Ok(placed) = stock.place(own) else { return Vec::new() };
    let token = |number: i64| match stock
        .answer_tokens(&placed.text, &placed.encoding, &resolved.completion, &Calculation { result: number, ..*own })
        .ok()?[..]
    {
        [token] => Some((number, token)),
        _ => None,
    };
    range.filter_map(token).collect()
}
