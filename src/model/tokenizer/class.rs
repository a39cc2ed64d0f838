//! Which of transformers' tokenizer classes reads a folder: the choice that `AutoTokenizer` makes in transformers 5.

use serde_json::{Map, Value};

/// What a class takes from tokenizer.json, or from a vocabulary with merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// All of it: `PreTrainedTokenizerFast`, which is `TokenizersBackend`.
    AsWritten,
    /// Vocabulary, merges and post-processor, split by GPT-2's rule.
    Gpt2,
    /// Vocabulary and merges, split by GPT-2's rule after Unicode's composed form; the post-processor is dropped.
    GptNeoX,
    /// Vocabulary, merges and post-processor, split by Qwen 2's rule.
    Qwen2,
    /// Vocabulary, merges and post-processor, as SentencePiece has them.
    Llama,
    /// As [`Class::Llama`], and a beginning-of-text token is put whatever the post-processor says.
    CodeLlama,
    /// As [`Class::Gpt2`].
    CodeGen,
    /// Vocabulary, merges and post-processor, as SentencePiece has them, with no space put first.
    Gemma,
}

/// Classes by their names without `Fast`. Any other name is read as written, as transformers does with those it does not
/// know; some it does know have rules of their own.
const BY_NAME: [(&str, Class); 10] = [
    ("CodeGenTokenizer", Class::CodeGen),
    ("CodeLlamaTokenizer", Class::CodeLlama),
    ("GPT2Tokenizer", Class::Gpt2),
    ("GPTNeoXTokenizer", Class::GptNeoX),
    ("GemmaTokenizer", Class::Gemma),
    ("LlamaTokenizer", Class::Llama),
    ("Qwen2Tokenizer", Class::Qwen2),
    (AS_WRITTEN, Class::AsWritten),
    ("PreTrainedTokenizer", Class::AsWritten),
    ("BloomTokenizer", Class::AsWritten),
];

const AS_WRITTEN: &str = "TokenizersBackend";

/// Classes that a `model_type` has. Llama's and SmolLM3's have none: what their folders name is followed, and where nothing is named,
/// tokenizer.json is read as written.
const BY_MODEL: [(&str, &str); 15] = [
    ("gemma2", "GemmaTokenizer"),
    ("gemma3", "GemmaTokenizer"),
    ("gemma3_text", "GemmaTokenizer"),
    ("gpt2", "GPT2Tokenizer"),
    ("gpt_neox", "GPTNeoXTokenizer"),
    ("gptj", "GPT2Tokenizer"),
    ("mistral", AS_WRITTEN),
    ("mixtral", AS_WRITTEN),
    ("olmo2", AS_WRITTEN),
    ("olmo3", AS_WRITTEN),
    ("olmoe", "GPTNeoXTokenizer"),
    ("phi3", AS_WRITTEN),
    ("qwen2", "Qwen2Tokenizer"),
    ("qwen3", "Qwen2Tokenizer"),
    ("qwen3_moe", "Qwen2Tokenizer"),
];

/// Models whose folders name wrong classes too often: theirs is taken whatever they name.
const FORCED: [&str; 2] = ["phi3", "qwen2"];

/// A class, and why it is not the one that the folder names.
#[derive(Debug)]
pub(super) struct ClassChoice {
    pub class: Class,
    /// Its name in transformers.
    pub name: String,
    /// The class that tokenizer_config.json or config.json names, without `Fast`.
    pub named: Option<String>,
    /// What a reader should know of the choice.
    pub note: Option<String>,
}

/// Chooses by config.json, tokenizer_config.json, and whether tokenizer.json has a byte-level part.
pub(super) fn choose(config: &Map<String, Value>, settings: &Map<String, Value>, byte_level: bool) -> ClassChoice {
    let text = |map: &Map<String, Value>, key: &str| {
        map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(String::from)
    };
    let model = text(config, "model_type").unwrap_or_default();
    let named = text(settings, "tokenizer_class").or_else(|| text(config, "tokenizer_class"));
    let named = named.map(|name| name.strip_suffix("Fast").map_or(name.clone(), String::from));
    let registered = BY_MODEL.iter().find(|(known, _)| *known == model).map(|(_, class)| *class);
    let own_code = settings.get("auto_map").is_some_and(|map| map.is_array() || map.get("AutoTokenizer").is_some());
    let forced = FORCED.contains(&model.as_str());
    let choice = |name: &str, note: Option<String>| {
        let class = BY_NAME.iter().find(|(known, _)| *known == name).map_or(Class::AsWritten, |(_, class)| *class);
        ClassChoice { class, name: name.to_owned(), named: named.clone(), note }
    };
    let Some(name) = named.as_deref() else { return choice(registered.unwrap_or(AS_WRITTEN), None) };
    if !own_code && !forced && name == "LlamaTokenizer" && byte_level {
        let why = "tokenizer_class is LlamaTokenizer, but tokenizer.json is byte-level: it was read as it is written";
        return choice(AS_WRITTEN, Some(why.into()));
    }
    match registered.filter(|registered| !own_code && *registered != name) {
        Some(AS_WRITTEN) => choice(AS_WRITTEN, None),
        Some(registered) if forced => {
            let note = format!(
                "tokenizer_class {name} was not followed: transformers 5 reads every model of type {model} by \
                 {registered}"
            );
            choice(registered, Some(note))
        }
        _ if BY_NAME.iter().any(|(known, _)| *known == name) => choice(name, None),
        _ => {
            let note = format!("tokenizer_class {name} is not known here: tokenizer.json was read as it is written");
            choice(name, Some(note))
        }
    }
}
