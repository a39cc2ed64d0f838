//! The parts of a `tokenizer.json` that are read here: the tokenizers crate does not check or tell them.

use serde::Deserialize;
use serde_json::Value;

use super::TokenizerError;
use super::special::Token;

/// A `tokenizer.json`, its vocabulary aside.
#[derive(Deserialize)]
pub(super) struct Declared {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    post_processor: Option<Value>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(flatten)]
    flags: serde_json::Map<String, Value>,
}

/// Tokens that a post-processor puts around a text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Around {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
}

impl Around {
    /// Whether all of them are tokens.
    pub fn check(&self, tokenizer: &tokenizers::Tokenizer, place: &str) -> Result<(), TokenizerError> {
        match self.before.iter().find(|&&id| tokenizer.id_to_token(id).is_none()) {
            Some(id) => {
                let problem = format!("the post-processor puts a token {id} before texts, which is not there");
                Err(TokenizerError::malformed(place, problem))
            }
            None => Ok(()),
        }
    }
}

impl Declared {
    /// The first added token that `tokenizer` does not give the declared id: token, declared id, given id.
    pub fn misplaced(&self, tokenizer: &tokenizers::Tokenizer) -> Option<(&str, u32, Option<u32>)> {
        let tokens = self.added_tokens.iter().filter(|token| !token.content.is_empty());
        let mut ids = tokens.map(|token| (&*token.content, token.id, tokenizer.token_to_id(&token.content)));
        ids.find(|(_, id, given)| *given != Some(*id))
    }

    /// Added tokens with their ids.
    pub fn tokens(&self) -> Vec<(u32, Token)> {
        let token = |token: &AddedToken| {
            let mut value = token.flags.clone();
            value.insert("content".into(), token.content.as_str().into());
            Token::of(&Value::Object(value)).map(|read| (token.id, read))
        };
        self.added_tokens.iter().filter_map(token).collect()
    }

    /// What the post-processor puts around a text.
    pub fn around(&self) -> Around {
        self.post_processor.as_ref().map(around).unwrap_or_default()
    }

    /// The rule that changes a text before it is split, and the one that splits it.
    pub fn rules(&self) -> [Option<&Value>; 2] {
        [self.normalizer.as_ref(), self.pre_tokenizer.as_ref()]
    }

    /// Whether a part of the rules puts a space before a text that has none.
    pub fn puts_space(&self) -> bool {
        self.rules().into_iter().flatten().any(puts_space)
    }
}

fn puts_space(rule: &Value) -> bool {
    let parts = ["pretokenizers", "normalizers"].iter().filter_map(|key| rule.get(key)?.as_array()).flatten();
    match rule.get("type").and_then(Value::as_str) {
        Some("ByteLevel") => rule.get("add_prefix_space").and_then(Value::as_bool).unwrap_or(false),
        Some("Metaspace") => match rule.get("prepend_scheme").and_then(Value::as_str) {
            Some(scheme) => scheme != "never",
            None => rule.get("add_prefix_space").and_then(Value::as_bool).unwrap_or(true),
        },
        Some("Prepend") => true,
        _ => parts.into_iter().any(puts_space),
    }
}

fn around(processor: &Value) -> Around {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    let pair = |key: &str| processor.get(key).and_then(|pair| id(pair.get(1)?)).into_iter().collect();
    match processor.get("type").and_then(Value::as_str) {
        Some("TemplateProcessing") => {
            let mut around = Around::default();
            let mut text_seen = false;
            for piece in processor.get("single").and_then(Value::as_array).into_iter().flatten() {
                let Some(name) = piece.get("SpecialToken").and_then(|token| token.get("id")?.as_str()) else {
                    text_seen = true;
                    continue;
                };
                let ids = processor.get("special_tokens").and_then(|tokens| tokens.get(name)?.get("ids")?.as_array());
                let side = if text_seen { &mut around.after } else { &mut around.before };
                side.extend(ids.into_iter().flatten().filter_map(id));
            }
            around
        }
        Some("BertProcessing" | "RobertaProcessing") => Around { before: pair("cls"), after: pair("sep") },
        // Each puts its tokens around what the ones before it made.
        Some("Sequence") => {
            let parts = processor.get("processors").and_then(Value::as_array).into_iter().flatten();
            parts.map(around).fold(Around::default(), |inner, outer| Around {
                before: [outer.before, inner.before].concat(),
                after: [inner.after, outer.after].concat(),
            })
        }
        _ => Around::default(),
    }
}
