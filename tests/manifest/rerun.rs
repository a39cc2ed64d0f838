//! `ablate rerun`: the run of a manifest, once more.

use super::{BASE, ablate, ends, folder, manifest, run, write};
use ablate::manifest::Manifest;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// A folder whose spec is on a model of its own, named by the file that it extends.
fn with_model() -> tempfile::TempDir {
    let folder = folder();
    weights(folder.path(), "");
    write(folder.path(), "experiments/base/common.toml", &BASE.replace("builtin:arith", "../../arith"));
    folder
}

/// Puts the weights of a checkpoint of the built-in model into the folder's model.
fn weights(folder: &Path, checkpoint: &str) {
    let arith = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/arith");
    let copy = folder.join("arith");
    fs::create_dir_all(&copy).expect("a folder");
    for file in ["config.json", "tokenizer.json"] {
        fs::copy(arith.join(file), copy.join(file)).expect("a copy");
    }
    fs::copy(arith.join(checkpoint).join("model.safetensors"), copy.join("model.safetensors")).expect("a copy");
}

#[test]
fn a_rerun_makes_the_same_again() {
    let folder = with_model();
    let first = run(folder.path(), &["--set", "prompt_sets.few.sample=2"]);
    fs::remove_dir_all(folder.path().join("results/spec/tables")).expect("tables");
    let said = ends(0, ablate(folder.path(), &["rerun", "results/spec"]));
    let count = first.files.len();
    assert!(said.starts_with("rerun of experiments/spec.toml as it was run 20"), "{said}");
    assert!(said.contains("with the same files of the spec, build of ablate, models and machine"), "{said}");
    assert!(said.contains(&format!("all {count} files are identical to those of {}\n", first.started)), "{said}");
    let second = manifest(folder.path());
    assert_eq!(second.files, first.files);
    assert_eq!((&second.spec, &second.command, &second.models), (&first.spec, &first.command, &first.models));
    assert_eq!(second.rerun_of.as_ref(), Some(&first.started));
    assert!(folder.path().join("results/spec/tables/rates.csv").exists() && first.rerun_of.is_none());

    // And that of a rerun: by its file, from anywhere, into another folder.
    fs::create_dir_all(folder.path().join("elsewhere")).expect("a folder");
    let mut command = ablate(&folder.path().join("elsewhere"), &["rerun", "../results/spec/manifest.json"]);
    command.args(["--into", "copy"]);
    let said = ends(0, command);
    assert!(said.contains(&format!("all {count} files are identical to those of {}\n", second.started)), "{said}");
    let copy = Manifest::read(&folder.path().join("elsewhere/copy")).expect("a manifest");
    assert_eq!((&copy.files, copy.rerun_of.as_ref()), (&first.files, Some(&second.started)));
    assert!(!folder.path().join("elsewhere/results").exists());
    assert_eq!(copy.folder, "elsewhere/copy", "as the first command would name it");
    ends(0, ablate(&folder.path().join("elsewhere"), &["rerun", "copy"]));
}

#[test]
fn the_spec_is_run_as_it_was_then() {
    let folder = folder();
    let first = run(folder.path(), &["--set", "prompts.operands.a=0..10"]);
    write(folder.path(), "experiments/base/common.toml", &BASE.replace("1..7", "1..5"));
    let mut command = ablate(folder.path(), &["rerun", "results/spec"]);
    command.env("ABLATE_PROMPTS__OPERATORS", "[\"-\"]");
    let said = ends(0, command);
    let line = "now: experiments/base/common.toml has changed; the spec is run as it was then\n";
    assert!(said.contains(line) && said.contains("files are identical"), "{said}");
    assert_eq!(manifest(folder.path()).files, first.files);

    fs::remove_file(folder.path().join("experiments/spec.toml")).expect("the spec");
    let said = ends(0, ablate(folder.path(), &["rerun", "results/spec"]));
    assert!(said.contains("now: experiments/spec.toml is not there; the spec is run as it was then\n"), "{said}");
}

#[test]
fn other_weights_are_refused_unless_they_are_wanted() {
    let folder = with_model();
    let first = run(folder.path(), &[]);
    let table = fs::read(folder.path().join("results/spec/tables/rates.csv")).expect("a table");
    weights(folder.path(), "step00200");
    let said = ends(2, ablate(folder.path(), &["rerun", "results/spec"]));
    let line = "model 'model' (../../arith) has other weights, tokenizer or configuration: fingerprint ";
    assert!(said.contains(&format!("now: {line}")) && said.contains("write --any-model"), "{said}");
    assert_eq!(manifest(folder.path()), first, "nothing was done");
    assert_eq!(fs::read(folder.path().join("results/spec/tables/rates.csv")).expect("a table"), table);

    let said = ends(1, ablate(folder.path(), &["rerun", "results/spec", "--any-model", "--into", "other"]));
    let different = said.lines().find(|line| line.contains("files are not identical to those of ")).expect("a line");
    assert!(different.contains("tables/rates.csv") && different.contains("figures/bars.svg"), "{said}");
    assert!(!different.contains("tables/prompts.csv"), "the prompts are the same: {said}");
    assert!(different.ends_with("; `ablate diff results/spec other` shows what differs"), "{said}");
    assert!(ends(1, ablate(folder.path(), &["diff", "results/spec", "other"])).contains("rates"));
    weights(folder.path(), "");
    ends(0, ablate(folder.path(), &["rerun", "results/spec"]));
}

#[test]
fn what_the_store_has_is_taken_only_when_asked() {
    let folder = folder();
    let stored = |args: &[&str]| {
        let mut command = ablate(folder.path(), args);
        command.env("ABLATE_CACHE", folder.path().join("store"));
        ends(0, command)
    };
    stored(&["run", "experiments/spec.toml"]);
    assert!(!stored(&["rerun", "results/spec"]).contains("from the store"), "a rerun computes");
    let said = stored(&["rerun", "results/spec", "--cached"]);
    assert!(said.contains("; 2 of 2 steps were taken from the store\n"), "{said}");
}

#[test]
fn a_rerun_whose_model_is_gone_does_nothing() {
    let folder = with_model();
    let first = run(folder.path(), &[]);
    fs::rename(folder.path().join("arith"), folder.path().join("away")).expect("the model is moved");
    let said = ends(2, ablate(folder.path(), &["rerun", "results/spec"]));
    assert!(said.contains("no model at '") && said.contains("arith"), "{said}");
    assert_eq!(manifest(folder.path()), first);
}

/// What is repeated stays until what repeats it is whole.
#[cfg(unix)]
#[test]
fn a_rerun_that_is_interrupted_can_be_run_again() {
    let place = crate::resume::long();
    assert_eq!(place.ablate(&["run", "spec.toml", "--no-store"]).code, Some(0));
    let path = place.path().join("results/spec/manifest.json");
    let first = fs::read_to_string(&path).expect("a manifest");
    let mut rerun = place.command(&["rerun", "results/spec", "--no-store", "--quiet"]).spawn().expect("it starts");
    let begun = Instant::now();
    let unfinished = place.path().join("results/spec/.ablate-unfinished/run.json");
    while !unfinished.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut interrupt = crate::cli::process("sh", place.path());
    interrupt.args(["-c", &format!("kill -INT {}", rerun.id())]);
    assert!(interrupt.status().expect("sh runs").success());
    assert_eq!(rerun.wait().expect("it ends").code(), Some(130));
    assert_eq!(fs::read_to_string(&path).expect("a manifest"), first);
}

#[test]
fn what_can_not_be_rerun_is_refused() {
    let folder = folder();
    let said = ends(2, ablate(folder.path(), &["rerun", "results/spec"]));
    assert!(said.contains("error: rerun: cannot read results/spec"), "{said}");
    write(folder.path(), "results/spec/manifest.json", r#"{ "title": "t", "command": "ablate run a.toml" }"#);
    let said = ends(2, ablate(folder.path(), &["rerun", "results/spec"]));
    assert!(said.contains("write it anew: ablate run a.toml"), "{said}");
}
