//! Byte-level BPE from its parts: a vocabulary, merges, and the rule that splits text into words.

use tokenizers::SplitDelimiterBehavior;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use super::TokenizerError;

/// How a text is split into words before BPE. Merges never cross a word's end, so a wrong rule gives other tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WordRule {
    /// GPT-2's rule.
    Gpt2,
    /// Each digit a word, GPT-2's rule for the rest.
    Digits,
    /// Llama 3's rule: up to three digits a word.
    Llama3,
    /// Mistral's newer rule: each digit a word, and a word ends where small letters are followed by large ones.
    Tekken,
    /// Qwen 2's rule: each digit a word; text is put into Unicode's composed form first.
    Qwen2,
    /// GPT-2's rule, after text is put into Unicode's composed form.
    GptNeoX,
    /// What llama.cpp does with a file that names no rule of its own.
    LlamaCppDefault,
}

/// What llama.cpp does with a file whose `tokenizer.ggml.pre` has one of these names, as its converter writes them: how it splits text,
/// and whether words that are in the vocabulary are taken whole, merges or not, and texts begin with a token of their own where the file
/// does not say. The tokenizers that it calls `mpt` and `olmo` are GPT-NeoX's, which compose Unicode first; llama.cpp splits them by
/// GPT-2's rule and does not.
const BY_GGUF_NAME: [(WordRule, bool, &str); 8] = [
    (
        WordRule::Gpt2,
        false,
        "a.x-4.0 exaone4 gigachat gpt-2 granite-docling jais jina-de jina-es jina-v1-en jina-v2-code \
                          jina-v2-de jina-v2-es mellum modern-bert phi-2 roberta-bpe trillion",
    ),
    (WordRule::Llama3, false, "chatglm-bpe dbrx glm4 smaug-bpe"),
    (WordRule::Digits, false, "codeshell command-r exaone mellum2 minerva-7b refact smollm starcoder"),
    (WordRule::Qwen2, false, "deepseek-r1-qwen f2llmv2 grok-2 hunyuan kormo megrez qwen2 solar-open stablelm2"),
    (WordRule::LlamaCppDefault, false, "default"),
    (WordRule::Llama3, true, "falcon-h1 falcon3 jina-v5-nano lfm2 llama-bpe llama-v3 llama3 midm-2.0 pixtral"),
    (WordRule::GptNeoX, false, "mpt olmo"),
    (WordRule::Tekken, true, "tekken"),
];

/// How a file whose `tokenizer.ggml.pre` has this name splits text, and whether words are taken whole and a token is put first.
pub(crate) fn by_gguf_name(name: &str) -> Option<(WordRule, bool)> {
    let rule = BY_GGUF_NAME.iter().find(|(.., names)| names.split(' ').any(|known| known == name));
    rule.map(|(words, whole, _)| (*words, *whole))
}

/// The names that are known, for a sentence.
pub(crate) fn gguf_names() -> String {
    let mut names: Vec<&str> = BY_GGUF_NAME.iter().flat_map(|(.., names)| names.split(' ')).collect();
    names.sort_unstable();
    names.join(", ")
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Applied one after the other, each to what the ones before left in one piece.
const LLAMA_CPP_DEFAULT: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"];

/// The parts of a byte-level BPE tokenizer.
pub(crate) struct ByteLevelBpe {
    /// Tokens with their ids, in GPT-2's printable spelling of bytes.
    pub tokens: Vocab,
    /// Pairs of tokens, the first to be merged first.
    pub merges: Vec<(String, String)>,
    /// Splitting rule.
    pub words: WordRule,
    /// Whether a space is put before a text that has none.
    pub add_space: bool,
    /// Whether words that are in the vocabulary are taken whole, merges or not.
    pub whole_words: bool,
}

impl ByteLevelBpe {
    /// Puts the parts together; `place` names their source in errors. No token stands in texts by its name yet.
    pub fn build(self, place: &str) -> Result<tokenizers::Tokenizer, TokenizerError> {
        let model = BPE::builder()
            .vocab_and_merges(self.tokens, self.merges)
            .ignore_merges(self.whole_words)
            .build()
            .map_err(|e| TokenizerError::malformed(place, e))?;
        let mut inner = tokenizers::Tokenizer::new(model);
        if self.words.composes() {
            inner.with_normalizer(Some(NFC));
        }
        inner.with_pre_tokenizer(Some(self.words.splitter(self.add_space, place)?));
        inner.with_decoder(Some(ByteLevel::new(false, false, false)));
        Ok(inner)
    }
}

impl WordRule {
    /// Whether text is put into Unicode's composed form first.
    pub fn composes(self) -> bool {
        matches!(self, Self::Qwen2 | Self::GptNeoX)
    }

    /// The rule as the tokenizers crate has it.
    pub fn splitter(self, add_space: bool, place: &str) -> Result<PreTokenizerWrapper, TokenizerError> {
        let split = |pattern: &str| {
            Split::new(SplitPattern::Regex(pattern.into()), SplitDelimiterBehavior::Isolated, false)
                .map(PreTokenizerWrapper::from)
                .map_err(|e| TokenizerError::malformed(place, e))
        };
        let bytes = |gpt2_rule| PreTokenizerWrapper::from(ByteLevel::new(add_space, true, gpt2_rule));
        let parts = match self {
            WordRule::Gpt2 | WordRule::GptNeoX => return Ok(bytes(true)),
            WordRule::Digits => vec![Digits::new(true).into(), bytes(true)],
            WordRule::Llama3 => vec![split(LLAMA3)?, bytes(false)],
            WordRule::Tekken => vec![split(TEKKEN)?, bytes(false)],
            WordRule::Qwen2 => vec![split(QWEN2)?, bytes(false)],
            WordRule::LlamaCppDefault => {
                let mut all = LLAMA_CPP_DEFAULT.map(split).into_iter().collect::<Result<Vec<_>, _>>()?;
                all.push(bytes(false));
                all
            }
        };
        Ok(Sequence::new(parts).into())
    }
}
