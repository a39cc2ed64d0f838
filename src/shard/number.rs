//! Which of several parts: `2/4`.

use std::str::FromStr;

/// The second of four parts is `2/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardNumber {
    /// Which, from 1 on.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

/// More parts than this are a slip of the pen.
const MOST: usize = 100_000;

impl FromStr for ShardNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("'{text}' is not a part; write 2/4 for the second of four parts");
        let (number, of) = text.split_once('/').ok_or_else(wanted)?;
        let (number, of): (usize, usize) = (number.parse().map_err(|_| wanted())?, of.parse().map_err(|_| wanted())?);
        if of > MOST {
            return Err(format!("{of} parts are too many; write at most {MOST}"));
        }
        if number == 0 || number > of {
            return Err(format!("there is no part {number} of {of}; write a part from 1/{of} to {of}/{of}"));
        }
        Ok(Self { number, of })
    }
}

impl std::fmt::Display for ShardNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}
