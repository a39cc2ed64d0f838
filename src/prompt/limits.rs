//! How much a prompt set may ask for.

/// Combinations of words that a sample is drawn from, in each template: of more, so many that are drawn at random themselves, for
/// a sample of a sample is one.
pub const MOST_LOOKED_AT: usize = 1 << 13;

/// Most prompts a set may enumerate.
pub const MOST_PROMPTS: u128 = 20_000_000;
