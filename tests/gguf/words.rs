use ablate::model::gguf::Gguf;
use serde_json::Value;

use super::fixture;

/// Against Python's `tokenizers` with the splitting rules that Hugging Face's models of these names have.
#[test]
fn same_tokens_as_the_reference() {
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture("words.json")).unwrap()).unwrap();
    for rule in ["gpt-2", "smollm", "llama-bpe", "qwen2"] {
        let tokenizer = Gguf::open(&fixture(&format!("words-{rule}.gguf"))).unwrap().tokenizer().unwrap();
        let rows = expected[rule].as_array().unwrap();
        assert!(rows.len() > 20);
        for row in rows {
            let text = row["text"].as_str().unwrap();
            let ids: Vec<u32> = serde_json::from_value(row["ids"].clone()).unwrap();
            assert_eq!(tokenizer.encode(text).unwrap().ids, ids, "{rule}: {text:?}");
        }
        assert_eq!(tokenizer.bos().and_then(|id| tokenizer.token(id)).as_deref(), Some("<|bos|>"));
        // Where the file does not say, only Llama 3's rule has it.
        assert_eq!(tokenizer.adds_bos(), rule == "llama-bpe");
    }
}

/// Against the sentencepiece package: BPE by scores, bytes for what is not in the vocabulary, a space put first.
#[test]
fn same_tokens_as_sentencepiece() {
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture("words.json")).unwrap()).unwrap();
    let tokenizer = Gguf::open(&fixture("words-llama.gguf")).unwrap().tokenizer().unwrap();
    let rows = expected["llama"].as_array().unwrap();
    assert!(rows.len() > 15);
    for row in rows {
        let text = row["text"].as_str().unwrap();
        let ids: Vec<u32> = serde_json::from_value(row["ids"].clone()).unwrap();
        assert_eq!(tokenizer.encode(text).unwrap().ids, ids, "{text:?}");
        assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    }
    assert_eq!(tokenizer.bos().and_then(|id| tokenizer.token(id)).as_deref(), Some("<s>"));
    assert!(tokenizer.adds_bos());
}

#[test]
fn rules_differ_where_they_should() {
    let split = |rule: &str, text: &str| {
        let tokenizer = Gguf::open(&fixture(&format!("words-{rule}.gguf"))).unwrap().tokenizer().unwrap();
        let ids = tokenizer.encode(text).unwrap().ids;
        ids.iter().map(|id| tokenizer.token(*id).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(split("smollm", "123"), ["1", "2", "3"]);
    assert_eq!(split("qwen2", "123"), ["1", "2", "3"]);
    assert!(split("gpt-2", "123").len() < 3);
}

/// A fixture with one text in it replaced by another of the same length.
fn error_with(from: &str, to: &str) -> String {
    let mut bytes = std::fs::read(fixture("words-smollm.gguf")).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Gguf::open(file.path()).unwrap().tokenizer().unwrap_err().to_string()
}

#[test]
fn unknown_rules_are_refused_by_name() {
    let error = error_with("smollm", "tekken");
    let known = "known: default, deepseek-r1-qwen, gpt-2, llama-bpe, llama3, qwen2, smollm";
    assert!(error.contains("tokenizer.ggml.pre 'tekken' is not supported") && error.ends_with(known), "{error}");
    let error = error_with("tokenizer.ggml.pre", "tokenizer.ggml.prX");
    assert!(error.contains("'tokenizer.ggml.pre' is missing") && error.contains("--pre-tokenizer"), "{error}");
    let error = error_with("gpt2", "bert");
    assert!(error.ends_with("tokenizer.ggml.model 'bert' is not supported; known: gpt2, llama"), "{error}");
    let error = error_with("tokenizer.ggml.merges", "tokenizer.ggml.mergeX");
    assert!(error.contains("'tokenizer.ggml.merges' is missing"), "{error}");
}
