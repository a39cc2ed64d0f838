//! Patterns of three digits.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Three digits, some of which may be any: `.5.`, `1.2`, `..8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digits([Option<u8>; 3]);

impl Digits {
    /// Hundreds, tens and ones; `None` for any. `None` where one is no digit, or all are any.
    pub fn new(digits: [Option<u8>; 3]) -> Option<Self> {
        let valid = digits.iter().flatten().all(|digit| *digit <= 9) && digits.iter().any(Option::is_some);
        valid.then_some(Self(digits))
    }

    /// Whether a value, written with three digits, fits; values that take more, or a sign, do not.
    pub fn fit(self, value: i64) -> bool {
        let Some(value) = u16::try_from(value).ok().filter(|value| *value <= 999) else { return false };
        let written = [value / 100, value / 10 % 10, value % 10];
        self.0.iter().zip(written).all(|(digit, written)| digit.is_none_or(|digit| u16::from(digit) == written))
    }

    /// Whether it fixes leading digits alone, so that what fits is a range: `1..`, `12.`.
    pub fn is_range(self) -> bool {
        matches!(self.0, [Some(_), _, None])
    }

    /// How many digits it fixes.
    pub fn fixed(self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Every pattern that is not a range: those that fix fewest digits first.
    pub fn all() -> Vec<Self> {
        let any_or_digit = || std::iter::once(None).chain((0..=9).map(Some));
        let mut all: Vec<Self> = any_or_digit()
            .flat_map(|hundreds| any_or_digit().map(move |tens| [hundreds, tens]))
            .flat_map(|[hundreds, tens]| any_or_digit().map(move |ones| [hundreds, tens, ones]))
            .filter_map(Self::new)
            .filter(|digits| !digits.is_range())
            .collect();
        all.sort_by_key(|digits| digits.fixed());
        all
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| match digit {
            Some(digit) => write!(f, "{digit}"),
            None => f.write_str("."),
        })
    }
}

impl FromStr for Digits {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digit = |letter: char| match letter {
            '.' => Some(None),
            _ => letter.to_digit(10).map(|digit| Some(digit as u8)),
        };
        let digits: Vec<Option<u8>> = text.chars().map(digit).collect::<Option<_>>().ok_or(())?;
        let digits: [Option<u8>; 3] = digits.try_into().map_err(|_| ())?;
        Self::new(digits).ok_or(())
    }
}
