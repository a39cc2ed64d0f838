//! Characters that a tokenizer would leave out of a text without a word.

use std::ops::Range;

use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{Model as _, ModelWrapper};

use super::Tokenizer;
use super::words::{any_part, json};

/// Whether there may be such characters: in a BPE without an unknown token, which skips what its vocabulary has no piece of, unless it
/// spells texts in bytes and has a piece for each.
pub(super) fn may_lose(inner: &tokenizers::Tokenizer) -> bool {
    let ModelWrapper::BPE(bpe) = inner.get_model() else { return false };
    let spells_bytes = any_part(&json(inner.get_pre_tokenizer()), "pretokenizers", "ByteLevel")
        || any_part(&json(inner.get_normalizer()), "normalizers", "ByteLevel");
    let has_all_bytes = || ByteLevel::alphabet().iter().all(|letter| bpe.token_to_id(&letter.to_string()).is_some());
    bpe.unk_token.is_none() && !(spells_bytes && has_all_bytes())
}

impl Tokenizer {
    /// The bytes of `text` that hold the first character without a token, where the tokenizer skips such characters.
    pub(super) fn first_lost(&self, text: &str) -> Option<Range<usize>> {
        if !self.may_lose {
            return None;
        }
        let lost = |word: &super::Pretoken| {
            if word.named.is_some() || self.of_word(&word.text).is_some() {
                return None;
            }
            let letter = word.text.char_indices().find(|&(_, letter)| self.of_word(&letter.to_string()).is_none());
            let bytes = letter.and_then(|(at, _)| word.aligned.get(at));
            Some(bytes.map_or(word.bytes.clone(), |&(from, to)| from..to))
        };
        self.words(text)?.iter().find_map(lost)
    }
}
