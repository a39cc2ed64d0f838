//! What the tokens of a vocabulary are, one by one.

use super::Tokenizer;

impl Tokenizer {
    /// The tokens that are not known by name, ascending: neither special ones nor others that were added to the vocabulary, nor the one
    /// for unknown text.
    pub fn unnamed_tokens(&self) -> Vec<u32> {
        let named = self.inner.get_added_tokens_decoder();
        let ids = (0..u32::try_from(self.n_tokens).unwrap_or(u32::MAX)).filter(|id| !named.contains_key(id));
        ids.filter(|&id| Some(id) != self.unknown && self.inner.id_to_token(id).is_some()).collect()
    }

    /// Whether a token is a space and letters from a to z, small or large.
    pub fn is_word_with_space(&self, id: u32) -> bool {
        let token = self.inner.id_to_token(id).unwrap_or_default();
        let word = ['Ġ', '▁', ' '].iter().find_map(|space| token.strip_prefix(*space));
        word.is_some_and(|word| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphabetic()))
    }
}
