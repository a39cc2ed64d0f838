//! Against `AutoTokenizer` of transformers (tests/fixtures/tokenizers/auto.py): folders whose files agree and disagree.

use std::collections::HashMap;
use std::fs;

use ablate::model::tokenizer::{Tokenizer, TokenizerError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fixtures;

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<String>,
    bases: HashMap<String, Value>,
    pieces: HashMap<String, Value>,
    cases: Vec<Case>,
    results: Vec<Option<Expected>>,
}

/// What a folder holds, and which result transformers makes of it.
#[derive(Deserialize, Debug)]
#[serde(default)]
struct Case {
    base: String,
    files: String,
    config: Option<Value>,
    settings: Option<Value>,
    edits: HashMap<String, String>,
    more: HashMap<String, Value>,
    result: usize,
}

/// What the script leaves out.
impl Default for Case {
    fn default() -> Self {
        let (edits, more) = (HashMap::new(), HashMap::new());
        let config = Some(json!({ "model_type": "llama" }));
        Self { base: "byte".into(), files: "json".into(), config, settings: None, edits, more, result: 0 }
    }
}

#[derive(Deserialize)]
struct Expected {
    ids: Vec<Vec<u32>>,
    bos: Option<String>,
}

impl Fixture {
    fn read() -> Self {
        serde_json::from_slice(&fs::read(fixtures().join("auto.json")).unwrap()).unwrap()
    }

    /// As `write` of the script does.
    fn folder(&self, case: &Case) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, value: &Value| fs::write(folder.path().join(name), value.to_string()).unwrap();
        if let Some(config) = &case.config {
            put("config.json", config);
        }
        if let Some(settings) = &case.settings {
            put("tokenizer_config.json", settings);
        }
        let mut whole = self.bases[&case.base].clone();
        for (key, name) in &case.edits {
            whole[key] = self.pieces[name].clone();
        }
        if case.files == "json" {
            put("tokenizer.json", &whole);
        } else {
            put("vocab.json", &whole["model"]["vocab"]);
            let pair = |pair: &Value| format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            let merges = whole["model"]["merges"].as_array().unwrap().iter().map(pair);
            let lines: Vec<String> = ["#version: 0.2".into()].into_iter().chain(merges).collect();
            fs::write(folder.path().join("merges.txt"), lines.join("\n") + "\n").unwrap();
        }
        for (name, value) in &case.more {
            put(name, value);
        }
        folder
    }
}

/// The tokens as transformers gives them: with what is put first, and without what would be put last.
fn tokens(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, TokenizerError> {
    let first = tokenizer.bos().filter(|_| tokenizer.adds_bos());
    Ok(first.into_iter().chain(tokenizer.encode(text)?.ids).collect())
}

/// Whether these tokens have fewer letters than the text that they are said to be of.
fn lack_letters(tokenizer: &Tokenizer, ids: &[u32], text: &str) -> bool {
    let first = tokenizer.bos().filter(|_| tokenizer.adds_bos());
    let own = ids.strip_prefix(first.as_slice()).unwrap_or(ids);
    let letters = |id: &u32| tokenizer.token(*id).unwrap_or_default().chars().count();
    own.iter().map(letters).sum::<usize>() < text.chars().count()
}

/// What is wrong with a case.
fn fault(fixture: &Fixture, case: &Case) -> Option<String> {
    let folder = fixture.folder(case);
    let tokenizer = Tokenizer::from_dir(folder.path());
    let Some(expected) = &fixture.results[case.result] else {
        // What transformers cannot open is refused, or there is a note.
        return tokenizer.ok().filter(|tokenizer| tokenizer.notes().is_empty()).map(|_| "opened without a word".into());
    };
    let tokenizer = match tokenizer {
        Ok(tokenizer) => tokenizer,
        Err(error) => return Some(error.to_string()),
    };
    let ends = tokenizer.notes().iter().any(|note| note.contains(" after texts; here it is left out"));
    for (text, ids) in fixture.texts.iter().zip(&expected.ids) {
        let ids = if ends { &ids[..ids.len() - 1] } else { ids };
        let found = match tokens(&tokenizer, text) {
            // Rules that write a space as one letter, on a vocabulary that knows it as another: transformers leaves out every space.
            Err(TokenizerError::SkippedText { .. }) if lack_letters(&tokenizer, ids, text) => continue,
            found => found.unwrap_or_else(|error| panic!("{error}")),
        };
        if found != ids {
            let shown = |ids: &[u32]| ids.iter().map(|&id| tokenizer.token(id).unwrap_or_default()).collect::<Vec<_>>();
            return Some(format!("{text:?}: {:?}, not {:?}, {ids:?}", shown(&found), shown(ids)));
        }
    }
    let bos = tokenizer.bos().and_then(|id| tokenizer.token(id));
    let same = expected.bos.is_none() || tokenizer.adds_bos() || bos == expected.bos;
    (!same).then(|| format!("the first token is {bos:?}, not {:?}", expected.bos))
}

#[test]
fn same_tokens_as_auto_tokenizer() {
    let fixture = Fixture::read();
    assert!(fixture.cases.len() > 900);
    let faults: Vec<String> = fixture
        .cases
        .iter()
        .filter_map(|case| {
            let Case { base, files, config, settings, edits, more, .. } = case;
            let fault = fault(&fixture, case)?;
            Some(format!(
                "{base} {files} {} {} {edits:?} {more:?}\n    {fault}",
                config.clone().unwrap_or_default(),
                settings.clone().unwrap_or_default()
            ))
        })
        .collect();
    let shown = faults.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} of {} cases:\n{shown}", faults.len(), fixture.cases.len());
}

/// The notes on a folder.
fn notes(config: Value, settings: Value, edits: &[(&str, &str)]) -> Vec<String> {
    let fixture = Fixture::read();
    let edits = edits.iter().map(|(key, name)| (key.to_string(), name.to_string())).collect();
    let case = Case { config: Some(config), settings: Some(settings), edits, ..Case::default() };
    Tokenizer::from_dir(fixture.folder(&case).path()).unwrap().notes().to_vec()
}

#[test]
fn what_was_followed_is_said_where_files_disagree() {
    let llama = || json!({ "model_type": "llama" });
    let fast = |more: Value| {
        let mut settings = Map::from_iter([("tokenizer_class".into(), json!("PreTrainedTokenizerFast"))]);
        settings.extend(more.as_object().unwrap().clone());
        Value::Object(settings)
    };
    let bos = ("post_processor", "bos");
    let cases = [
        (llama(), fast(json!({ "add_bos_token": false })), vec![bos], "<s> is put before prompts, though"),
        (
            llama(),
            fast(json!({ "add_bos_token": true, "bos_token": "<s>" })),
            vec![],
            "no token is put before prompts, though",
        ),
        (
            llama(),
            fast(json!({ "add_prefix_space": true })),
            vec![],
            "add_prefix_space = true of tokenizer_config.json was not",
        ),
        (
            llama(),
            fast(json!({ "bos_token": "<one>" })),
            vec![bos],
            "<s> is put before prompts; the bos_token of the folder is <one>",
        ),
        (
            llama(),
            fast(json!({})),
            vec![("post_processor", "bos and eos")],
            "the tokenizer puts </s> after texts; here it is left out",
        ),
        (
            llama(),
            json!({ "tokenizer_class": "GPT2Tokenizer" }),
            vec![("pre_tokenizer", "digits")],
            "by other rules than GPT2Tokenizer, whose rules were followed",
        ),
        (
            llama(),
            json!({ "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true }),
            vec![],
            "by other rules than GPT2Tokenizer",
        ),
        (
            json!({ "model_type": "qwen2" }),
            fast(json!({})),
            vec![],
            "tokenizer_class PreTrainedTokenizer was not followed: transformers 5 reads every model of type qwen2 by Qwen2Tokenizer",
        ),
        (
            llama(),
            json!({ "tokenizer_class": "LlamaTokenizer" }),
            vec![],
            "tokenizer.json is byte-level: it was read as it is written",
        ),
        (
            llama(),
            json!({ "tokenizer_class": "CohereTokenizer" }),
            vec![],
            "tokenizer_class CohereTokenizer is not known here",
        ),
        (
            llama(),
            fast(json!({ "added_tokens_decoder": { "900": { "content": "<|user|>", "special": true } } })),
            vec![],
            "the added token '<|user|>' has the id 900 in its file, but",
        ),
    ];
    for (config, settings, edits, part) in cases {
        let notes = notes(config, settings.clone(), &edits);
        assert_eq!(notes.iter().filter(|note| note.contains(part)).count(), 1, "{part}: {notes:?}");
    }
    let unread =
        json!({ "tokenizer_class": "GPT2Tokenizer", "auto_map": { "AutoTokenizer": [null, "own.Tokenizer"] } });
    assert!(notes(llama(), unread, &[])[0].contains("auto_map of tokenizer_config.json is not read: code of"));
    // Files that agree need no note.
    for (settings, edits) in [
        (fast(json!({ "add_bos_token": true })), vec![bos]),
        (fast(json!({ "add_bos_token": false, "add_prefix_space": false })), vec![]),
        (json!({ "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true }), vec![("pre_tokenizer", "space")]),
    ] {
        assert_eq!(notes(llama(), settings, &edits), [""; 0]);
    }
}

#[test]
fn an_unsaid_rule_is_noted() {
    let fixture = Fixture::read();
    let case = fixture.cases.iter().find(|case| case.files == "vocab" && case.settings == Some(json!({}))).unwrap();
    let tokenizer = Tokenizer::from_dir(fixture.folder(case).path()).unwrap();
    assert!(
        tokenizer.notes()[0].contains("no file says how text is split: GPT-2's rule was followed"),
        "{tokenizer:?}"
    );
}
