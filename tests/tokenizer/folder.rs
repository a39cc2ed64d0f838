use std::fs;
use std::path::Path;

use ablate::model::tokenizer::{Tokenizer, TokenizerError};
use serde_json::{Value, json};

use super::fixtures;

#[derive(serde::Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
    offsets: Vec<(usize, usize)>,
    decoded: String,
}

/// Against Python's `tokenizers`: ids, byte offsets and decoded texts.
#[test]
fn same_tokens_as_the_reference() {
    let expected: Value = serde_json::from_slice(&fs::read(fixtures().join("expected.json")).unwrap()).unwrap();
    for folder in ["llama3", "neox", "gpt2", "qwen3", "gemma", "llama2"] {
        let tokenizer = Tokenizer::from_dir(&fixtures().join(folder)).unwrap();
        let rows: Vec<Row> = serde_json::from_value(expected[folder].clone()).unwrap();
        assert!(rows.len() >= 20);
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        for (row, encoding) in rows.iter().zip(tokenizer.encode_batch(&texts).unwrap()) {
            assert_eq!(encoding, tokenizer.encode(&row.text).unwrap());
            assert_eq!(encoding.ids, row.ids, "{folder}: {:?}", row.text);
            assert_eq!(encoding.offsets, row.offsets, "{folder}: {:?}", row.text);
            assert_eq!(tokenizer.decode(&row.ids).unwrap(), row.decoded, "{folder}");
        }
    }
}

#[test]
fn beginning_of_text() {
    let bos = |folder: &str| {
        let tokenizer = Tokenizer::from_dir(&fixtures().join(folder)).unwrap();
        (tokenizer.bos().and_then(|id| tokenizer.token(id)).unwrap_or_default(), tokenizer.adds_bos())
    };
    assert_eq!(bos("llama3"), ("<|begin_of_text|>".into(), true));
    assert_eq!(bos("neox"), ("<|endoftext|>".into(), false));
    assert_eq!(bos("gpt2"), ("<|endoftext|>".into(), false));
    assert!(!bos("qwen3").1);
    assert_eq!(bos("gemma"), ("<bos>".into(), true));
    assert_eq!(bos("llama2"), ("<s>".into(), true));
}

/// Copies a fixture folder and writes one more file into it.
fn with_file(folder: &str, name: &str, content: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixtures().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::write(copy.path().join(name), content).unwrap();
    copy
}

#[test]
fn who_decides_on_the_beginning_of_text() {
    let adds = |folder: &Path| Tokenizer::from_dir(folder).unwrap().adds_bos();
    // Where there is a tokenizer.json, its template; else the setting.
    assert!(adds(with_file("llama3", "tokenizer_config.json", r#"{"add_bos_token": false}"#).path()));
    assert!(!adds(with_file("neox", "tokenizer_config.json", r#"{"add_bos_token": true}"#).path()));
    let gpt2 = r#"{"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true}"#;
    assert!(adds(with_file("gpt2", "tokenizer_config.json", gpt2).path()));
    // Named by the map of special tokens, and by number in the model's config.
    let bos = |folder: &Path| Tokenizer::from_dir(folder).unwrap().bos();
    assert_eq!(bos(with_file("gpt2", "special_tokens_map.json", r#"{"bos_token": {"content": "!"}}"#).path()), Some(0));
    assert_eq!(
        bos(with_file("llama3", "config.json", r#"{"bos_token_id": 5}"#).path()),
        bos(&fixtures().join("llama3"))
    );
    assert_eq!(bos(with_file("neox", "tokenizer_config.json", r#"{"bos_token": "!"}"#).path()), Some(2));
}

#[test]
fn original_gpt2_names() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixtures().join("gpt2/vocab.json"), folder.path().join("encoder.json")).unwrap();
    fs::copy(fixtures().join("gpt2/merges.txt"), folder.path().join("vocab.bpe")).unwrap();
    let (here, there) = (Tokenizer::from_dir(folder.path()), Tokenizer::from_dir(&fixtures().join("gpt2")));
    assert_eq!(here.unwrap().encode("123 + 45").unwrap(), there.unwrap().encode("123 + 45").unwrap());
}

#[test]
fn errors_name_the_file() {
    let empty = tempfile::tempdir().unwrap();
    let error = Tokenizer::from_dir(empty.path()).unwrap_err();
    assert!(matches!(&error, TokenizerError::Missing { .. }));
    assert!(error.to_string().contains("put tokenizer.json there"), "{error}");
    fs::write(empty.path().join("tokenizer.model"), b"").unwrap();
    let error = Tokenizer::from_dir(empty.path()).unwrap_err().to_string();
    assert!(error.contains("; tokenizer.model is not read: AutoTokenizer.from_pretrained(FOLDER)"), "{error}");

    let cases = [
        ("tokenizer.json", "{", "tokenizer.json: "),
        ("tokenizer_config.json", "[]", "tokenizer_config.json: "),
        ("tokenizer_config.json", r#"{"tokenizer_class": "BertTokenizer"}"#, "tokenizer_class 'BertTokenizer'"),
        ("merges.txt", "a\n", "line 1: 'a' is not two tokens"),
        ("merges.txt", "zz qq\n", "merges.txt: "),
        ("vocab.json", r#"{"a": -1}"#, "the id of 'a' is -1"),
        ("added_tokens.json", r#"{"<x>": 4000}"#, "merges.txt: "),
        ("config.json", r#"{"model_type": "gemma2"}"#, "tokenizer_class 'GemmaTokenizer'"),
    ];
    for (name, content, part) in cases {
        let folder = with_file("gpt2", name, content);
        match Tokenizer::from_dir(folder.path()) {
            Err(error) => assert!(error.to_string().contains(part), "{name}: {error}"),
            // As in transformers, a new token gets the next id that is free, whatever its file says.
            Ok(tokenizer) => {
                let note = "the added token '<x>' has the id 4000 in its file, but 622 here";
                assert!(
                    name == "added_tokens.json" && tokenizer.notes().iter().any(|n| n.contains(note)),
                    "{tokenizer:?}"
                );
            }
        }
    }
}

#[test]
fn an_added_token_must_get_the_id_it_declares() {
    let json = fs::read_to_string(fixtures().join("neox/tokenizer.json")).unwrap();
    let mut json: Value = serde_json::from_str(&json).unwrap();
    json["added_tokens"][0]["content"] = "<|new|>".into();
    let error = Tokenizer::from_json_bytes(json.to_string().as_bytes(), "here").unwrap_err().to_string();
    assert!(error.starts_with("here: added token '<|new|>' has the id 0, but would get Some("), "{error}");
}

#[test]
fn unknown_characters_are_refused_where_there_is_a_token_for_them() {
    let json = r#"{"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": null, "decoder": null, "truncation": null, "padding": null,
        "model": {"type": "WordLevel", "unk_token": "<unk>", "vocab": {"<unk>": 0, "one": 1, "two": 2}}}"#;
    let tokenizer = Tokenizer::from_json_bytes(json.as_bytes(), "here").unwrap();
    assert_eq!(tokenizer.encode("one two").unwrap().ids, [1, 2]);
    let error = tokenizer.encode("one three").unwrap_err().to_string();
    assert_eq!(error, "'three' in the text 'one three' is not in the vocabulary (words, 3 tokens)");
    assert_eq!(tokenizer.largest_single_token_integer(), None);
}

/// A BPE whose pieces are characters; `rest` are further keys of its model.
fn spelling(vocabulary: Value, pre_tokenizer: Value, rest: Value) -> Tokenizer {
    let mut model = json!({ "type": "BPE", "vocab": vocabulary, "merges": [] });
    model.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let json = json!({ "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": pre_tokenizer,
        "post_processor": null, "decoder": null, "truncation": null, "padding": null, "model": model });
    Tokenizer::from_json_bytes(json.to_string().as_bytes(), "here").unwrap()
}

#[test]
fn characters_that_would_be_skipped_are_refused() {
    let sums = || json!({ "1": 0, "2": 1, "+": 2, "=": 3 });
    let refused = |tokenizer: &Tokenizer, text| tokenizer.encode(text).unwrap_err().to_string();
    let plain = spelling(sums(), Value::Null, json!({}));
    assert_eq!(plain.encode("1+2=").unwrap().ids, [0, 2, 1, 3]);
    assert_eq!(
        refused(&plain, "1 + 2 ="),
        "the tokenizer would leave \" \" out of the text '1 + 2 =', because the vocabulary does not have it (BPE, 4 tokens)"
    );
    assert_eq!(
        refused(&plain, "x1 é"),
        "the tokenizer would leave \"x\", \" \" and \"é\" out of the text 'x1 é', because the vocabulary does not have them (BPE, 4 tokens)"
    );
    // Spelt in bytes of which some have no token, it is the text that is shown, and not its spelling.
    let byte_level =
        || json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let bytes = spelling(sums(), byte_level(), json!({}));
    assert!(
        refused(&bytes, "1 +é=").starts_with("the tokenizer would leave \" \" and \"é\" out of the text '1 +é=', ")
    );
    // As a letter within a word and at its end is written, it may have no token though it has one elsewhere.
    let affixes = json!({ "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>" });
    let parts = spelling(json!({ "1": 0, "##2": 1, "##1</w>": 2 }), Value::Null, affixes);
    assert_eq!(parts.encode("121").unwrap().ids, [0, 1, 2]);
    assert!(refused(&parts, "122").starts_with("the tokenizer would leave \"2\" out of the text '122', "));
    // What is written in bytes is not skipped, as far as they have tokens.
    let fallback = spelling(json!({ "1": 0, "<0xC3>": 1, "<0xA9>": 2 }), Value::Null, json!({ "byte_fallback": true }));
    assert_eq!(fallback.encode("1é").unwrap().ids, [0, 1, 2]);
    assert!(refused(&fallback, "1éè").starts_with("the tokenizer would leave \"è\" out of the text '1éè', "));
    // With a token for what is unknown, that one tells.
    let told = spelling(json!({ "1": 0, "+": 1, "?": 2 }), Value::Null, json!({ "unk_token": "?" }));
    assert_eq!(refused(&told, "1+x"), "'x' in the text '1+x' is not in the vocabulary (BPE, 3 tokens)");
}
