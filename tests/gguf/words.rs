use ablate::model::gguf::Gguf;
use serde_json::Value;

use super::edited::{Edited, Setting};
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

/// The tokens of texts in which the rules differ, by the rule of that name, with what is put first.
fn tokens_by(rule: &str) -> Vec<Vec<u32>> {
    let rule = [("tokenizer.ggml.pre", Setting::Text(rule))];
    let file = Edited::of("words-smollm.gguf").with(&rule).file();
    let tokenizer = Gguf::open(file.path()).unwrap().tokenizer().unwrap();
    let first = tokenizer.bos().filter(|_| tokenizer.adds_bos());
    let texts =
        ["the sum of 12 and 345", " 299", "it's 12345+678=\n\n9", "  two", "what numbers", "e\u{301}t\u{e9}", "IT'S"];
    let tokens = |text| first.into_iter().chain(tokenizer.encode(text).unwrap().ids).collect();
    texts.map(tokens).to_vec()
}

/// llama.cpp treats them alike (src/llama-vocab.cpp). Each of the known names has its own reference above.
#[test]
fn rules_of_several_names() {
    let alike = [
        ("smollm", vec!["starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"]),
        (
            "llama-bpe",
            vec!["llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"],
        ),
        (
            "gpt-2",
            vec![
                "phi-2",
                "jais",
                "trillion",
                "gigachat",
                "a.x-4.0",
                "mellum",
                "exaone4",
                "granite-docling",
                "modern-bert",
            ],
        ),
        (
            "qwen2",
            vec!["deepseek-r1-qwen", "megrez", "kormo", "f2llmv2", "hunyuan", "stablelm2", "solar-open", "grok-2"],
        ),
        ("olmo", vec!["mpt"]),
        ("dbrx", vec!["smaug-bpe", "glm4", "chatglm-bpe"]),
    ];
    for (known, others) in alike {
        let right = tokens_by(known);
        for other in others {
            assert_eq!(tokens_by(other), right, "{other}, {known}");
        }
    }
    let all = ["smollm", "llama-bpe", "gpt-2", "qwen2", "olmo", "tekken", "default"].map(tokens_by);
    for (i, one) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|other| other != one), "{i}");
    }
    // GPT-NeoX's rule is GPT-2's but for Unicode's composed form.
    let composed = 5;
    let (olmo, gpt2) = (tokens_by("olmo"), tokens_by("gpt-2"));
    let apart = |i: &usize| olmo[*i] != gpt2[*i];
    assert_eq!((0..olmo.len()).filter(apart).collect::<Vec<_>>(), [composed]);
}

/// Keys that say what stands around a text.
#[test]
fn what_a_file_says_of_the_beginning_and_the_end() {
    let with = |name: &str, settings: &[(&str, Setting)]| {
        let file = Edited::of(name).with(settings).file();
        Gguf::open(file.path()).unwrap().tokenizer().unwrap()
    };
    let add = |key, value| [(key, Setting::Bool(value))];
    assert!(with("words-smollm.gguf", &add("tokenizer.ggml.add_bos_token", true)).adds_bos());
    assert!(!with("words-llama-bpe.gguf", &add("tokenizer.ggml.add_bos_token", false)).adds_bos());
    assert!(!with("words-llama.gguf", &add("tokenizer.ggml.add_bos_token", false)).adds_bos());
    let ends = with("words-smollm.gguf", &add("tokenizer.ggml.add_eos_token", true));
    assert!(ends.notes()[0].contains("add_eos_token is true; here no token is put after texts"), "{:?}", ends.notes());
    // A space first: SentencePiece obeys it, bytes do not.
    let text = "12";
    let plain = with("words-llama.gguf", &[]).encode(text).unwrap();
    let none = with("words-llama.gguf", &add("tokenizer.ggml.add_space_prefix", false)).encode(text).unwrap();
    assert_ne!(plain, none);
    let bytes = with("words-smollm.gguf", &add("tokenizer.ggml.add_space_prefix", true));
    assert_eq!(bytes.encode(text).unwrap(), with("words-smollm.gguf", &[]).encode(text).unwrap());
    assert!(bytes.notes()[0].contains("add_space_prefix"), "{:?}", bytes.notes());
    // Without an id, a SentencePiece vocabulary begins with its second token.
    let file = Edited::of("words-llama.gguf").without("tokenizer.ggml.bos_token_id").file();
    assert_eq!(Gguf::open(file.path()).unwrap().tokenizer().unwrap().bos(), Some(1));
}

#[test]
fn unknown_rules_are_refused_by_name() {
    let error = error_with("smollm", "viking");
    let unknown = "tokenizer.ggml.pre 'viking' is not supported; known: a.x-4.0, chatglm-bpe, codeshell,";
    assert!(error.contains(unknown) && error.ends_with("starcoder, tekken, trillion"), "{error}");
    let error = error_with("tokenizer.ggml.pre", "tokenizer.ggml.prX");
    assert!(error.contains("'tokenizer.ggml.pre' is missing") && error.contains("--pre-tokenizer"), "{error}");
    let error = error_with("gpt2", "bert");
    assert!(error.ends_with("tokenizer.ggml.model 'bert' is not supported; known: gpt2, llama"), "{error}");
    let error = error_with("tokenizer.ggml.merges", "tokenizer.ggml.mergeX");
    assert!(error.contains("'tokenizer.ggml.merges' is missing"), "{error}");
}
