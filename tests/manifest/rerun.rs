//! `ablate rerun`: the run of a manifest, once more.

use super::{BASE, manifest, run, sandbox};
use crate::support::{Ran, Sandbox, says, signal, wait_until};
use ablate::manifest::Manifest;
use std::fs;

/// A spec on a model of its own, named by the file that it extends.
fn with_model() -> Sandbox {
    let sandbox = sandbox();
    sandbox.arith("arith", "");
    sandbox.write("experiments/base/common.toml", BASE.replace("builtin:arith", "../../arith"));
    sandbox
}

#[test]
fn a_rerun_makes_the_same_again() {
    let sandbox = with_model();
    let first = run(&sandbox, &["--set", "prompt_sets.few.sample=2"]);
    sandbox.remove("results/spec/tables");
    let said = sandbox.run(&["rerun", "results/spec"]).ok().text;
    let count = first.files.len();
    assert!(said.starts_with("rerun of experiments/spec.toml as it was run 20"), "{said}");
    assert!(said.contains("spec, build of ablate, models and machine are the same as then"), "{said}");
    assert!(said.contains(&format!("all {count} files are identical to those of {}\n", first.started)), "{said}");
    let second = manifest(&sandbox);
    assert_eq!(second.files, first.files);
    assert_eq!((&second.spec, &second.command, &second.models), (&first.spec, &first.command, &first.models));
    assert_eq!(second.rerun_of.as_ref(), Some(&first.started));
    assert!(sandbox.has("results/spec/tables/rates.csv") && first.rerun_of.is_none());

    // And that of a rerun: by its file, from anywhere, into another folder.
    let elsewhere = |args: &[&str]| Ran::of(sandbox.command(args).current_dir(sandbox.at("elsewhere"))).ok().text;
    fs::create_dir_all(sandbox.at("elsewhere")).expect("a folder");
    let said = elsewhere(&["rerun", "../results/spec/manifest.json", "--into", "copy"]);
    assert!(said.contains(&format!("all {count} files are identical to those of {}\n", second.started)), "{said}");
    let copy = Manifest::read(&sandbox.at("elsewhere/copy")).expect("a manifest");
    assert_eq!((&copy.files, copy.rerun_of.as_ref()), (&first.files, Some(&second.started)));
    assert!(!sandbox.has("elsewhere/results"));
    assert_eq!(copy.folder, "elsewhere/copy", "as the first command would name it");
    elsewhere(&["rerun", "copy"]);
}

/// What the record says of prompts of tokens has no keys that mean nothing to them.
#[test]
fn prompts_of_tokens_are_rerun() {
    let spec = "title = \"tokens\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\nrandom_tokens = { length = 2, count = 3 }\n\
                [prompt_sets.given]\nrandom_tokens = { length = 2, count = 2 }\n[[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\n";
    let sandbox = Sandbox::with(spec);
    sandbox.ran();
    let said = sandbox.run(&["rerun", "results/spec"]).ok().text;
    assert!(said.contains("files are identical"), "{said}");
}

#[test]
fn the_spec_is_run_as_it_was_then() {
    let sandbox = sandbox();
    let first = run(&sandbox, &["--set", "prompts.operands.a=0..10"]);
    sandbox.write("experiments/base/common.toml", BASE.replace("1..7", "1..5"));
    let mut command = sandbox.command(&["rerun", "results/spec"]);
    let said = Ran::of(command.env("ABLATE_PROMPTS__OPERATORS", "[\"-\"]")).ok().text;
    let line = "now: experiments/base/common.toml has changed; the spec is run as it was then\n";
    assert!(said.contains(line) && said.contains("files are identical"), "{said}");
    assert_eq!(manifest(&sandbox).files, first.files);

    sandbox.remove("experiments/spec.toml");
    let said = sandbox.run(&["rerun", "results/spec"]).ok().text;
    assert!(said.contains("now: experiments/spec.toml is not there; the spec is run as it was then\n"), "{said}");
}

#[test]
fn other_weights_are_refused_unless_they_are_wanted() {
    let sandbox = with_model();
    let first = run(&sandbox, &[]);
    let table = sandbox.bytes("results/spec/tables/rates.csv");
    sandbox.arith("arith", "step00200");
    let said = sandbox.run(&["rerun", "results/spec"]).ends(2).text;
    let line = "model 'model' (../../arith) has other weights, tokenizer or configuration: fingerprint ";
    assert!(said.contains(&format!("now: {line}")) && said.contains("write --any-model"), "{said}");
    assert_eq!(manifest(&sandbox), first, "nothing was done");
    assert_eq!(sandbox.bytes("results/spec/tables/rates.csv"), table);

    let said = sandbox.run(&["rerun", "results/spec", "--any-model", "--into", "other"]).ends(1).text;
    let different = said.lines().find(|line| line.contains("files are not identical to those of ")).expect("a line");
    assert!(different.contains("tables/rates.csv") && different.contains("figures/bars.svg"), "{said}");
    assert!(!different.contains("tables/prompts.csv"), "the prompts are the same: {said}");
    assert!(different.ends_with("; `ablate diff results/spec other` shows what differs"), "{said}");
    assert!(sandbox.run(&["diff", "results/spec", "other"]).ends(1).text.contains("rates"));
    sandbox.arith("arith", "");
    sandbox.run(&["rerun", "results/spec"]).ok();
}

#[test]
fn what_the_store_has_is_taken_only_when_asked() {
    let sandbox = sandbox();
    let stored = |args: &[&str]| Ran::of(sandbox.command(args).env("ABLATE_CACHE", sandbox.store())).ok().text;
    stored(&["run", "experiments/spec.toml"]);
    assert!(!stored(&["rerun", "results/spec"]).contains("from the store"), "a rerun computes");
    let said = stored(&["rerun", "results/spec", "--cached"]);
    assert!(said.contains("; 2 of 2 steps were taken from the store\n"), "{said}");
}

#[test]
fn a_rerun_whose_model_is_gone_does_nothing() {
    let sandbox = with_model();
    let first = run(&sandbox, &[]);
    fs::rename(sandbox.at("arith"), sandbox.at("away")).expect("the model is moved");
    let said = sandbox.run(&["rerun", "results/spec"]).ends(2).text;
    says(&said, ["no model at '", "arith"]);
    assert_eq!(manifest(&sandbox), first);
}

/// What is repeated stays until what repeats it is whole.
#[cfg(unix)]
#[test]
fn a_rerun_that_is_interrupted_can_be_run_again() {
    let sandbox = crate::resume::long();
    sandbox.run(&["run", "spec.toml", "--no-store"]).ok();
    let first = sandbox.read("results/spec/manifest.json");
    let mut rerun = sandbox.command(&["rerun", "results/spec", "--no-store", "--quiet"]).spawn().expect("it starts");
    wait_until(&mut rerun, || sandbox.has("results/spec/.ablate-unfinished/run.json"));
    signal(&rerun, "INT");
    assert_eq!(rerun.wait().expect("it ends").code(), Some(130));
    assert_eq!(sandbox.read("results/spec/manifest.json"), first);
}

#[test]
fn what_can_not_be_rerun_is_refused() {
    let sandbox = sandbox();
    let said = sandbox.run(&["rerun", "results/spec"]).ends(2).text;
    assert!(said.contains("error: rerun: cannot read results/spec"), "{said}");
    sandbox.write("results/spec/manifest.json", r#"{ "title": "t", "command": "ablate run a.toml" }"#);
    let said = sandbox.run(&["rerun", "results/spec"]).ends(2).text;
    assert!(said.contains("make it again with: ablate run a.toml"), "{said}");
}
