//! `ablate new`: specs that are written run, stand alone, and say what they say.

use super::{ablate, stderr};
use ablate::spec::{Spec, load};
use std::path::Path;

fn written(folder: &Path, name: &str) -> Spec {
    load(&folder.join(name), &[], std::iter::empty()).unwrap_or_else(|errors| panic!("{errors}")).spec
}

#[test]
fn a_new_spec_is_explained_and_runs_at_once() {
    let folder = tempfile::tempdir().unwrap();
    ablate(folder.path()).args(["new", "mine"]).assert().success();
    let text = std::fs::read_to_string(folder.path().join("mine.toml")).unwrap();
    for told in ["[prompts]", "# How many prompts to draw", "kind = \"activation-patching\"", "ablate run mine.toml"] {
        assert!(text.contains(told), "{told}:\n{text}");
    }
    ablate(folder.path()).args(["run", "mine.toml", "--quiet"]).assert().success();
    assert!(folder.path().join("results/mine/figures/heads.svg").is_file());
    assert!(folder.path().join("results/mine/tables/strongest.csv").is_file());
}

#[test]
fn a_new_spec_of_words_is_for_the_model_it_is_given() {
    let folder = super::words::folder("");
    let path = folder.path();
    ablate(path).args(["new", "mine", "--words", "--model", "model"]).assert().success();
    let text = std::fs::read_to_string(path.join("mine.toml")).unwrap();
    for told in
        ["slots = { io = [", "completion = \" {io}\"", "source = \"model\"", "# Two of them", "ablate run mine.toml"]
    {
        assert!(text.contains(told), "{told}:\n{text}");
    }
    assert!(!text.contains("operands"), "{text}");
    // With words that this model has.
    let template = "prompts.template={ ABBA = \"w {io} a {s},{s} {place} {object}?\", BABA = \"w {s} a {io},{s} {place} {object}?\" }";
    let slots = "prompts.slots={ io = [\"A\", \"B\", \"C\", \"D\", \"E\"], place = [\"x\"], object = [\"y\"] }";
    ablate(path).args(["run", "mine.toml", "--quiet", "--set", template, "--set", slots]).assert().success();
    for file in ["figures/heads.svg", "figures/mlps.svg", "tables/strongest.csv", "tables/difference.csv"] {
        assert!(path.join("results/mine").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_spec_of_words_needs_a_model_that_knows_some() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, told) in [
        (vec!["--words"], "no model that knows words is built in; write --model"),
        (vec!["--words", "--model", "builtin:arith"], "the built-in model knows numbers and no words"),
        (vec!["--words", "--from", "paper/fig02"], "cannot be used with"),
    ] {
        let output = ablate(folder.path()).args(["new", "x"]).args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
        assert!(!folder.path().join("x.toml").exists());
    }
}

/// As a user has it who follows the quick start.
#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn a_new_spec_of_words_runs_on_smollm2() {
    let folder = tempfile::tempdir().unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let model = model.display().to_string();
    ablate(folder.path()).args(["new", "names", "--words", "--model", &model]).assert().success();
    let output = ablate(folder.path()).args(["run", "names.toml", "--quiet"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("left out"), "each word is one token: {}", stderr(&output));
    assert!(folder.path().join("results/names/figures/heads.svg").is_file());
}

#[test]
fn what_is_to_be_typed_next_is_quoted_for_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let output = ablate(folder.path()).args(["new", "a b/it's"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(r"ablate run 'a b/it'\''s.toml'"), "{told}");
    let text = std::fs::read_to_string(folder.path().join("a b/it's.toml")).unwrap();
    assert!(text.contains(r"# Run it: ablate run 'a b/it'\''s.toml'"), "{text}");
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), "mine").unwrap();
    let output = ablate(folder.path()).args(["new", "mine.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("it is there already"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.toml")).unwrap(), "mine");
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, told) in [
        (["new", "x", "--from", "paper/fig20-effects"], "write 'paper/fig02-effects'"),
        (["new", "x", "--from", "paper/fig1"], "the beginning of several specs: paper/fig10-training"),
        (["new", "x", "--model", "nowhere"], "no model at 'nowhere'"),
    ] {
        let output = ablate(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
        assert!(!folder.path().join("x.toml").exists());
    }
}

/// Each copy says what the original says for its model, but for what is known and expected of others.
#[test]
fn every_spec_of_the_program_can_be_copied() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    for (name, _) in ablate::bundled::specs() {
        let file = format!("{}.toml", name.replace('/', "-"));
        ablate(folder.path()).args(["new", &file, "--from", name]).assert().success();
        let mut copy = written(folder.path(), &file);
        let original = load(&root.join(name).with_extension("toml"), &[], std::iter::empty());
        let original = original.unwrap_or_else(|errors| panic!("{errors}"));
        let settled = ablate::check::settle(&original, true).unwrap_or_else(|_| original.clone());
        let mut spec = settled.spec;
        spec.known.clear();
        spec.expectations.retain(|expected| expected.model.is_none());
        // Paths start from where the file is.
        for (copied, model) in copy.model.iter_mut().zip(&spec.model) {
            assert!(!copied.source.starts_with("../"), "{name}: {}", copied.source);
            copied.source.clone_from(&model.source);
        }
        assert_eq!(copy, spec, "{name}");
    }
}

/// A copy of a file elsewhere, with a model of its own and what it extends.
#[test]
fn a_copy_of_a_file_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("specs/base")).unwrap();
    let base = "# The base.\n[model]\nsource = \"../../weights/tiny\" # small\n\n[prompts]\n# Few.\noperands = { a = \"0..3\", b = \"0..3\" }\n";
    std::fs::write(folder.path().join("specs/base/base.toml"), base).unwrap();
    let top = "extends = \"base/base.toml\"\ntitle = \"top\"\n[prompts]\nsample = 2\n[[step]]\nname = \"a\"\nkind = \"accuracy\"\n";
    std::fs::write(folder.path().join("specs/top.toml"), top).unwrap();
    ablate(folder.path()).args(["new", "own/copy", "--from", "specs/top.toml"]).assert().success();
    let text = std::fs::read_to_string(folder.path().join("own/copy.toml")).unwrap();
    assert!(!text.contains("extends"), "{text}");
    for kept in ["# The base.", "source = \"../weights/tiny\"  # small", "# Few.\noperands", "sample = 2"] {
        assert!(text.contains(kept), "{kept}:\n{text}");
    }
    assert_eq!(written(folder.path(), "own/copy.toml").title, "top");
}

/// What `ablate new --from` copies is what lies in the repository.
#[test]
fn every_spec_of_the_repository_is_part_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut open = vec![root.clone()];
    let mut missing = Vec::new();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
            let below = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            match path.is_dir() {
                true => open.push(path),
                false if below.ends_with(".toml") && !ablate::bundled::FILES.iter().any(|(file, _)| *file == below) => {
                    missing.push(below);
                }
                false => {}
            }
        }
    }
    assert!(missing.is_empty(), "write them in the list of src/bundled.rs: {missing:?}");
}
