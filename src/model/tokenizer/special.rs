//! Tokens that stand in texts by name, from wherever a folder has them, in the order in which transformers 5 adds them: that
//! order gives those without an id of their own the next that are free.

use std::collections::{BTreeMap, HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::class::Class;

/// Named tokens that every class has.
const STANDARD: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// Code Llama's own, with their usual names.
const INFILLING: [(&str, &str); 5] = [
    ("prefix_token", "▁<PRE>"),
    ("middle_token", "▁<MID>"),
    ("suffix_token", "▁<SUF>"),
    ("eot_token", "▁<EOT>"),
    ("fill_token", "<FILL_ME>"),
];

const EXTRA: &str = "extra_special_tokens";
const ADDITIONAL: &str = "additional_special_tokens";
const DECODER: &str = "added_tokens_decoder";

/// A token by its name alone, or with what decides where in a text it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Added { content: String, single_word: bool, lstrip: bool, rstrip: bool, normalized: Option<bool>, special: bool },
}

impl Token {
    /// `"text"`, or an object with `content`.
    pub fn of(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Some(Self::Name(text.into()));
        }
        let flag = |key: &str| value.get(key).and_then(Value::as_bool);
        Some(Self::Added {
            content: value.get("content")?.as_str()?.into(),
            single_word: flag("single_word").unwrap_or(false),
            lstrip: flag("lstrip").unwrap_or(false),
            rstrip: flag("rstrip").unwrap_or(false),
            normalized: flag("normalized"),
            special: flag("special").unwrap_or(false),
        })
    }

    pub fn content(&self) -> &str {
        match self {
            Self::Name(content) | Self::Added { content, .. } => content,
        }
    }

    fn made_special(self) -> Self {
        match self {
            Self::Added { content, single_word, lstrip, rstrip, normalized, .. } => {
                Self::Added { content, single_word, lstrip, rstrip, normalized, special: true }
            }
            name @ Self::Name(_) => name,
        }
    }

    /// As the tokenizers crate has it. A name alone is that of a special token.
    fn added(&self) -> tokenizers::AddedToken {
        match self {
            Self::Name(content) => tokenizers::AddedToken::from(content.as_str(), true),
            Self::Added { content, single_word, lstrip, rstrip, normalized, special } => {
                let token = tokenizers::AddedToken::from(content.as_str(), *special);
                let token = token.single_word(*single_word).lstrip(*lstrip).rstrip(*rstrip);
                normalized.map_or(token.clone(), |normalized| token.normalized(normalized))
            }
        }
    }
}

/// The files of a folder that name tokens.
pub(super) struct SpecialTokenFiles<'a> {
    /// tokenizer_config.json
    pub settings: &'a Map<String, Value>,
    /// special_tokens_map.json
    pub special: &'a Map<String, Value>,
    /// added_tokens.json
    pub added: &'a [(String, u32)],
    /// The added tokens of tokenizer.json.
    pub written: &'a [(u32, Token)],
}

/// The tokens that a folder names.
#[derive(Debug)]
pub(super) struct NamedTokens {
    /// By id; the ids order them.
    numbered: BTreeMap<u32, Token>,
    /// By role, such as `bos_token`.
    roles: IndexMap<String, Token>,
    /// Others.
    extra: Vec<Token>,
    /// Whether a file names the token that begins a text; else the class does.
    says_bos: bool,
}

impl NamedTokens {
    /// Puts together what the files say and what the class does where they are silent.
    pub fn of(class: Class, files: &SpecialTokenFiles) -> Self {
        let mut settings = files.settings.clone();
        if !truthy(settings.get(EXTRA))
            && let Some(tokens) = settings.shift_remove(ADDITIONAL)
        {
            settings.insert(EXTRA.into(), tokens);
        }
        let mut own = IndexMap::new();
        let roles: Vec<String> = settings.keys().filter(|key| is_own_role(key)).cloned().collect();
        for role in roles {
            if let Some(name) = settings.get(&role).and_then(Value::as_str) {
                own.insert(role.clone(), Token::Name(name.into()));
                settings.shift_remove(&role);
            }
        }
        take_roles(&mut settings, &mut own);
        let mut numbered = BTreeMap::new();
        if let Some(tokens) = settings.get(DECODER).and_then(Value::as_object) {
            let entry = |(id, token): (&String, &Value)| Some((id.parse().ok()?, Token::of(token)?));
            numbered.extend(tokens.iter().filter_map(entry));
        } else {
            merge_map(&mut settings, files.special);
            take_roles(&mut settings, &mut own);
            let special = special_names(&settings);
            for (content, id) in files.added {
                let special = special.contains(content.as_str());
                let token = Token::Added {
                    content: content.clone(),
                    single_word: false,
                    lstrip: false,
                    rstrip: false,
                    normalized: Some(!special),
                    special,
                };
                numbered.insert(*id, token);
            }
            numbered.extend(files.written.iter().cloned());
        }
        let by_name: HashMap<&str, &Token> = numbered.values().map(|token| (token.content(), token)).collect();
        let mut roles = IndexMap::new();
        for role in STANDARD {
            let token = match settings.get(role) {
                None => class.usual(role).map(|name| Token::Name(name.into())),
                Some(value) => Token::of(value).map(|token| by_name.get(token.content()).map_or(token, |&t| t.clone())),
            };
            roles.extend(token.map(|token| (role.to_string(), token)));
        }
        let says_bos = settings.get("bos_token").is_some_and(|value| !value.is_null());
        let mut rest = IndexMap::new();
        if class == Class::CodeLlama {
            rest.extend(INFILLING.map(|(role, name)| (role.to_string(), Token::Name(name.into()))));
        }
        let others = settings.iter().filter(|(key, _)| is_own_role(key));
        rest.extend(others.filter_map(|(role, value)| Some((role.clone(), Token::of(value)?))));
        rest.extend(own);
        roles.extend(rest);
        let list = |key: &str| settings.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let extra = if settings.contains_key(EXTRA) { list(EXTRA) } else { list(ADDITIONAL) };
        let mut extra: Vec<Token> = extra.iter().filter_map(Token::of).collect();
        if class == Class::CodeLlama && !settings.contains_key(EXTRA) {
            extra.extend(INFILLING.map(|(_, name)| Token::Name(name.into())));
        }
        Self { numbered, roles, extra, says_bos }
    }

    /// The token that a text begins with, and whether a file says so or only the class.
    pub fn bos(&self) -> (Option<&str>, bool) {
        (self.role("bos_token"), self.says_bos)
    }

    /// The token of a role, such as `unk_token`.
    pub fn role(&self, role: &str) -> Option<&str> {
        self.roles.get(role).map(Token::content)
    }

    /// The texts of all roles.
    pub fn by_role(&self) -> IndexMap<String, String> {
        self.roles.iter().map(|(role, token)| (role.clone(), token.content().to_string())).collect()
    }

    /// Adds the tokens that are not there yet.
    pub fn add_to(&self, tokenizer: &mut tokenizers::Tokenizer, class: Class) {
        let there = tokenizer.get_added_tokens_decoder();
        let there: HashMap<&str, &tokenizers::AddedToken> =
            there.values().map(|token| (token.content.as_str(), token)).collect();
        let mut new: Vec<&Token> = Vec::new();
        new.extend(
            self.numbered.values().filter(|token| there.get(token.content()).is_none_or(|t| **t != token.added())),
        );
        let known: HashSet<&str> = there.keys().copied().chain(new.iter().map(|token| token.content())).collect();
        for token in self.roles.values().chain(&self.extra) {
            if !known.contains(token.content()) && !new.contains(&token) {
                new.push(token);
            }
        }
        let roles: HashSet<&str> = self.roles.values().map(Token::content).collect();
        let special = |token: &Token| {
            if roles.contains(token.content()) { token.clone().made_special() } else { token.clone() }
        };
        let new: Vec<_> = new.into_iter().map(|token| special(token).added()).collect();
        tokenizer.add_tokens(&new);
        if class == Class::Qwen2 {
            let names: IndexMap<&str, ()> =
                self.roles.values().chain(&self.extra).map(|token| (token.content(), ())).collect();
            let plain = names.into_keys().map(|name| tokenizers::AddedToken::from(name, true));
            tokenizer.add_tokens(&plain.collect::<Vec<_>>());
        }
    }

    /// The first token that did not get the id that its file gives it: token, id there, id here.
    pub fn misplaced(&self, tokenizer: &tokenizers::Tokenizer) -> Option<(&str, u32, u32)> {
        self.numbered.iter().find_map(|(id, token)| {
            let given = tokenizer.token_to_id(token.content())?;
            (given != *id).then(|| (token.content(), *id, given))
        })
    }
}

impl Class {
    /// The name of a role's token where no file gives it one.
    fn usual(self, role: &str) -> Option<&'static str> {
        match (self, role) {
            (Self::AsWritten, _) => None,
            (Self::Gemma, "bos_token") => Some("<bos>"),
            (Self::Gemma, "eos_token") => Some("<eos>"),
            (Self::Gemma, "unk_token") => Some("<unk>"),
            (Self::Gemma, "pad_token") => Some("<pad>"),
            (Self::Gemma, "mask_token") => Some("<mask>"),
            (Self::Gemma, _) => None,
            (Self::Llama | Self::CodeLlama, "bos_token") => Some("<s>"),
            (Self::Llama | Self::CodeLlama, "eos_token") => Some("</s>"),
            (Self::Llama | Self::CodeLlama, "unk_token") => Some("<unk>"),
            (Self::Llama | Self::CodeLlama, _) | (Self::Qwen2, "bos_token") => None,
            (Self::GptNeoX, "pad_token") => Some("<|padding|>"),
            (_, "eos_token" | "unk_token" | "bos_token") | (Self::Qwen2, "pad_token") => Some("<|endoftext|>"),
            _ => None,
        }
    }
}

/// A token's role that only some models have, such as `image_token`.
fn is_own_role(key: &str) -> bool {
    key.ends_with("_token") && !STANDARD.contains(&key)
}

/// Extra tokens may be an object of roles.
fn take_roles(settings: &mut Map<String, Value>, own: &mut IndexMap<String, Token>) {
    if settings.get(EXTRA).is_some_and(Value::is_object)
        && let Some(Value::Object(roles)) = settings.shift_remove(EXTRA)
    {
        own.extend(roles.iter().filter_map(|(role, value)| Some((role.clone(), Token::of(value)?))));
    }
}

/// special_tokens_map.json is read where tokenizer_config.json has no `added_tokens_decoder`, and then beats it.
fn merge_map(settings: &mut Map<String, Value>, special: &Map<String, Value>) {
    let made_special = |value: &Value| {
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            object.insert("special".into(), true.into());
        }
        value
    };
    for (key, value) in special {
        let value = match (key.as_str(), value) {
            (EXTRA, Value::Array(tokens)) => {
                let mut all = settings.get(EXTRA).and_then(Value::as_array).cloned().unwrap_or_default();
                for token in tokens.iter().map(made_special) {
                    if !all.contains(&token) {
                        all.push(token);
                    }
                }
                Value::Array(all)
            }
            (EXTRA, value) => value.clone(),
            (_, value) => made_special(value),
        };
        settings.insert(key.clone(), value);
    }
}

fn special_names(settings: &Map<String, Value>) -> HashSet<String> {
    let standard = STANDARD.iter().filter_map(|role| settings.get(*role));
    let extra = settings.get(EXTRA).and_then(Value::as_array).into_iter().flatten();
    standard.chain(extra).filter_map(Token::of).map(|token| token.content().to_string()).collect()
}

/// As Python has it.
pub(super) fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(values)) => !values.is_empty(),
        Some(Value::Object(values)) => !values.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Bool(true)) => true,
    }
}
