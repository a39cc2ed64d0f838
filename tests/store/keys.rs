//! Keys of whole specs: what changes them and what does not.

use ablate::context::Models;
use ablate::spec::{self, Loaded};
use ablate::store::key::Keys;
use ablate::system::Digests;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const SPEC: &str = r#"
title = "keys"

[model]
source = "builtin:arith"

[models.half]
dtype = "bf16"

[prompts]
operands = { a = "0..20", b = "1..20" }
operators = ["+", "*"]

[prompt_sets.few]
sample = 2

[[step]]
name = "effects"
kind = "activation-patching"
models = ["model"]
sites = ["z[head]"]

[[step]]
name = "circuits"
kind = "ablation"
models = ["model"]
prompts = "few"
mode = "keep"
components = ["L*MLP"]
ranked = { from = "effects", k = [0, 2] }

[[table]]
name = "heads"
from = "effects"
where = { operator = "+", position = "=" }
group_by = ["layer", "head"]
aggregate = { effect = "mean(mean)" }
"#;

fn keys_of(loaded: &Loaded) -> BTreeMap<String, String> {
    let models = Models::new(loaded, true);
    let digests = Digests::default();
    let keys = Keys::new(loaded, &models, &digests).unwrap();
    let of = |step: &spec::Step| (step.name().to_string(), keys.of(step).unwrap().digest.clone());
    loaded.spec.steps.iter().map(of).collect()
}

fn keys(text: &str) -> BTreeMap<String, String> {
    keys_of(&spec::parse("keys.toml", text).unwrap_or_else(|errors| panic!("{errors}")))
}

/// Keys after replacing one text by another.
fn edited(old: &str, new: &str) -> BTreeMap<String, String> {
    assert!(SPEC.contains(old), "{old} is not in the spec");
    keys(&SPEC.replacen(old, new, 1))
}

#[test]
fn what_changes_no_number_changes_no_key() {
    let before = keys(SPEC);
    assert_eq!(before, keys(SPEC), "a key is the same each time");
    let step = "name = \"effects\"\nkind = \"activation-patching\"\nmodels = [\"model\"]\nsites = [\"z[head]\"]\n";
    for (what, old, new) in [
        ("comments and whitespace", step, &*format!("\n# why\n  {}", step.replace('=', "  =  "))),
        (
            "the order of keys",
            step,
            "sites = [\"z[head]\"]\nmodels = [\"model\"]\nkind = \"activation-patching\"\nname = \"effects\"\n",
        ),
        (
            "defaults written out",
            step,
            &format!("{step}bootstrap = 1000\ndirection = \"noising\"\nper_prompt = false\n"),
        ),
        ("the title", "title = \"keys\"", "title = \"others\"\ndescription = \"why\""),
        ("resources", "[prompts]", "[run]\nthreads = 1\nbatch = 7\nmemory_mib = 64\nstore = \"off\"\n[prompts]"),
        ("the results folder", "[prompts]", "[output]\ndir = \"elsewhere\"\nimages = [\"svg\"]\n[prompts]"),
        ("what comes before", step, &format!("{step}needs = []\n")),
        ("another model of the spec", "dtype = \"bf16\"", "dtype = \"f16\""),
        ("tables", "group_by = [\"layer\", \"head\"]", "group_by = [\"layer\"]"),
        ("which file a set is written in", "operators = [\"+\", \"*\"]", "operators = ['+', '*']"),
    ] {
        assert_eq!(edited(old, new), before, "{what}");
    }
}

#[test]
fn names_of_steps_and_prompt_sets_do_not_count() {
    let before = keys(SPEC);
    let after = keys(&SPEC.replace("\"effects\"", "\"other\"").replace("few", "some"));
    assert_eq!(after["other"], before["effects"]);
    assert_eq!(after["circuits"], before["circuits"], "what it reads is the same under another name");
    let whole = "[models.half]\ndtype = \"bf16\"\n\n";
    let alone = keys(&SPEC.replace(whole, "").replace("models = [\"model\"]\n", ""));
    assert_eq!(alone, before, "all models of a spec with one are that one");
}

#[test]
fn what_a_step_reads_changes_its_key() {
    let before = keys(SPEC);
    let upstream = edited("sites = [\"z[head]\"]", "sites = [\"mlp_post\"]");
    assert!(upstream["effects"] != before["effects"] && upstream["circuits"] != before["circuits"]);
    let downstream = edited("k = [0, 2]", "k = [0, 3]");
    assert!(downstream["effects"] == before["effects"] && downstream["circuits"] != before["circuits"]);
    let set = edited("sample = 2", "sample = 3");
    assert!(set["effects"] == before["effects"] && set["circuits"] != before["circuits"], "its own prompts alone");
}

/// Each key of a table is changed in turn; all of its schema are there.
#[test]
fn every_key_of_prompts_and_models_counts() {
    let before = keys(SPEC);
    let line = |key: &str, value: &str| format!("{key} = {value}\n");
    let prompts = [
        ("template", "\"{a}{op}{b} =\""),
        ("completion", "\" {answer}\""),
        ("operators", "[\"+\"]"),
        ("operands", "{ a = \"0..21\", b = \"1..20\" }"),
        ("operands", "{ a = \"0..20\", b = \"1..21\" }"),
        ("answer", "\"multi-token\""),
        ("answers", "\"0..50\""),
        ("modulus", "7"),
        ("shots", "[{ a = 1, op = \"+\", b = 2 }]"),
        ("shot_separator", "\" \""),
        ("keep", "\"incorrect\""),
        ("sample", "7"),
        ("skip", "1"),
        ("spread_answers", "false"),
        ("words", "\"multi-token\""),
        ("seeds", "[43]"),
    ];
    for (key, value) in prompts {
        let new = match key {
            "operators" => SPEC.replacen("operators = [\"+\", \"*\"]\n", &line(key, value), 1),
            "operands" => SPEC.replacen("operands = { a = \"0..20\", b = \"1..20\" }\n", &line(key, value), 1),
            _ => SPEC.replacen("[prompts]\n", &format!("[prompts]\n{}", line(key, value)), 1),
        };
        let after = keys(&new);
        assert_ne!(after["effects"], before["effects"], "prompts.{key} = {value}");
    }
    const WORDS: &str = "[prompts]\ntemplate = \"{io} and {s}\"\ncompletion = \" {io}\"\nslots = { io = [\"a\", \"b\"], s = [\"c\", \"d\"] }\n";
    let start = SPEC.find("[prompts]").expect("a table");
    let end = SPEC.find("\n[prompt_sets").expect("a table");
    let of_words = |text: &str| keys(&format!("{}{text}{}", &SPEC[..start], &SPEC[end..]))["effects"].clone();
    let words = [
        ("contrast", "\" {s}\""),
        ("right", "[\" e\"]"),
        ("wrong", "{ slot = \"io\" }"),
        ("different", "[\"io\", \"s\"]"),
        ("chat", "true"),
        ("computed", "{ next = { of = \"io\", plus = 1, list = [\"a\", \"b\"], cycle = true } }"),
        ("rows", "[{ place = \"e\" }]"),
        ("slots", "{ io = [\"b\", \"a\"], s = [\"c\", \"d\"] }"),
        ("slots", "{ io = [\"a\", \"b\"], s = \"io\" }"),
    ];
    for (key, value) in words {
        let new = match key {
            "slots" => WORDS.split("slots").next().unwrap_or_default().to_string() + &line(key, value),
            _ => format!("{WORDS}{}", line(key, value)),
        };
        assert_ne!(of_words(&new), of_words(WORDS), "prompts.{key} = {value}");
    }
    const PAIRS: &str = "[prompts]\npairs = [{ clean = \"a\", answers = \" A\", wrong = \" B\" }]\n";
    for other in ["clean = \"b\"", "answers = [\" A\", \" C\"]", "wrong = \" C\"", "corrupted = \"b\""] {
        let (key, _) = other.split_once(' ').unwrap_or_default();
        let kept =
            ["clean = \"a\"", "answers = \" A\"", "wrong = \" B\""].into_iter().filter(|own| !own.starts_with(key));
        let pair = kept.chain([other]).collect::<Vec<_>>().join(", ");
        let new = format!("[prompts]\npairs = [{{ {pair} }}]\n");
        assert_ne!(of_words(&new), of_words(PAIRS), "prompts.pairs.{other}");
    }
    let tokens = [
        "tokens = [[1, 2, 3]]",
        "tokens = [[1, 3, 2]]",
        "random_tokens = { length = 2 }",
        "random_tokens = { length = 3 }",
    ];
    let found = tokens.map(|line| of_words(&format!("[prompts]\n{line}\n")));
    assert!((1..found.len()).all(|number| !found[..number].contains(&found[number])), "each has a key of its own");
    let others = ["pairs", "tokens", "random_tokens"];
    let all: Vec<&str> = prompts.iter().chain(&words).map(|(key, _)| *key).chain(others).collect();
    complete("Prompts", &all);
    let models = [
        ("dtype", "\"f16\""),
        ("storage", "\"as-stored\""),
        ("processing", "{ fold_norm = false }"),
        ("processing", "{ center_unembed = false }"),
        ("processing", "{ center_writing = false }"),
        ("bos", "false"),
    ];
    for (key, value) in models {
        let after = keys(&SPEC.replacen("[model]\n", &format!("[model]\n{}", line(key, value)), 1));
        assert_ne!(after["effects"], before["effects"], "model.{key} = {value}");
    }
    // The source and its checkpoints count by their files, the device by its kind, and how much is in memory not at all.
    complete("Model", &[&models.map(|(key, _)| key)[..], &["source", "checkpoints", "device", "memory_mib"]].concat());
    let streamed = keys(&SPEC.replacen("[model]\n", "[model]\nmemory_mib = 8\n", 1));
    assert_eq!(streamed["effects"], before["effects"], "model.memory_mib");
    complete("Processing", &["fold_norm", "center_unembed", "center_writing"]);
}

/// Every property of a definition of the schema is among these.
fn complete(definition: &str, keys: &[&str]) {
    let schema = spec::schema();
    let properties = schema["$defs"][definition]["properties"].as_object().expect("properties");
    for key in properties.keys() {
        assert!(keys.contains(&key.as_str()), "{definition}.{key}: change it here too, and see that the key changes");
    }
}

#[test]
fn the_order_of_templates_and_models_is_the_order_of_rows() {
    let templates = |text: &str| keys(&SPEC.replacen("[prompts]\n", &format!("[prompts]\ntemplate = {text}\n"), 1));
    let one = templates("{ x = \"{a}{op}{b}=\", y = \"{a} {op} {b}=\" }");
    let other = templates("{ y = \"{a} {op} {b}=\", x = \"{a}{op}{b}=\" }");
    assert_ne!(one["effects"], other["effects"]);
}

/// The folder of a small model, as a copy that can be changed.
fn model() -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/arith");
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn key_of(source: &Path) -> String {
    keys(&SPEC.replacen("builtin:arith", &source.display().to_string(), 1))["effects"].clone()
}

#[test]
fn a_model_is_its_files_wherever_they_are() {
    let (one, copy) = (model(), model());
    let before = key_of(one.path());
    assert_eq!(key_of(copy.path()), before, "a copy is the same model");
    let unread = one.path().join("README.md");
    fs::write(unread, "about it").unwrap();
    assert_eq!(key_of(one.path()), before, "a file that no model is read from");
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let path = copy.path().join(file);
        let bytes = fs::read(&path).unwrap();
        let mut changed = bytes.clone();
        // Within white space of the texts; of the weights, the last.
        let at =
            bytes.iter().position(|byte| *byte == b'\n').filter(|_| file.ends_with("json")).unwrap_or(bytes.len() - 1);
        changed[at] = if file.ends_with("json") { b' ' } else { changed[at] ^ 1 };
        fs::write(&path, changed).unwrap();
        assert_ne!(key_of(copy.path()), before, "{file}");
        fs::write(&path, bytes).unwrap();
        assert_eq!(key_of(copy.path()), before, "{file} is as it was");
    }
    fs::write(copy.path().join("tokenizer_config.json"), "{}").unwrap();
    assert_ne!(key_of(copy.path()), before, "a further file of the tokenizer");
}

#[test]
fn random_models_are_their_configuration_and_seed() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    let key = |config: &str, seed: u64| {
        let source = PathBuf::from(format!("random:{}#{seed}", configs.join(config).join("config.json").display()));
        key_of(&source)
    };
    let before = key("llama-gqa", 1);
    assert_eq!(key("llama-gqa", 1), before);
    assert!(key("llama-gqa", 2) != before && key("llama-tied-bf16", 1) != before);
}

#[test]
fn checkpoints_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/arith");
    let at = |checkpoints: &str| {
        let source = format!("{}\"\ncheckpoints = [{checkpoints}]\ndevice = \"cpu", folder.display());
        keys(&SPEC.replacen("builtin:arith", &source, 1))["effects"].clone()
    };
    let both = at("\"step00200\", \"step02400\"");
    assert!(both != at("\"step00200\"") && both != at("\"step02400\", \"step00200\""));
}

/// A file that is put back in time and keeps its size is read again all the same: on Unix the file system has more than that.
#[cfg(unix)]
#[test]
fn checksums_are_remembered_by_more_than_size_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let (file, memo) = (folder.path().join("weights"), folder.path().join("memo.json"));
    let old = SystemTime::now() - std::time::Duration::from_secs(1000);
    let write = |text: &str| {
        fs::write(&file, text).unwrap();
        fs::File::options().append(true).open(&file).unwrap().set_modified(old).unwrap();
    };
    write("one");
    let of = || Digests::remembered(memo.clone()).of(&file).unwrap();
    let one = of();
    assert!(!memo.exists(), "a file that was changed a moment ago is not remembered");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(of(), one);
    let remembered = fs::read_to_string(&memo).unwrap();
    assert!(remembered.contains(&one), "{remembered}");
    // A memory that is wrong shows that it is asked: what it says is believed.
    fs::write(&memo, remembered.replace(&one, &"0".repeat(64))).unwrap();
    assert_eq!(of(), "0".repeat(64));
    write("two");
    let two = of();
    assert!(two != one && two != "0".repeat(64));
}

/// The last line of defence: what a step asks for while it runs is compared with what its key has.
#[test]
fn what_is_asked_for_beyond_the_key_is_noticed() {
    let loaded = spec::parse("keys.toml", SPEC).unwrap();
    let models = Models::new(&loaded, true);
    let asked = models.usage();
    let of = |name: &str| models.names(&[name.to_string()]);
    let few = Some("few".to_string());
    asked.prompts(Some("few"));
    models.open(&of("model")[0]).unwrap();
    assert_eq!(asked.beyond(&of("model"), std::slice::from_ref(&few)), None);
    assert_eq!(asked.beyond(&of("half"), &[few]).as_deref(), Some("model 'model'"));
    assert_eq!(asked.beyond(&of("model"), &[None]).as_deref(), Some("prompt set 'few'"));
    asked.forget();
    assert_eq!(asked.beyond(&[], &[]), None);
}

/// A release is its version, whatever its executable's bytes; any other build, and one that only says it is a release, is its bytes.
#[test]
fn a_release_is_known_by_its_version() {
    use ablate::system::environment::{RELEASE, build, build_of, executable};
    let digests = Digests::default();
    let own = executable(&digests).unwrap();
    let release = build_of(Some(env!("CARGO_PKG_VERSION")), &digests).unwrap();
    assert!(release.starts_with(&format!("ablate {} for ", env!("CARGO_PKG_VERSION"))), "{release}");
    assert!(!release.contains(&own));
    for other in [None, Some(""), Some("0.0.0-other")] {
        assert_eq!(build_of(other, &digests).unwrap(), own);
    }
    assert_eq!(build(&digests).unwrap(), build_of(RELEASE, &digests).unwrap());
}
