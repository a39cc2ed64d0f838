//! SentencePiece's BPE, as Llama 2 uses it, from a vocabulary with scores.

use std::cmp::Reverse;
use std::collections::HashSet;

use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{NormalizerWrapper, Prepend, Replace, Sequence as Normalizers};

use super::TokenizerError;

/// What stands for a space.
const SPACE: &str = "▁";

/// SentencePiece's own limit is 16 characters; each token is cut at every place.
const LONGEST_TOKEN: usize = 256;

/// The parts of a SentencePiece BPE tokenizer.
pub(crate) struct SentencePieceBpe {
    /// Tokens with their ids.
    pub tokens: Vec<(String, u32)>,
    /// A score for each token; pieces whose joint token has the highest score are merged first.
    pub scores: Vec<f64>,
    /// Whether a space is put before a text.
    pub add_space: bool,
    /// Id of the token for text that has no other.
    pub unknown: u32,
}

impl SentencePieceBpe {
    /// Puts the parts together; `place` names their source in errors. No token stands in texts by its name yet.
    pub fn build(self, place: &str) -> Result<tokenizers::Tokenizer, TokenizerError> {
        let malformed = |problem: &dyn std::fmt::Display| TokenizerError::malformed(place, problem);
        if self.scores.len() != self.tokens.len() {
            return Err(malformed(&format!("{} tokens, but scores of {}", self.tokens.len(), self.scores.len())));
        }
        if let Some((token, _)) = self.tokens.iter().find(|(token, _)| token.len() > LONGEST_TOKEN) {
            let start: String = token.chars().take(20).collect();
            return Err(malformed(&format!("the token '{start}…' has {} bytes", token.len())));
        }
        let merges = self.merges();
        let unknown = self.tokens.iter().find(|(_, id)| *id == self.unknown).map(|(token, _)| token.clone());
        let mut model = BPE::builder().byte_fallback(true).fuse_unk(true);
        if let Some(unknown) = unknown {
            model = model.unk_token(unknown);
        }
        let vocab = self.tokens.into_iter().collect::<Vocab>();
        let model = model.vocab_and_merges(vocab, merges).build().map_err(|e| malformed(&e))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
        if self.add_space {
            normalizers.push(Prepend::new(SPACE.into()).into());
        }
        normalizers.push(Replace::new(" ", SPACE).map_err(|e| malformed(&e))?.into());
        inner.with_normalizer(Some(Normalizers::new(normalizers)));
        let mut decoders: Vec<DecoderWrapper> = vec![
            Replace::new(SPACE, " ").map_err(|e| malformed(&e))?.into(),
            ByteFallback::new().into(),
            Fuse::new().into(),
        ];
        if self.add_space {
            decoders.push(Strip::new(' ', 1, 0).into());
        }
        inner.with_decoder(Some(Decoders::new(decoders)));
        Ok(inner)
    }

    /// Every way to make a token of two others: those of the highest score first, then those with the longest left part.
    fn merges(&self) -> Vec<(String, String)> {
        let known: HashSet<&str> = self.tokens.iter().map(|(token, _)| token.as_str()).collect();
        let mut merges = Vec::new();
        for ((token, _), &score) in self.tokens.iter().zip(&self.scores) {
            let cuts = token.char_indices().skip(1).map(|(at, _)| token.split_at(at));
            let cuts = cuts.filter(|(left, right)| known.contains(left) && known.contains(right));
            merges.extend(cuts.map(|(left, right)| (score, left, right)));
        }
        let length = |text: &str| Reverse(text.chars().count());
        merges.sort_by_cached_key(|(_, left, right)| (length(left), length(right)));
        merges.sort_by(|a, b| b.0.total_cmp(&a.0));
        merges.into_iter().map(|(_, left, right)| (left.to_string(), right.to_string())).collect()
    }
}
