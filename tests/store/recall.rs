//! What was computed before is not computed again, and comes back to the byte.

use super::{SPEC, STEPS};
use crate::support::{Ran, Sandbox, says};
use std::fs;

#[test]
fn a_rerun_takes_every_step_from_the_store_to_the_byte() {
    let sandbox = Sandbox::stored(SPEC);
    let first = sandbox.run_into("first", &[]);
    assert!(first.recalled().is_empty(), "{}", first.text);
    let second = sandbox.run_into("second", &[]);
    assert_eq!(second.recalled(), STEPS, "{}", second.text);
    sandbox.run_into("fresh", &["--no-store"]);
    let results = sandbox.results("first");
    assert!(results.iter().any(|(path, _)| path.ends_with("acts.safetensors")) && results.len() > 20);
    assert!(results == sandbox.results("second"), "from the store");
    assert!(results == sandbox.results("fresh"), "without it");
    let report = sandbox.read("second/report.md");
    assert!(report.contains("\n## From the store\n\n- step 'effects': from the store, computed 20"), "{report}");
    let check =
        report.lines().find(|line| line.starts_with("- step 'effects', model 'model': ")).expect("a self-check");
    says(check, ["recomputed from scratch", "; from the store, computed 20"]);
    let manifest = sandbox.json("second/manifest.json");
    let steps = manifest["steps"].as_array().expect("steps");
    let stored = steps.iter().filter(|step| step["from_store"]["computed"].is_string());
    let stored: Vec<&str> = stored.filter_map(|step| step["name"].as_str()).collect();
    assert_eq!(stored, STEPS);
    let manifest = sandbox.read("first/manifest.json");
    assert!(!manifest.contains("from_store") && !manifest.contains("from the store"));
}

#[test]
fn only_what_depends_on_a_change_is_computed() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("a", &[]);
    let cosmetic = SPEC.replace("[[step]]\nname = \"effects\"\nkind", "# the effects\n[[step]]\nkind").replace(
        "sites = [\"z[head]\"]\nper_prompt = true",
        "per_prompt   =   true\nsites = [ 'z[head]' ]\nname = \"effects\"",
    );
    assert_ne!(cosmetic, SPEC);
    sandbox.write("spec.toml", &cosmetic);
    assert_eq!(sandbox.run_into("a", &[]).recalled(), STEPS);
    assert_eq!(sandbox.run_into("a", &["--set", "run.batch=3", "--set", "run.memory_mib=64"]).recalled(), STEPS);
    let ranked = sandbox.run_into("a", &["--set", "step.circuits.ranked.k=[1]"]);
    assert_eq!(ranked.recalled(), ["effects", "neurons", "gradients", "acts", "answers"], "{}", ranked.text);
    let effects = sandbox.run_into("a", &["--set", "step.effects.bootstrap=10"]);
    assert_eq!(effects.recalled(), ["neurons", "gradients", "acts", "answers"], "{}", effects.text);
    let few = sandbox.run_into("a", &["--set", "prompt_sets.few.sample=1"]);
    assert_eq!(few.recalled(), ["effects", "circuits", "neurons", "acts", "answers"], "{}", few.text);
    let prompts = sandbox.run_into("a", &["--set", "prompts.seeds=[7]"]);
    assert!(prompts.recalled().is_empty(), "{}", prompts.text);
}

#[test]
fn force_computes_again_what_it_names_and_what_reads_it() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("a", &[]);
    let one = sandbox.run_into("a", &["--force=effects"]);
    assert_eq!(one.recalled(), ["neurons", "gradients", "acts", "answers"], "{}", one.text);
    let two = sandbox.run_into("a", &["--force=acts", "--force=neurons"]);
    assert_eq!(two.recalled(), ["effects", "circuits", "answers"], "{}", two.text);
    assert!(sandbox.run_into("a", &["--force"]).recalled().is_empty());
    assert_eq!(sandbox.run_into("a", &[]).recalled(), STEPS);
    says(sandbox.run(&["run", "spec.toml", "--force=efects"]).refused(), ["no step 'efects'", "--force=effects"]);
}

#[test]
fn specs_share_steps_whatever_they_are_called() {
    let sandbox = Sandbox::stored(SPEC);
    // Its steps are called otherwise, and what it reads of them is the same.
    let renamed =
        SPEC.replace("\"effects\"", "\"heads_of\"").replace("\"neurons\"", "\"exact\"").replace("\"acts\"", "\"kept\"");
    sandbox.write("other.toml", &renamed);
    for (flags, kind) in [(&[][..], "with a store"), (&["--no-store"], "without one")] {
        let args = [&["run", "spec.toml", "other.toml"], flags].concat();
        let ran = sandbox.run(&args).ok();
        let recalled = ran.recalled();
        // Activations are in files, and these have the step's name; the note on other prompts names the step that is read.
        for shared in ["heads_of", "circuits", "exact", "answers"] {
            assert!(recalled.contains(&shared), "{kind}, {shared}: {}", ran.text);
        }
        assert!(!recalled.contains(&"kept"), "{kind}: {}", ran.text);
        fs::rename(sandbox.at("results/other"), sandbox.at(kind)).expect("a folder");
        if flags.is_empty() {
            sandbox.remove("store");
        }
    }
    assert!(!sandbox.store().exists(), "nothing is kept without one");
    sandbox.run(&["run", "other.toml", "--no-store", "--set", "output.dir=alone"]).ok();
    let fresh = sandbox.results("alone");
    assert!(fresh.iter().any(|(path, _)| path.ends_with("rows/heads_of.parquet")) && fresh.len() > 20);
    assert!(fresh == sandbox.results("with a store") && fresh == sandbox.results("without one"));
    let notes = |folder: &str| {
        let report = fs::read_to_string(sandbox.at(folder).join("report.md")).expect("a report");
        let notes: Vec<String> = report.lines().filter(|line| line.starts_with("> - ")).map(String::from).collect();
        notes
    };
    assert!(notes("alone").iter().any(|note| note.contains("'exact'")), "{:?}", notes("alone"));
    assert_eq!(notes("alone"), notes("with a store"));
}

#[test]
fn where_the_store_is_can_be_said() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.run_into("a", &["--set", "run.store=off"]);
    assert!(!sandbox.store().exists());
    // Relative to the file that says it.
    sandbox.write("below/spec.toml", format!("{SPEC}\n[run]\nstore = \"../mine\"\n"));
    let args = ["run", "below/spec.toml"];
    assert!(sandbox.run(&args).recalled().is_empty());
    assert_eq!(sandbox.run(&args).recalled(), STEPS);
    assert!(sandbox.at("mine/entries").is_dir() && !sandbox.store().exists());
    let mut off = sandbox.command(&["run", "spec.toml", "--force"]);
    off.env("ABLATE_CACHE", "off").env("HOME", sandbox.path()).env("XDG_CACHE_HOME", "");
    Ran::of(&mut off).ok();
    assert!(!sandbox.has(".cache"));
    let mut home = sandbox.command(&["run", "spec.toml", "--force"]);
    home.env_remove("ABLATE_CACHE").env("HOME", sandbox.path()).env("XDG_CACHE_HOME", "");
    Ran::of(&mut home).ok();
    assert!(sandbox.at(".cache/ablate/store/entries").is_dir());
}

const TRAINING: &str = r#"
title = "training"

[prompts]
operands = { a = "0..20", b = "0..20" }

[[step]]
name = "train"
kind = "train"
numbers = 20
layers = 1
d_model = 8
heads = 2
d_mlp = 8
steps = 4
batch = 8
checkpoints = [2]
optimizer = { lr = 0.001 }
"#;

/// A model that a step trains comes out of the store, and another that is trained in its sandbox is noticed.
#[test]
fn models_that_are_trained_are_kept_and_noticed() {
    let sandbox = Sandbox::stored(SPEC);
    sandbox.write("train.toml", TRAINING);
    sandbox.write(
        "use.toml",
        SPEC.replace("builtin:arith", "results/train/model")
            .replace("0..20", "0..9")
            .replace("1..20", "1..9")
            .replace("keep = \"correct\"\n", "")
            .replace("[\"3.mlp_post[neuron]\"]", "[\"0.mlp_post[neuron]\"]")
            .replace("layers = \"3\"", "layers = \"0\""),
    );
    let run = |spec: &str| sandbox.run(&["run", spec]).ok();
    run("train.toml");
    let trained = sandbox.results("results/train");
    sandbox.remove("results/train");
    assert_eq!(run("train.toml").recalled(), ["train"]);
    assert!(trained == sandbox.results("results/train") && trained.len() > 6);
    assert!(run("use.toml").recalled().is_empty());
    assert_eq!(run("use.toml").recalled(), STEPS, "the same model, though its files were written anew");
    let seed = sandbox.run(&["run", "train.toml", "--set", "step.train.seed=5"]);
    assert_eq!((seed.code, seed.recalled().len()), (Some(0), 0), "{}", seed.text);
    assert!(run("use.toml").recalled().is_empty(), "another model in the same sandbox");
}
