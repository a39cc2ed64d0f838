//! Sets of integers, as specs write them: `"0..300"`, or a list.

use super::text_or::{TextOr, schema_of};
use serde::{Deserialize, Serialize};

/// A set of integers: `"lo..hi"` (hi excluded) or a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "TextOr<Vec<i64>>")]
pub enum Range {
    /// `lo..hi`, hi excluded.
    HalfOpen(i64, i64),
    /// The values themselves, in the order given.
    List(Vec<i64>),
}

impl Range {
    /// Every value, in order.
    pub fn values(&self) -> Vec<i64> {
        match self {
            Range::HalfOpen(low, high) => (*low..*high).collect(),
            Range::List(values) => values.clone(),
        }
    }

    /// How many values, counted without making them.
    pub fn len(&self) -> u128 {
        match self {
            Range::HalfOpen(low, high) => u128::try_from(i128::from(*high) - i128::from(*low)).unwrap_or(0),
            Range::List(values) => values.len() as u128,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads `"lo..hi"`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a range; write \"0..300\" (300 excluded) or a list [1, 2, 3]");
        let (low, high) = text.split_once("..").ok_or_else(wrong)?;
        let low = low.trim().parse().map_err(|_| wrong())?;
        let high = high.trim().parse().map_err(|_| wrong())?;
        if low >= high {
            return Err(format!("range '{text}' is empty, because its end is excluded; write an end above its start"));
        }
        Ok(Range::HalfOpen(low, high))
    }
}

impl Serialize for Range {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Range::HalfOpen(low, high) => serializer.collect_str(&format_args!("{low}..{high}")),
            Range::List(values) => values.serialize(serializer),
        }
    }
}

impl TryFrom<TextOr<Vec<i64>>> for Range {
    type Error = String;

    fn try_from(written: TextOr<Vec<i64>>) -> Result<Self, String> {
        match written {
            TextOr::Text(text) => Self::parse(&text),
            TextOr::Other(values) => Ok(Self::List(values)),
        }
    }
}

schema_of!(Range, |_| {
    "description": "A range \"0..300\" (end excluded), or a list of integers.",
    "anyOf": [
        { "type": "string", "format": "range", "pattern": "^ *-?[0-9]+ *\\.\\. *-?[0-9]+ *$" },
        { "type": "array", "items": { "type": "integer" }, "minItems": 1 },
    ],
});
