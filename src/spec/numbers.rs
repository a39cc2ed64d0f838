//! Sets of small numbers, as layers, heads and neurons are written: `*`, `3`, `0..4`, `0,3,8..12`.

use std::fmt;

/// A set of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbers {
    /// `*`
    All,
    /// Ranges, the ends excluded; in the order written.
    Ranges(Vec<(usize, usize)>),
}

impl Numbers {
    /// Reads a set.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "*" {
            return Ok(Numbers::All);
        }
        let wrong = || format!("'{text}' is not a set of numbers; write '*', '3', '0..4' (4 excluded) or '0,3,8..12'");
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let part = |part: &str| {
            let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
            match part.split_once("..") {
                None => number(part).map(|number| (number, number.saturating_add(1))),
                Some((low, high)) => match (number(low)?, number(high)?) {
                    (low, high) if low < high => Ok((low, high)),
                    _ => Err(format!(
                        "range '{}' is empty, because its end is excluded; write an end above its start",
                        part.trim()
                    )),
                },
            }
        };
        inner.split(',').map(part).collect::<Result<_, _>>().map(Numbers::Ranges)
    }

    /// The numbers, all below `count`.
    ///
    /// # Errors
    /// The first number that is not.
    pub fn below(&self, count: usize) -> Result<Vec<usize>, usize> {
        match self {
            Numbers::All => Ok((0..count).collect()),
            Numbers::Ranges(ranges) => match ranges.iter().find(|(_, high)| *high > count) {
                Some(&(low, _)) => Err(low.max(count)),
                None => Ok(ranges.iter().flat_map(|&(low, high)| low..high).collect()),
            },
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Numbers::All => f.write_str("*"),
            Numbers::Ranges(ranges) => {
                for (index, (low, high)) in ranges.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    match high - low {
                        1 => write!(f, "{comma}{low}")?,
                        _ => write!(f, "{comma}{low}..{high}")?,
                    }
                }
                Ok(())
            }
        }
    }
}
