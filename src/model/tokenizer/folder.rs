//! A tokenizer from the files of a model folder.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::class::{Class, ClassChoice, choose};
use super::declared::Around;
use super::ends::ends;
use super::rebuilt::{self, VocabularyParts};
use super::special::{NamedTokens, SpecialTokenFiles, truthy};
use super::{Tokenizer, TokenizerError};
use crate::model::chat_template::ChatTemplate;

/// Vocabulary and merges, under the names GPT-2's ports and its original release give them.
const VOCAB_AND_MERGES: [(&str, &str); 2] = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

/// Every file of a model folder that a tokenizer may be read from, or `config.json` with them.
pub const FOLDER_FILES: [&str; 11] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    CHAT_TEMPLATE,
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "encoder.json",
    "vocab.bpe",
    "generation_config.json",
];

/// The file of a chat template, which goes before the one in tokenizer_config.json.
const CHAT_TEMPLATE: &str = "chat_template.jinja";

/// Files that hold tokenizers in forms that are not read.
const OTHER_FORMS: [&str; 4] = ["tokenizer.model", "tekken.json", "tiktoken.model", "vocab.txt"];

/// What the small files of a folder say.
struct Folder<'a> {
    path: &'a Path,
    config: Map<String, Value>,
    settings: Map<String, Value>,
    special: Map<String, Value>,
    added: Vec<(String, u32)>,
}

/// A tokenizer of the tokenizers crate, without the tokens that only the small files name.
struct FolderTokenizer {
    inner: tokenizers::Tokenizer,
    class: Class,
    tokens: NamedTokens,
    around: Decides,
    notes: Vec<String>,
}

/// Who says which tokens stand around a text.
enum Decides {
    /// The post-processor of tokenizer.json, or the class that drops it.
    Template(Around),
    /// `add_bos_token` and `add_eos_token`.
    Settings { bos: bool, eos: bool },
}

impl Tokenizer {
    /// Reads a model folder: `tokenizer.json`, else a vocabulary with merges (`vocab.json` and `merges.txt`, or
    /// `encoder.json` and `vocab.bpe`), as the class does that `AutoTokenizer` of transformers 5 takes: the class decides
    /// how text is split and who says whether a text begins with a token of its own. `tokenizer_config.json`,
    /// `special_tokens_map.json`, `added_tokens.json` and `config.json`, where they are there, say which class that is and
    /// which tokens stand in texts by name. [`Tokenizer::notes`] says what was followed where they disagree.
    ///
    /// # Errors
    /// No tokenizer in the folder, or one of the files is not what its name says.
    pub fn from_dir(folder: &Path) -> Result<Self, TokenizerError> {
        let object = |name: &str| json_object(&folder.join(name));
        let folder = Folder {
            path: folder,
            config: object("config.json")?,
            settings: object("tokenizer_config.json")?,
            special: object("special_tokens_map.json")?,
            added: ids(&folder.join("added_tokens.json"))?,
        };
        let made = match read(&folder.path.join("tokenizer.json"))? {
            Some(bytes) => folder.whole(&bytes)?,
            None => folder.vocab_and_merges()?,
        };
        folder.finish(made)
    }
}

impl Folder<'_> {
    /// From a tokenizer.json.
    fn whole(&self, bytes: &[u8]) -> Result<FolderTokenizer, TokenizerError> {
        let place = self.path.join("tokenizer.json").display().to_string();
        let (text, declared) = super::declared(bytes, &place)?;
        let ClassChoice { mut class, name, note, .. } =
            choose(&self.config, &self.settings, text.contains("\"ByteLevel\""));
        let mut notes = Vec::from_iter(note);
        let parts = if class == Class::AsWritten { None } else { parts(text, &place)? };
        if class != Class::AsWritten && parts.is_none() {
            notes.push(format!("tokenizer.json is not the BPE that {name} is made of: it was read as it is written"));
            class = Class::AsWritten;
        }
        let files = SpecialTokenFiles {
            settings: &self.settings,
            special: &self.special,
            added: &self.added,
            written: &declared.tokens(),
        };
        let tokens = NamedTokens::of(class, &files);
        let inner = match parts {
            Some(parts) => rebuilt::build(class, parts, &self.settings, tokens.role("unk_token"))?,
            None => super::as_written(bytes, &declared, &place)?,
        };
        if class != Class::AsWritten && !rebuilt::follows(&inner, &declared) {
            notes.push(format!(
                "tokenizer.json changes and splits text by other rules than {name}, whose rules were followed, as \
                 transformers 5 does"
            ));
        }
        if class == Class::AsWritten
            && let Some(space) = self.settings.get("add_prefix_space").and_then(Value::as_bool)
            && space != declared.puts_space()
        {
            notes.push(format!(
                "add_prefix_space = {space} of tokenizer_config.json was not followed: tokenizer.json decides, as in \
                 transformers 5"
            ));
        }
        let around = match class {
            // Its class makes the post-processor anew and does not see the settings where there is a tokenizer.json.
            Class::GptNeoX => Decides::Template(Around::default()),
            Class::CodeLlama => Decides::Settings { bos: true, eos: false },
            _ => Decides::Template(declared.around()),
        };
        Ok(FolderTokenizer { inner, class, tokens, around, notes })
    }

    /// From a vocabulary and merges in files of their own.
    fn vocab_and_merges(&self) -> Result<FolderTokenizer, TokenizerError> {
        let files = VOCAB_AND_MERGES.iter().map(|(vocab, merges)| (self.path.join(vocab), self.path.join(merges)));
        let (vocab, merges) =
            files.into_iter().find(|(vocab, merges)| vocab.is_file() && merges.is_file()).ok_or_else(|| {
                let other = OTHER_FORMS.into_iter().find(|name| self.path.join(name).is_file());
                TokenizerError::Missing { folder: self.path.into(), other }
            })?;
        let ClassChoice { class, name, named, note } = choose(&self.config, &self.settings, false);
        let mut notes = Vec::from_iter(note);
        let class = match (class.words(), named.as_deref()) {
            (Some(_), _) => class,
            (None, None) if class == Class::AsWritten => {
                notes.push(format!(
                    "no file says how text is split: GPT-2's rule was followed; write \"tokenizer_class\" into {}",
                    self.path.join("tokenizer_config.json").display()
                ));
                Class::Gpt2
            }
            (None, named) => {
                return Err(TokenizerError::Unsupported {
                    place: self.path.join("tokenizer_config.json").display().to_string(),
                    what: "a vocabulary with merges but no tokenizer.json, of tokenizer_class",
                    name: match named {
                        Some(named) if named != name => format!("{named} (read by {name})"),
                        _ => name,
                    },
                    known: "CodeGenTokenizer, GPT2Tokenizer, GPTNeoXTokenizer, Qwen2Tokenizer".into(),
                });
            }
        };
        let files =
            SpecialTokenFiles { settings: &self.settings, special: &self.special, added: &self.added, written: &[] };
        let tokens = NamedTokens::of(class, &files);
        let place = merges.display().to_string();
        let parts = VocabularyParts { tokens: ids(&vocab)?.into_iter().collect(), merges: merges_of(&merges)?, place };
        let inner = rebuilt::build(class, parts, &self.settings, tokens.role("unk_token"))?;
        let [bos, eos] = [ADD_BOS, ADD_EOS].map(|key| truthy(self.settings.get(key)));
        Ok(FolderTokenizer { inner, class, tokens, around: Decides::Settings { bos, eos }, notes })
    }

    /// Adds the named tokens and settles what a text begins with.
    fn finish(&self, made: FolderTokenizer) -> Result<Tokenizer, TokenizerError> {
        let FolderTokenizer { mut inner, class, tokens, around, mut notes } = made;
        let (bos, said) = tokens.bos();
        // A token that only the class names may be one that the vocabulary lacks.
        let usual = said || bos.is_some_and(|token| inner.token_to_id(token).is_some());
        tokens.add_to(&mut inner, class);
        inner.set_encode_special_tokens(truthy(self.settings.get("split_special_tokens")));
        if let Some((token, there, here)) = tokens.misplaced(&inner) {
            notes.push(format!(
                "the added token '{token}' has the id {there} in its file, but {here} here, as in transformers 5: a new \
                 token gets the next id that is free"
            ));
        }
        let named = bos.and_then(|token| inner.token_to_id(token));
        let id_of = |role: &str| tokens.role(role).and_then(|token| inner.token_to_id(token));
        let last = id_of("eos_token");
        let around = match around {
            Decides::Template(around) => around,
            Decides::Settings { bos, eos } => Around {
                before: named.filter(|_| bos).into_iter().collect(),
                after: last.filter(|_| eos).into_iter().collect(),
            },
        };
        around.check(&inner, &self.path.join("tokenizer.json").display().to_string())?;
        let numbered = self.config.get("bos_token_id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        let first = around.before.first().copied();
        let bos = first.or(named.filter(|_| usual)).or(numbered).or(named);
        let generation = json_object(&self.path.join("generation_config.json")).unwrap_or_else(|error| {
            notes.push(format!("{error}; it was not read, and what ends a text is what other files say"));
            Map::new()
        });
        let ends = ends(&generation, &self.config).unwrap_or_else(|| last.into_iter().collect());
        let tokenizer = Tokenizer::new(inner).with_bos(bos).with_adds_bos(Some(first.is_some())).with_ends(ends);
        notes.extend(self.notes_on(&around, named, &tokenizer));
        let template = self.chat_template(&tokens)?;
        Ok(tokenizer.with_chat_template(template).with_notes(notes))
    }

    /// The chat template: a file of its own, or of several in tokenizer_config.json the one that is called `default`.
    fn chat_template(&self, tokens: &NamedTokens) -> Result<Option<ChatTemplate>, TokenizerError> {
        let path = self.path.join(CHAT_TEMPLATE);
        let source = match read(&path)? {
            Some(bytes) => {
                let malformed = |error| TokenizerError::malformed(path.display().to_string(), error);
                Some(String::from_utf8(bytes).map_err(malformed)?)
            }
            None => self.settings.get("chat_template").and_then(|written| {
                let named = written.as_array().into_iter().flatten();
                let mut default = named.filter(|one| one.get("name").and_then(Value::as_str) == Some("default"));
                let text = written.as_str().or_else(|| default.next()?.get("template")?.as_str());
                text.map(String::from)
            }),
        };
        Ok(source.map(|source| ChatTemplate::new(source, tokens.by_role())))
    }

    /// Where the settings say otherwise than what is done, and what is done that is not the tokenizer's.
    fn notes_on(&self, around: &Around, named: Option<u32>, tokenizer: &Tokenizer) -> Vec<String> {
        let name = |id: u32| tokenizer.token(id).unwrap_or_else(|| id.to_string());
        let list = |ids: &[u32]| ids.iter().map(|&id| name(id)).collect::<Vec<_>>().join(" ");
        let mut notes = Vec::new();
        for (key, what) in UNREAD {
            if truthy(self.settings.get(key)) {
                notes.push(format!("{key} of tokenizer_config.json is not read: {what}"));
            }
        }
        match (self.settings.get(ADD_BOS).and_then(Value::as_bool), around.before.first()) {
            (Some(false), Some(&first)) => notes.push(format!(
                "{} is put before prompts, though tokenizer_config.json has add_bos_token = false: tokenizer.json decides, as \
                 in transformers 5; write bos = false to leave it out",
                name(first)
            )),
            (Some(true), None) => notes.push(format!(
                "no token is put before prompts, though tokenizer_config.json has add_bos_token = true: {}, as in transformers \
                 5; write bos = true to put one",
                if named.is_some() { "tokenizer.json decides" } else { "no bos_token is named" }
            )),
            _ => {}
        }
        if let (Some(&first), Some(named)) = (around.before.first(), named)
            && first != named
        {
            notes.push(format!(
                "{} is put before prompts; the bos_token of the folder is {}",
                name(first),
                name(named)
            ));
        }
        if around.before.len() > 1 {
            notes.push(format!(
                "the tokenizer puts {} before texts; here only {} is put there; write the others into the template",
                list(&around.before),
                name(around.before[0])
            ));
        }
        if !around.after.is_empty() {
            let after = list(&around.after);
            notes.push(format!(
                "the tokenizer puts {after} after texts; here it is left out, because prompts are to be continued"
            ));
        }
        notes
    }
}

/// Settings that transformers may obey and that are not read here.
const UNREAD: [(&str, &str); 3] = [
    ("auto_map", "code of the folder's own is never run"),
    ("fast_tokenizer_files", "tokenizer.json is"),
    ("fix_mistral_regex", "text is split as tokenizer.json says"),
];

const ADD_BOS: &str = "add_bos_token";
const ADD_EOS: &str = "add_eos_token";

/// Vocabulary and merges of a tokenizer.json; `None` where it is no BPE.
fn parts(text: &str, place: &str) -> Result<Option<VocabularyParts>, TokenizerError> {
    #[derive(Deserialize)]
    struct Whole<M> {
        model: M,
    }
    /// What tells the kinds apart; old versions do not say theirs.
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        name: Option<String>,
        merges: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Bpe {
        vocab: HashMap<String, u32>,
        merges: Vec<Merge>,
    }
    /// The text of old versions, the pair of new ones.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Merge {
        Text(String),
        Pair(String, String),
    }
    let malformed = |problem: &dyn std::fmt::Display| TokenizerError::malformed(place, problem);
    let Whole { model: Kind { name, merges } } = serde_json::from_str(text).map_err(|e| malformed(&e))?;
    if name.is_some_and(|name| name != "BPE") || merges.is_none() {
        return Ok(None);
    }
    let Whole { model: Bpe { vocab, merges } } = serde_json::from_str(text).map_err(|e| malformed(&e))?;
    let merges = merges.into_iter().map(|merge| match merge {
        Merge::Pair(left, right) => Ok((left, right)),
        Merge::Text(text) => pair_of(&text)
            .ok_or_else(|| malformed(&format!("the merge '{text}' is not two tokens with a space between"))),
    });
    let merges = merges.collect::<Result<_, _>>()?;
    Ok(Some(VocabularyParts { tokens: vocab.into_iter().collect(), merges, place: place.into() }))
}

/// The merges of a file, a line each.
fn merges_of(path: &Path) -> Result<Vec<(String, String)>, TokenizerError> {
    let place = path.display().to_string();
    let text = read(path)?.unwrap_or_default();
    let text = std::str::from_utf8(&text).map_err(|e| TokenizerError::malformed(&place, e))?;
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, number)| !(line.trim().is_empty() || *number == 1 && line.starts_with("#version")));
    let pairs = lines.map(|(line, number)| {
        pair_of(line.trim_end()).ok_or_else(|| {
            TokenizerError::malformed(&place, format!("line {number}: '{line}' is not two tokens with a space between"))
        })
    });
    pairs.collect()
}

fn pair_of(merge: &str) -> Option<(String, String)> {
    let (left, right) = merge.split_once(' ').filter(|(_, right)| !right.contains(' '))?;
    Some((left.to_string(), right.to_string()))
}

/// An object of tokens and their ids; empty when there is no such file.
fn ids(path: &Path) -> Result<Vec<(String, u32)>, TokenizerError> {
    let place = path.display().to_string();
    let id = |token: &str, id: &Value| {
        id.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
            TokenizerError::malformed(&place, format!("the id of '{token}' is {id}, which is not a token id"))
        })
    };
    json_object(path)?.into_iter().map(|(token, value)| id(&token, &value).map(|id| (token, id))).collect()
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
