//! Byte-level BPE from its parts: a vocabulary, merges, and the rule that splits text into words.

use tokenizers::models::bpe::{BPE, Merges};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior};

use super::{Tokenizer, TokenizerError};

/// How a text is split into words before BPE. Merges never cross a word's end, so a wrong rule gives other tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// GPT-2's rule.
    Gpt2,
    /// Each digit a word, GPT-2's rule for the rest.
    Digits,
    /// Llama 3's rule: up to three digits a word, and words of the vocabulary are taken whole.
    Llama3,
    /// Qwen 2's rule: each digit a word; text is put into Unicode's composed form first.
    Qwen2,
    /// What llama.cpp does with a file that names no rule of its own.
    LlamaCppDefault,
}

/// By the names that llama.cpp's converter writes as `tokenizer.ggml.pre`.
pub(crate) const BY_GGUF_NAME: [(&str, Words); 7] = [
    ("default", Words::LlamaCppDefault),
    ("deepseek-r1-qwen", Words::Qwen2),
    ("gpt-2", Words::Gpt2),
    ("llama-bpe", Words::Llama3),
    ("llama3", Words::Llama3),
    ("qwen2", Words::Qwen2),
    ("smollm", Words::Digits),
];

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Applied one after the other, each to what the ones before left in one piece.
const LLAMA_CPP_DEFAULT: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"];

/// The parts of a byte-level BPE tokenizer.
pub(crate) struct ByteLevelBpe {
    /// Tokens in the order of their ids, in GPT-2's printable spelling of bytes.
    pub tokens: Vec<(String, u32)>,
    /// Pairs of tokens, the first to be merged first.
    pub merges: Vec<(String, String)>,
    /// Splitting rule.
    pub words: Words,
    /// Tokens that stand in texts by name, and whether they are special (left out when text is shown to readers).
    pub added: Vec<(String, bool)>,
}

impl ByteLevelBpe {
    /// Puts the parts together; `place` names their source in errors.
    pub fn build(self, place: &str) -> Result<Tokenizer, TokenizerError> {
        let merges: Merges = self.merges;
        let model = BPE::builder()
            .vocab_and_merges(self.tokens.into_iter().collect::<tokenizers::models::bpe::Vocab>(), merges)
            .ignore_merges(self.words == Words::Llama3)
            .build()
            .map_err(|e| TokenizerError::malformed(place, e))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        if self.words == Words::Qwen2 {
            inner.with_normalizer(Some(NFC));
        }
        inner.with_pre_tokenizer(Some(Sequence::new(self.words.splitters(place)?)));
        inner.with_decoder(Some(ByteLevel::new(false, false, false)));
        let added = self.added.into_iter().map(|(token, special)| AddedToken::from(token, special).normalized(false));
        inner.add_tokens(&added.collect::<Vec<_>>());
        Ok(Tokenizer::new(inner))
    }
}

impl Words {
    fn splitters(self, place: &str) -> Result<Vec<PreTokenizerWrapper>, TokenizerError> {
        let split = |pattern: &str| {
            Split::new(SplitPattern::Regex(pattern.into()), SplitDelimiterBehavior::Isolated, false)
                .map(PreTokenizerWrapper::from)
                .map_err(|e| TokenizerError::malformed(place, e))
        };
        let bytes = |gpt2_rule| PreTokenizerWrapper::from(ByteLevel::new(false, false, gpt2_rule));
        Ok(match self {
            Words::Gpt2 => vec![bytes(true)],
            Words::Digits => vec![Digits::new(true).into(), bytes(true)],
            Words::Llama3 => vec![split(LLAMA3)?, bytes(false)],
            Words::Qwen2 => vec![split(QWEN2)?, bytes(false)],
            Words::LlamaCppDefault => {
                let mut all = LLAMA_CPP_DEFAULT.map(split).into_iter().collect::<Result<Vec<_>, _>>()?;
                all.push(bytes(false));
                all
            }
        })
    }
}
