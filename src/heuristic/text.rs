//! Heuristics as text, both ways.

use super::rule::{Heuristic, RuleValue};
use std::fmt;
use std::str::FromStr;

/// A text that is no heuristic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a heuristic; write one such as 'op1 in [10, 20)', 'op1 and op2 in [0, 10)', 'result mod 7 = 3', \
     'op2 matches .5.', 'op1 = op2', 'result in {{1, 2, 7}}'"
)]
pub struct NoHeuristic(pub String);

impl RuleValue {
    const ALL: [Self; 4] = [Self::Op1, Self::Op2, Self::Both, Self::Result];

    fn text(self) -> &'static str {
        match self {
            Self::Op1 => "op1",
            Self::Op2 => "op2",
            Self::Both => "op1 and op2",
            Self::Result => "result",
        }
    }
}

impl fmt::Display for Heuristic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Heuristic::Range { value, low, high } => write!(f, "{} in [{low}, {high})", value.text()),
            Heuristic::Modulo { value, modulus, remainder } => {
                write!(f, "{} mod {modulus} = {remainder}", value.text())
            }
            Heuristic::Pattern { value: RuleValue::Both, digits } => {
                write!(f, "{} match {digits}", RuleValue::Both.text())
            }
            Heuristic::Pattern { value, digits } => write!(f, "{} matches {digits}", value.text()),
            Heuristic::Identical => f.write_str("op1 = op2"),
            Heuristic::MultiResult { results } => {
                let results: Vec<String> = results.iter().map(i64::to_string).collect();
                write!(f, "result in {{{}}}", results.join(", "))
            }
        }
    }
}

impl FromStr for Heuristic {
    type Err = NoHeuristic;

    fn from_str(text: &str) -> Result<Self, NoHeuristic> {
        parse(text).ok_or_else(|| NoHeuristic(text.to_string()))
    }
}

fn parse(text: &str) -> Option<Heuristic> {
    let text = text.trim();
    if text == "op1 = op2" {
        return Some(Heuristic::Identical);
    }
    // `op1 and op2 …` begins with `op1 ` as well: the rest then fits nothing.
    RuleValue::ALL.into_iter().find_map(|value| of_value(value, text.strip_prefix(value.text())?.strip_prefix(' ')?))
}

/// What is said of a value.
fn of_value(value: RuleValue, text: &str) -> Option<Heuristic> {
    let digits = text.strip_prefix("matches ").or_else(|| text.strip_prefix("match "));
    if let Some(digits) = digits {
        return Some(Heuristic::Pattern { value, digits: digits.trim().parse().ok()? });
    }
    if let Some(text) = text.strip_prefix("mod ") {
        let (modulus, remainder) = text.split_once('=')?;
        let (modulus, remainder) = (number(modulus)?, number(remainder)?);
        let valid = modulus >= 2 && (0..modulus).contains(&remainder);
        return valid.then_some(Heuristic::Modulo { value, modulus, remainder });
    }
    let text = text.strip_prefix("in ")?.trim();
    if let Some(list) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let mut results: Vec<i64> = list.split(',').map(number).collect::<Option<_>>()?;
        results.sort_unstable();
        results.dedup();
        return (value == RuleValue::Result).then_some(Heuristic::MultiResult { results });
    }
    let (low, high) = text.strip_prefix('[')?.strip_suffix(')')?.split_once(',')?;
    let (low, high) = (number(low)?, number(high)?);
    (low < high).then_some(Heuristic::Range { value, low, high })
}

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}
