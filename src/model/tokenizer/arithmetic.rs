//! The tokenizer of the built-in models: every integer below a bound is one token, every operator is one token.

use tokenizers::SplitDelimiterBehavior;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use super::Tokenizer;

/// The tokens after the integers, in the order of their ids.
pub const SYMBOLS: [&str; 5] = ["+", "-", "*", "/", "="];

/// Makes the tokenizer whose ids `0..numbers` are the integers, written in decimal without leading zeros, followed by
/// [`SYMBOLS`]. A text with anything else in it (a larger integer, a space) is refused, not cut into pieces.
pub fn arithmetic(numbers: usize) -> Tokenizer {
    let tokens = (0..numbers).map(|n| n.to_string()).chain(SYMBOLS.map(String::from));
    let vocab = tokens.zip(0u32..).collect();
    // The token for unknown words is itself missing from the vocabulary: that is what makes unknown words an error.
    let model = WordLevel::builder().vocab(vocab).unk_token("<unknown>".to_string()).build();
    let split = Split::new(SplitPattern::Regex("[0-9]+|[^0-9]".into()), SplitDelimiterBehavior::Isolated, false);
    let mut inner = tokenizers::Tokenizer::new(model.expect("a vocabulary in memory has no file to fail on"));
    inner.with_pre_tokenizer(Some(split.expect("a constant pattern")));
    inner.with_decoder(Some(Fuse::new()));
    Tokenizer::new(inner)
}
