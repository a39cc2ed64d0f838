//! Operands with operators between them, from left to right, and parentheses: what `derive` and `--filter` have in common.

use super::expression::{ExpressionError, wrong};
use std::ops::Range;

/// What a language is made of; `P` is what an expression in reverse Polish order has.
pub(super) enum InfixToken<P> {
    Operand(P),
    Prefix(P),
    /// With how tightly it binds, from 1.
    Binary(P, u8),
    Open,
    Close,
}

/// A token and its bytes; none at the end.
pub(super) type Lexed<P> = Result<Option<(InfixToken<P>, Range<usize>)>, ExpressionError>;

/// What to write, for errors.
pub(super) struct Grammar {
    pub operand: &'static str,
    pub operators: &'static str,
    pub whole: &'static str,
}

/// Reads an expression into reverse Polish order: a stack evaluates it, however long or deep it is. `token` gives what is at a byte,
/// told whether an operand is to come.
pub(super) fn reverse_polish<P>(
    text: &str,
    grammar: &Grammar,
    mut token: impl FnMut(usize, bool) -> Lexed<P>,
) -> Result<Vec<P>, ExpressionError> {
    let written = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
    let Grammar { operand, operators, whole } = grammar;
    let mut parts = Vec::new();
    // What waits for what is behind it (Dijkstra's shunting yard); nothing for a parenthesis.
    let mut waiting: Vec<(Option<P>, u8, Range<usize>)> = Vec::new();
    let (mut at, mut operand_next) = (0, true);
    while let Some((token, span)) = token(at, operand_next)? {
        at = span.end;
        match (token, operand_next) {
            (InfixToken::Operand(part), true) => {
                parts.push(part);
                operand_next = false;
            }
            (InfixToken::Prefix(part), true) => waiting.push((Some(part), u8::MAX, span)),
            (InfixToken::Open, true) => waiting.push((None, 0, span)),
            (InfixToken::Binary(part, binds), false) => {
                while let Some((done, ..)) = waiting.pop_if(|(_, before, _)| *before >= binds) {
                    parts.extend(done);
                }
                waiting.push((Some(part), binds, span));
                operand_next = true;
            }
            (InfixToken::Close, false) => loop {
                match waiting.pop() {
                    Some((Some(done), ..)) => parts.push(done),
                    Some((None, ..)) => break,
                    None => {
                        return Err(wrong(
                            "this parenthesis closes nothing; leave it out, or write '(' before it",
                            span,
                        ));
                    }
                }
            },
            (_, true) => {
                return Err(wrong(format!("nothing stands before '{}'; write {operand}", written(&span)), span));
            }
            (_, false) => {
                return Err(wrong(format!("no operator before '{}'; write {operators}", written(&span)), span));
            }
        }
    }
    if operand_next {
        return Err(match waiting.pop() {
            None => wrong(format!("the text is empty; write {whole}"), 0..text.len()),
            Some((.., last)) => wrong(format!("nothing stands after '{}'; write {operand}", written(&last)), last),
        });
    }
    while let Some((done, _, span)) = waiting.pop() {
        let done =
            done.ok_or_else(|| wrong("this parenthesis is not closed; write ')' after what belongs in it", span))?;
        parts.push(done);
    }
    Ok(parts)
}

/// What is left of a text behind the white space at a byte, and where that begins.
pub(super) fn rest(text: &str, at: usize) -> (&str, usize) {
    let rest = text.get(at..).unwrap_or_default();
    (rest.trim_start(), text.len() - rest.trim_start().len())
}
