//! A tokenizer from the files of a model folder.

use std::path::Path;

use serde_json::{Map, Value};

use super::byte_level::{ByteLevelBpe, Words};
use super::{Tokenizer, TokenizerError};

/// Vocabulary and merges, under the names GPT-2's ports and its original release give them.
const VOCAB_AND_MERGES: [(&str, &str); 2] = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

/// Every file of a model folder that a tokenizer may be read from, or `config.json` with them.
pub const FOLDER_FILES: [&str; 9] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "encoder.json",
    "vocab.bpe",
];

/// Splitting rules by `tokenizer_class`, for folders without a tokenizer.json.
const BY_CLASS: [(&str, Words); 4] = [
    ("GPT2Tokenizer", Words::Gpt2),
    ("GPT2TokenizerFast", Words::Gpt2),
    ("Qwen2Tokenizer", Words::Qwen2),
    ("Qwen2TokenizerFast", Words::Qwen2),
];

impl Tokenizer {
    /// Reads a model folder: `tokenizer.json`, else a vocabulary with merges (`vocab.json` and `merges.txt`, or
    /// `encoder.json` and `vocab.bpe`). `tokenizer_config.json`, `special_tokens_map.json` and `config.json`, where
    /// they are there, say which token a text begins with and whether it is put there.
    ///
    /// # Errors
    /// No tokenizer in the folder, or one of the files is not what its name says.
    pub fn from_dir(folder: &Path) -> Result<Self, TokenizerError> {
        let settings = json_object(&folder.join("tokenizer_config.json"))?;
        let tokenizer = match read(&folder.join("tokenizer.json"))? {
            Some(bytes) => Self::from_json_bytes(&bytes, &folder.join("tokenizer.json").display().to_string())?,
            None => vocab_and_merges(folder, &settings)?,
        };
        let named = settings.get("bos_token").and_then(token_text).and_then(|text| tokenizer.id(text));
        let bos = match named {
            Some(id) => Some(id),
            None => {
                let special = json_object(&folder.join("special_tokens_map.json"))?;
                let config = json_object(&folder.join("config.json"))?;
                let named = special.get("bos_token").and_then(token_text).and_then(|text| tokenizer.id(text));
                let numbered = config.get("bos_token_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
                named.or(numbered)
            }
        };
        // What the tokenizer is seen to put first is surer than what a config says.
        let bos = if tokenizer.adds_bos() { None } else { bos };
        Ok(tokenizer.with_bos(bos).with_adds_bos(settings.get("add_bos_token").and_then(Value::as_bool)))
    }
}

fn vocab_and_merges(folder: &Path, settings: &Map<String, Value>) -> Result<Tokenizer, TokenizerError> {
    let (vocab, merges) = VOCAB_AND_MERGES
        .iter()
        .map(|(vocab, merges)| (folder.join(vocab), folder.join(merges)))
        .find(|(vocab, merges)| vocab.is_file() && merges.is_file())
        .ok_or_else(|| TokenizerError::Missing { folder: folder.into() })?;
    let words = words_of_class(folder, settings)?;
    let mut tokens = ids(&vocab)?;
    let mut added: Vec<(String, bool)> = Vec::new();
    for (token, id) in ids(&folder.join("added_tokens.json"))? {
        added.push((token.clone(), false));
        tokens.push((token, id));
    }
    let end_of_text = tokens.iter().find(|(token, _)| token == "<|endoftext|>");
    added.extend(end_of_text.map(|(token, _)| (token.clone(), true)));
    let place = merges.display().to_string();
    let text = read(&merges)?.unwrap_or_default();
    let text = std::str::from_utf8(&text).map_err(|e| TokenizerError::malformed(&place, e))?;
    let mut pairs = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() || (number == 1 && line.starts_with("#version")) {
            continue;
        }
        let pair = line.trim_end().split_once(' ').filter(|(_, right)| !right.contains(' '));
        let (left, right) = pair.ok_or_else(|| {
            TokenizerError::malformed(&place, format!("line {number}: '{line}' is not two tokens with a space between"))
        })?;
        pairs.push((left.to_string(), right.to_string()));
    }
    ByteLevelBpe { tokens, merges: pairs, words, added }.build(&place)
}

fn words_of_class(folder: &Path, settings: &Map<String, Value>) -> Result<Words, TokenizerError> {
    let Some(class) = settings.get("tokenizer_class").and_then(Value::as_str) else { return Ok(Words::Gpt2) };
    BY_CLASS.iter().find(|(name, _)| *name == class).map(|(_, words)| *words).ok_or_else(|| {
        TokenizerError::Unsupported {
            place: folder.join("tokenizer_config.json").display().to_string(),
            what: "a vocabulary with merges but no tokenizer.json, of tokenizer_class",
            name: class.into(),
            known: BY_CLASS.map(|(name, _)| name).join(", "),
        }
    })
}

/// A JSON object of token to id; empty when there is no such file.
fn ids(path: &Path) -> Result<Vec<(String, u32)>, TokenizerError> {
    let place = path.display().to_string();
    let id = |token: &str, id: &Value| {
        id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
            TokenizerError::malformed(&place, format!("the id of '{token}' is {id}, which is not a token id"))
        })
    };
    json_object(path)?.into_iter().map(|(token, value)| id(&token, &value).map(|id| (token, id))).collect()
}

/// `"text"`, or an object whose `content` it is.
fn token_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content").and_then(Value::as_str))
}

/// The JSON object in a file; empty when there is no such file.
fn json_object(path: &Path) -> Result<Map<String, Value>, TokenizerError> {
    let Some(bytes) = read(path)? else { return Ok(Map::new()) };
    serde_json::from_slice(&bytes).map_err(|e| TokenizerError::malformed(path.display().to_string(), e))
}

/// The content of a file, or `None` when there is no such file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, TokenizerError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TokenizerError::Read { path: path.into(), source }),
    }
}
