//! The tokenizers of models that bring none: of the built-in ones, where every integer below a bound is one token and every operator
//! one, and of random ones, which know every other character of ASCII besides.

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
    of_pieces(integers_and_symbols(numbers))
}

/// The tokenizer of a model with random weights: that of [`arithmetic`] followed by the other printable characters of ASCII, space and
/// line break, one token each, as far as a vocabulary of `n_vocab` has room. So a template that was written for a model's own tokenizer,
/// with spaces, words and worked examples in it, can be tried on random weights of that model's shape.
pub fn characters(numbers: usize, n_vocab: usize) -> Tokenizer {
    let known = integers_and_symbols(numbers);
    let room = n_vocab.saturating_sub(known.len());
    let others = [' ', '\n'].into_iter().chain('!'..='~').filter(|letter| !letter.is_ascii_digit()).map(String::from);
    let others: Vec<String> = others.filter(|letter| !SYMBOLS.contains(&letter.as_str())).take(room).collect();
    of_pieces(known.into_iter().chain(others).collect())
}

fn integers_and_symbols(numbers: usize) -> Vec<String> {
    (0..numbers).map(|n| n.to_string()).chain(SYMBOLS.map(String::from)).collect()
}

/// Runs of digits are one piece, everything else is a piece by itself.
fn of_pieces(tokens: Vec<String>) -> Tokenizer {
    let vocab = tokens.into_iter().zip(0u32..).collect();
    // The token for unknown words is itself missing from the vocabulary: that is what makes unknown words an error.
    let model = WordLevel::builder().vocab(vocab).unk_token("<unknown>".to_string()).build();
    let split = Split::new(SplitPattern::Regex("[0-9]+|[^0-9]".into()), SplitDelimiterBehavior::Isolated, false);
    let mut inner = tokenizers::Tokenizer::new(model.expect("a vocabulary in memory has no file to fail on"));
    inner.with_pre_tokenizer(Some(split.expect("a constant pattern")));
    inner.with_decoder(Some(Fuse::new()));
    Tokenizer::new(inner)
}
