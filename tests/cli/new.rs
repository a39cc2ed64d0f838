//! `ablate new`: specs that are written run, stand alone, and say what they say.

use crate::support::{Sandbox, repository, says};
use ablate::spec::{Spec, load};

fn written(sandbox: &Sandbox, name: &str) -> Spec {
    load(&sandbox.at(name), &[], std::iter::empty()).unwrap_or_else(|errors| panic!("{errors}")).spec
}

#[test]
fn a_new_spec_is_explained_and_runs_at_once() {
    let sandbox = Sandbox::empty();
    sandbox.run(&["new", "mine"]).ok();
    let text = sandbox.read("mine.toml");
    says(&text, ["[prompts]", "# How many prompts to draw", "kind = \"activation-patching\"", "ablate run mine.toml"]);
    sandbox.run(&["run", "mine.toml", "--quiet"]).ok();
    assert!(sandbox.at("results/mine/figures/heads.svg").is_file());
    for table in ["right", "strongest"] {
        assert!(sandbox.has(format!("results/mine/tables/{table}.csv")), "{table}");
    }
}

#[test]
fn a_new_spec_of_words_is_for_the_model_it_is_given() {
    let sandbox = super::words::sandbox("");
    sandbox.run(&["new", "mine", "--words", "--model", "model"]).ok();
    let text = sandbox.read("mine.toml");
    let told =
        ["slots = { io = [", "completion = \" {io}\"", "source = \"model\"", "# Two of them", "ablate run mine.toml"];
    says(&text, told);
    assert!(!text.contains("operands"), "{text}");
    // With words that this model has.
    let template = "prompts.template={ ABBA = \"w {io} a {s},{s} {place} {object}?\", BABA = \"w {s} a {io},{s} {place} {object}?\" }";
    let slots = "prompts.slots={ io = [\"A\", \"B\", \"C\", \"D\", \"E\"], place = [\"x\"], object = [\"y\"] }";
    sandbox.run(&["run", "mine.toml", "--quiet", "--set", template, "--set", slots]).ok();
    for file in ["figures/heads.svg", "figures/mlps.svg", "tables/strongest.csv", "tables/difference.csv"] {
        assert!(sandbox.has(format!("results/mine/{file}")), "{file}");
    }
    // Whether the model can do the task, before its effects.
    let right = sandbox.read("results/mine/tables/right.csv");
    assert!(right.starts_with("template,n,rate,ci_low,ci_high\nABBA,") && right.contains("\nBABA,"), "{right}");
}

#[test]
fn a_spec_of_words_needs_a_model_that_knows_some() {
    let sandbox = Sandbox::empty();
    for (arguments, told) in [
        (vec!["--words"], "no built-in model knows words; write --model"),
        (vec!["--words", "--model", "builtin:arith"], "the built-in model knows only numbers"),
        (vec!["--words", "--from", "paper/fig02"], "cannot be used with"),
    ] {
        says(sandbox.run(&[&["new", "x"][..], &arguments].concat()).refused(), [told]);
        assert!(!sandbox.has("x.toml"));
    }
}

/// As a user has it who follows the quick start.
#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn a_new_spec_of_words_runs_on_smollm2() {
    let sandbox = Sandbox::empty();
    let model = repository("models/SmolLM2-135M-Instruct.Q4_1.gguf").display().to_string();
    sandbox.run(&["new", "names", "--words", "--model", &model]).ok();
    let ran = sandbox.run(&["run", "names.toml", "--quiet"]).ok();
    assert!(!ran.err.contains("left out"), "each word is one token: {}", ran.err);
    assert!(sandbox.at("results/names/figures/heads.svg").is_file());
}

#[test]
fn what_is_to_be_typed_next_is_quoted_for_a_shell() {
    let sandbox = Sandbox::empty();
    let told = sandbox.run(&["new", "a b/it's"]).out;
    assert!(told.contains(r"ablate run 'a b/it'\''s.toml'"), "{told}");
    let text = sandbox.read("a b/it's.toml");
    assert!(text.contains(r"# Run it: ablate run 'a b/it'\''s.toml'"), "{text}");
}

#[test]
fn nothing_is_overwritten() {
    let sandbox = Sandbox::empty();
    sandbox.write("mine.toml", "mine");
    says(sandbox.run(&["new", "mine.toml"]).refused(), ["this file exists already"]);
    assert_eq!(sandbox.read("mine.toml"), "mine");
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let sandbox = Sandbox::empty();
    for (arguments, told) in [
        (["new", "x", "--from", "paper/fig20-effects"], "write 'paper/fig02-effects'"),
        (
            ["new", "x", "--from", "paper/fig1"],
            "several built-in specs begin with 'paper/fig1'; write one of paper/fig10-training",
        ),
        (["new", "x", "--from", "papers/fig02"], "no built-in spec 'papers/fig02'; write 'paper/fig02-effects'"),
        (["new", "x", "--from", "papers/fig01"], "`ablate list specs` shows them"),
        (["new", "x", "--model", "nowhere"], "no model at 'nowhere'"),
    ] {
        says(sandbox.run(&arguments).refused(), [told]);
        assert!(!sandbox.has("x.toml"));
    }
}

/// Each copy says what the original says for its model, but for what is known and expected of others.
#[test]
fn every_spec_of_the_program_can_be_copied() {
    let sandbox = Sandbox::empty();
    let root = repository("experiments");
    for (name, _) in ablate::bundled::specs() {
        let file = format!("{}.toml", name.replace('/', "-"));
        sandbox.run(&["new", &file, "--from", name]).ok();
        let mut copy = written(&sandbox, &file);
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
    let sandbox = Sandbox::empty();
    let base = "# The base.\n[model]\nsource = \"../../weights/tiny\" # small\n\n[prompts]\n# Few.\noperands = { a = \"0..3\", b = \"0..3\" }\n";
    sandbox.write("specs/base/base.toml", base);
    let top = "extends = \"base/base.toml\"\ntitle = \"top\"\n[prompts]\nsample = 2\n[[step]]\nname = \"a\"\nkind = \"accuracy\"\n";
    sandbox.write("specs/top.toml", top);
    sandbox.run(&["new", "own/copy", "--from", "specs/top.toml"]).ok();
    let text = sandbox.read("own/copy.toml");
    assert!(!text.contains("extends"), "{text}");
    says(&text, ["# The base.", "source = \"../weights/tiny\"  # small", "# Few.\noperands", "sample = 2"]);
    assert_eq!(written(&sandbox, "own/copy.toml").title, "top");
}

/// What `ablate new --from` copies is what lies in the repository.
#[test]
fn every_spec_of_the_repository_is_part_of_the_program() {
    let root = repository("experiments");
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
