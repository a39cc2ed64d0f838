//! Letters that a BPE leaves out of a word and says nothing of: those that its vocabulary does not have, where it has no unknown token.

use std::ops::Range;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{Model as _, ModelWrapper};

use super::part::{has, json};

/// Whether there may be such letters: in a BPE without an unknown token, unless texts come to it in bytes, or it writes what it does not
/// know in bytes, and it has a token for each byte.
pub(super) fn may_skip(inner: &tokenizers::Tokenizer) -> bool {
    let ModelWrapper::BPE(bpe) = inner.get_model() else { return false };
    let is_plain = |affix: &Option<String>| affix.as_ref().is_none_or(String::is_empty);
    let all_plain = is_plain(&bpe.continuing_subword_prefix) && is_plain(&bpe.end_of_word_suffix);
    let in_bytes =
        || has(&json(inner.get_pre_tokenizer()), "ByteLevel") || has(&json(inner.get_normalizer()), "ByteLevel");
    let has_letters = || ByteLevel::alphabet().iter().all(|letter| bpe.token_to_id(&letter.to_string()).is_some());
    let falls_back = || bpe.byte_fallback && (0..=u8::MAX).all(|byte| has_byte(bpe, byte));
    bpe.unk_token.is_none() && !(all_plain && (falls_back() || (in_bytes() && has_letters())))
}

/// The bytes of a word's letters that the vocabulary has no token for: a BPE without an unknown token skips them. They are looked up as it
/// does, with what its file says to put before letters within words and behind last ones.
pub(super) fn skipped(model: &ModelWrapper, word: &str) -> Vec<Range<usize>> {
    let ModelWrapper::BPE(bpe) = model else { return Vec::new() };
    let is_known = |(start, letter): &(usize, char)| {
        let (is_first, is_last) = (*start == 0, start + letter.len_utf8() == word.len());
        let before = bpe.continuing_subword_prefix.as_deref().filter(|_| !is_first).unwrap_or_default();
        let behind = bpe.end_of_word_suffix.as_deref().filter(|_| is_last).unwrap_or_default();
        let piece = format!("{before}{letter}{behind}");
        bpe.token_to_id(&piece).is_some() || (bpe.byte_fallback && piece.bytes().all(|byte| has_byte(bpe, byte)))
    };
    let missing = word.char_indices().filter(|letter| !is_known(letter));
    missing.map(|(start, letter)| start..start + letter.len_utf8()).collect()
}

fn has_byte(bpe: &BPE, byte: u8) -> bool {
    bpe.token_to_id(&format!("<{byte:#04X}>")).is_some()
}
