//! The tokenizer in a GGUF file's metadata.

use tokenizers::AddedToken;

use super::metadata::Metadata;
use crate::model::chat_template::ChatTemplate;
use crate::model::tokenizer::byte_level::{ByteLevelBpe, by_gguf_name, gguf_names};
use crate::model::tokenizer::sentence_piece::SentencePieceBpe;
use crate::model::tokenizer::{Tokenizer, TokenizerError};

use super::file::Gguf;

/// Kinds of vocabularies, as `tokenizer.ggml.model` names them.
const BYTE_LEVEL: &str = "gpt2";
const SENTENCE_PIECE: &str = "llama";

/// Token types of the format.
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;

/// llama.cpp's first token of a text in a SentencePiece vocabulary that names none.
const SENTENCE_PIECE_BOS: u32 = 1;

impl Gguf {
    /// Makes the tokenizer that the metadata describe: byte-level BPE (`tokenizer.ggml.model` = `gpt2`) with one of the
    /// splitting rules that are built in, or SentencePiece's BPE (`llama`).
    ///
    /// # Errors
    /// A kind or a splitting rule that is not known, by name; metadata that contradict themselves.
    pub fn tokenizer(&self) -> Result<Tokenizer, TokenizerError> {
        let place = self.path().display().to_string();
        read(self.metadata(), &place)
    }
}

fn read(metadata: &Metadata, place: &str) -> Result<Tokenizer, TokenizerError> {
    let malformed = |problem: String| TokenizerError::malformed(place, problem);
    let missing = |key: &str| malformed(format!("metadata '{key}' is missing: the file has no tokenizer"));
    let unsupported = |what, name: &str, known: String| TokenizerError::Unsupported {
        place: place.into(),
        what,
        name: name.into(),
        known,
    };
    let model = metadata.text("tokenizer.ggml.model").map_err(malformed)?;
    let model = model.ok_or_else(|| missing("tokenizer.ggml.model"))?;
    let tokens = metadata.texts("tokenizer.ggml.tokens").map_err(malformed)?;
    let tokens = tokens.ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
    let types = metadata.counts("tokenizer.ggml.token_type").map_err(malformed)?.unwrap_or_default();
    if !types.is_empty() && types.len() != tokens.len() {
        return Err(malformed(format!("{} tokens, but types of {}", tokens.len(), types.len())));
    }
    // In the order of ids. An unused row may repeat a token: the first keeps its place.
    let added = tokens.iter().zip(&types).filter(|(_, kind)| matches!(**kind, UNKNOWN | CONTROL | USER_DEFINED));
    let added = added.map(|(token, kind)| AddedToken::from(token.as_str(), *kind != USER_DEFINED).normalized(false));
    let added: Vec<AddedToken> = added.collect();
    let numbered: Vec<(String, u32)> = tokens.iter().cloned().zip(0u32..).collect();
    let mut notes = Vec::new();
    let mut adds_by_default = model == SENTENCE_PIECE;
    let mut inner = match model {
        BYTE_LEVEL => {
            let rule = metadata.text("tokenizer.ggml.pre").map_err(malformed)?.ok_or_else(|| {
                malformed(
                    "metadata 'tokenizer.ggml.pre' is missing: the file does not say how text is split into words; \
                     write it with gguf-new-metadata --pre-tokenizer NAME"
                        .into(),
                )
            })?;
            let (words, whole_words) =
                by_gguf_name(rule).ok_or_else(|| unsupported("tokenizer.ggml.pre", rule, gguf_names()))?;
            adds_by_default = whole_words;
            if metadata.bool("tokenizer.ggml.add_space_prefix").map_err(malformed)? == Some(true) {
                notes.push(
                    "tokenizer.ggml.add_space_prefix is true, which llama.cpp does not obey in a vocabulary of \
                            bytes; nor was it here"
                        .into(),
                );
            }
            let merges = metadata.texts("tokenizer.ggml.merges").map_err(malformed)?;
            let merges = merges.ok_or_else(|| missing("tokenizer.ggml.merges"))?;
            let pair = |merge: &String| {
                let pair = merge.split_once(' ').map(|(left, right)| (left.to_string(), right.to_string()));
                pair.ok_or_else(|| malformed(format!("the merge '{merge}' is not two tokens with a space between")))
            };
            let merges = merges.iter().map(pair).collect::<Result<_, _>>()?;
            let tokens = numbered.into_iter().collect();
            ByteLevelBpe { tokens, merges, words, add_space: false, whole_words }.build(place)?
        }
        SENTENCE_PIECE => {
            let scores = metadata.floats("tokenizer.ggml.scores").map_err(malformed)?;
            let scores = scores.ok_or_else(|| missing("tokenizer.ggml.scores"))?;
            let add_space = metadata.bool("tokenizer.ggml.add_space_prefix").map_err(malformed)?.unwrap_or(true);
            let unknown = id(metadata, "tokenizer.ggml.unknown_token_id").map_err(malformed)?.unwrap_or(0);
            SentencePieceBpe { tokens: numbered, scores, add_space, unknown }.build(place)?
        }
        other => return Err(unsupported("tokenizer.ggml.model", other, format!("{BYTE_LEVEL}, {SENTENCE_PIECE}"))),
    };
    inner.add_tokens(&added);
    let bos = id(metadata, "tokenizer.ggml.bos_token_id").map_err(malformed)?;
    let bos = bos.or((model == SENTENCE_PIECE).then_some(SENTENCE_PIECE_BOS));
    // llama.cpp's defaults where the file is silent.
    let adds = metadata.bool("tokenizer.ggml.add_bos_token").map_err(malformed)?.unwrap_or(adds_by_default);
    if metadata.bool("tokenizer.ggml.add_eos_token").map_err(malformed)? == Some(true) {
        notes.push(
            "tokenizer.ggml.add_eos_token is true; here no token is put after texts, because prompts are to be \
                    continued"
                .into(),
        );
    }
    // What ends a text, and what ends a turn of a conversation; llama.cpp stops at both.
    let mut ends = Vec::new();
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"] {
        let end = id(metadata, key).map_err(malformed)?.filter(|end| !ends.contains(end));
        ends.extend(end);
    }
    let template = metadata.text("tokenizer.chat_template").map_err(malformed)?;
    let roles = [("bos_token", bos), ("eos_token", id(metadata, "tokenizer.ggml.eos_token_id").map_err(malformed)?)];
    let text = |id: u32| tokens.get(id as usize).cloned();
    let roles = roles.into_iter().filter_map(|(role, id)| Some((role.to_string(), text(id?)?))).collect();
    let template = template.map(|source| ChatTemplate::new(source.to_string(), roles));
    let tokenizer = Tokenizer::new(inner).with_bos(bos).with_adds_bos(Some(adds));
    Ok(tokenizer.with_chat_template(template).with_ends(ends).with_notes(notes))
}

fn id(metadata: &Metadata, key: &str) -> Result<Option<u32>, String> {
    // 2^32 - 1 is how some converters write "none".
    Ok(metadata.count(key)?.and_then(|id| u32::try_from(id).ok()).filter(|&id| id != u32::MAX))
}
