//! Tokenizers that a class of transformers makes of a vocabulary and merges, with its own rules in place of the file's.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokenizers::SplitDelimiterBehavior;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{NormalizerWrapper, Replace};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use super::TokenizerError;
use super::byte_level::{ByteLevelBpe, WordRule};
use super::class::Class;
use super::declared::Declared;
use super::special::truthy;

/// What stands for a space in SentencePiece.
const SPACE: char = '▁';

/// A vocabulary and merges, and where they come from.
pub(super) struct VocabularyParts {
    pub tokens: Vocab,
    pub merges: Vec<(String, String)>,
    /// Names their source in errors.
    pub place: String,
}

impl Class {
    /// The splitting rule of a byte-level class.
    pub fn words(self) -> Option<WordRule> {
        match self {
            Self::Gpt2 | Self::CodeGen => Some(WordRule::Gpt2),
            Self::GptNeoX => Some(WordRule::GptNeoX),
            Self::Qwen2 => Some(WordRule::Qwen2),
            Self::AsWritten | Self::Llama | Self::CodeLlama | Self::Gemma => None,
        }
    }
}

/// The tokenizer that `class` makes of `parts` by tokenizer_config.json; `unknown` is the token for text that has none.
pub(super) fn build(
    class: Class,
    parts: VocabularyParts,
    settings: &Map<String, Value>,
    unknown: Option<&str>,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let add_space = settings.get("add_prefix_space").filter(|value| !value.is_null());
    let VocabularyParts { tokens, merges, place } = parts;
    if let Some(words) = class.words() {
        let add_space = truthy(add_space);
        return ByteLevelBpe { tokens, merges, words, add_space, whole_words: false }.build(&place);
    }
    let add_space = class != Class::Gemma && (add_space.is_none() || truthy(add_space));
    let scheme = match (add_space, class) {
        (false, _) => PrependScheme::Never,
        (true, Class::Llama) if truthy(settings.get("legacy")) => PrependScheme::Always,
        (true, _) => PrependScheme::First,
    };
    let mut model = BPE::builder().byte_fallback(true).fuse_unk(true);
    // Unknown text is then refused, where transformers leaves it out.
    if let Some(unknown) = unknown.filter(|unknown| tokens.contains_key(*unknown)) {
        model = model.unk_token(unknown.into());
    }
    let malformed = |problem: &dyn std::fmt::Display| TokenizerError::malformed(&place, problem);
    let model = model.vocab_and_merges(tokens, merges).build().map_err(|e| malformed(&e))?;
    let mut inner = tokenizers::Tokenizer::new(model);
    if class == Class::Gemma {
        // By then there is no space left to split at; the class says it all the same.
        let split = Split::new(SplitPattern::String(" ".into()), SplitDelimiterBehavior::MergedWithPrevious, false);
        inner.with_normalizer(Some(Replace::new(" ", SPACE.to_string()).map_err(|e| malformed(&e))?));
        inner.with_pre_tokenizer(Some(split.map_err(|e| malformed(&e))?));
    } else {
        inner.with_pre_tokenizer(Some(Metaspace::new(SPACE, scheme, false)));
    }
    let mut decoders: Vec<DecoderWrapper> = vec![
        Replace::new(SPACE.to_string(), " ").map_err(|e| malformed(&e))?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ];
    if add_space {
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    inner.with_decoder(Some(Decoders::new(decoders)));
    Ok(inner)
}

/// Whether a built tokenizer has the rules that tokenizer.json declares.
pub(super) fn follows(built: &tokenizers::Tokenizer, declared: &Declared) -> bool {
    let [normalizer, splitter] = declared.rules();
    same::<NormalizerWrapper>(normalizer, built.get_normalizer())
        && same::<PreTokenizerWrapper>(splitter, built.get_pre_tokenizer())
}

fn same<T: Serialize + DeserializeOwned>(written: Option<&Value>, built: Option<&T>) -> bool {
    let built = built.and_then(|rule| serde_json::to_value(rule).ok());
    match (written.filter(|rule| !rule.is_null()), built) {
        (None, None) => true,
        (Some(written), Some(built)) if written.get("type") == built.get("type") => {
            // Read and written again, it has all its defaults.
            let written = serde_json::from_value::<T>(written.clone()).ok();
            written.and_then(|rule| serde_json::to_value(rule).ok()).map(without_trimming)
                == Some(without_trimming(built))
        }
        _ => false,
    }
}

/// Whether offsets are trimmed has no say in the tokens.
fn without_trimming(mut rule: Value) -> Value {
    if let Some(object) = rule.as_object_mut() {
        object.remove("trim_offsets");
        if let Some(Value::Array(parts)) = object.remove("pretokenizers") {
            object.insert("pretokenizers".into(), parts.into_iter().map(without_trimming).collect());
        }
    }
    rule
}
