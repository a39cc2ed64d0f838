//! What was computed before is not computed again, and comes back to the byte.

use super::{Place, SPEC, STEPS};
use std::fs;

#[test]
fn a_rerun_takes_every_step_from_the_store_to_the_byte() {
    let place = Place::new();
    let first = place.run("first", &[]);
    assert!(first.recalled().is_empty(), "{}", first.text);
    let second = place.run("second", &[]);
    assert_eq!(second.recalled(), STEPS, "{}", second.text);
    place.run("fresh", &["--no-store"]);
    let results = place.results("first");
    assert!(results.iter().any(|(path, _)| path.ends_with("acts.safetensors")) && results.len() > 20);
    assert!(results == place.results("second"), "from the store");
    assert!(results == place.results("fresh"), "without it");
    let report = fs::read_to_string(place.path().join("second/report.md")).expect("a report");
    assert!(report.contains("\n## From the store\n\n- step 'effects': from the store, computed 20"), "{report}");
    let check =
        report.lines().find(|line| line.starts_with("- step 'effects', model 'model': ")).expect("a self-check");
    assert!(check.contains("recomputed from scratch") && check.contains("; from the store, computed 20"), "{check}");
    let manifest = fs::read_to_string(place.path().join("second/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let steps = manifest["steps"].as_array().expect("steps");
    let stored = steps.iter().filter(|step| step["from_store"]["computed"].is_string());
    let stored: Vec<&str> = stored.filter_map(|step| step["name"].as_str()).collect();
    assert_eq!(stored, STEPS);
    let manifest = fs::read_to_string(place.path().join("first/manifest.json")).expect("a manifest");
    assert!(!manifest.contains("from_store") && !manifest.contains("from the store"));
}

#[test]
fn only_what_depends_on_a_change_is_computed() {
    let place = Place::new();
    place.run("a", &[]);
    let cosmetic = SPEC.replace("[[step]]\nname = \"effects\"\nkind", "# the effects\n[[step]]\nkind").replace(
        "sites = [\"z[head]\"]\nper_prompt = true",
        "per_prompt   =   true\nsites = [ 'z[head]' ]\nname = \"effects\"",
    );
    assert_ne!(cosmetic, SPEC);
    place.write("spec.toml", &cosmetic);
    assert_eq!(place.run("a", &[]).recalled(), STEPS);
    assert_eq!(place.run("a", &["--set", "run.batch=3", "--set", "run.memory_mib=64"]).recalled(), STEPS);
    let ranked = place.run("a", &["--set", "step.circuits.ranked.k=[1]"]);
    assert_eq!(ranked.recalled(), ["effects", "neurons", "gradients", "acts", "answers"], "{}", ranked.text);
    let effects = place.run("a", &["--set", "step.effects.bootstrap=10"]);
    assert_eq!(effects.recalled(), ["neurons", "gradients", "acts", "answers"], "{}", effects.text);
    let few = place.run("a", &["--set", "prompt_sets.few.sample=1"]);
    assert_eq!(few.recalled(), ["effects", "circuits", "neurons", "acts", "answers"], "{}", few.text);
    let prompts = place.run("a", &["--set", "prompts.seeds=[7]"]);
    assert!(prompts.recalled().is_empty(), "{}", prompts.text);
}

#[test]
fn force_computes_again_what_it_names_and_what_reads_it() {
    let place = Place::new();
    place.run("a", &[]);
    let one = place.run("a", &["--force=effects"]);
    assert_eq!(one.recalled(), ["neurons", "gradients", "acts", "answers"], "{}", one.text);
    let two = place.run("a", &["--force=acts", "--force=neurons"]);
    assert_eq!(two.recalled(), ["effects", "circuits", "answers"], "{}", two.text);
    assert!(place.run("a", &["--force"]).recalled().is_empty());
    assert_eq!(place.run("a", &[]).recalled(), STEPS);
    let unknown = place.ablate(&["run", "spec.toml", "--force=efects"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.text);
    assert!(unknown.text.contains("no step 'efects'") && unknown.text.contains("--force=effects"), "{}", unknown.text);
}

#[test]
fn specs_share_steps_whatever_they_are_called() {
    let place = Place::new();
    // Its steps are called otherwise, and what it reads of them is the same.
    let renamed =
        SPEC.replace("\"effects\"", "\"heads_of\"").replace("\"neurons\"", "\"exact\"").replace("\"acts\"", "\"kept\"");
    place.write("other.toml", &renamed);
    for (flags, kind) in [(&[][..], "with a store"), (&["--no-store"], "without one")] {
        let args = [&["run", "spec.toml", "other.toml"], flags].concat();
        let ran = place.ablate(&args);
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        let recalled = ran.recalled();
        // Activations are in files, and these have the step's name; the note on other prompts names the step that is read.
        for shared in ["heads_of", "circuits", "exact", "answers"] {
            assert!(recalled.contains(&shared), "{kind}, {shared}: {}", ran.text);
        }
        assert!(!recalled.contains(&"kept"), "{kind}: {}", ran.text);
        fs::rename(place.path().join("results/other"), place.path().join(kind)).expect("a folder");
        if flags.is_empty() {
            fs::remove_dir_all(place.store()).expect("a store");
        }
    }
    assert!(!place.store().exists(), "nothing is kept without one");
    let alone = place.ablate(&["run", "other.toml", "--no-store", "--set", "output.dir=alone"]);
    assert_eq!(alone.code, Some(0), "{}", alone.text);
    let fresh = place.results("alone");
    assert!(fresh.iter().any(|(path, _)| path.ends_with("rows/heads_of.parquet")) && fresh.len() > 20);
    assert!(fresh == place.results("with a store") && fresh == place.results("without one"));
    let notes = |folder: &str| {
        let report = fs::read_to_string(place.path().join(folder).join("report.md")).expect("a report");
        let notes: Vec<String> = report.lines().filter(|line| line.starts_with("> - ")).map(String::from).collect();
        notes
    };
    assert!(notes("alone").iter().any(|note| note.contains("'exact'")), "{:?}", notes("alone"));
    assert_eq!(notes("alone"), notes("with a store"));
}

#[test]
fn where_the_store_is_can_be_said() {
    let place = Place::new();
    place.run("a", &["--set", "run.store=off"]);
    assert!(!place.store().exists());
    // Relative to the file that says it.
    fs::create_dir(place.path().join("below")).expect("a folder");
    place.write("below/spec.toml", &format!("{SPEC}\n[run]\nstore = \"../mine\"\n"));
    let args = ["run", "below/spec.toml"];
    assert!(place.ablate(&args).recalled().is_empty());
    assert_eq!(place.ablate(&args).recalled(), STEPS);
    assert!(place.path().join("mine/entries").is_dir() && !place.store().exists());
    let mut off = place.command(&["run", "spec.toml", "--force"]);
    off.env("ABLATE_CACHE", "off").env("HOME", place.path()).env("XDG_CACHE_HOME", "");
    assert!(off.output().expect("the binary runs").status.success());
    assert!(!place.path().join(".cache").exists());
    let mut home = place.command(&["run", "spec.toml", "--force"]);
    home.env_remove("ABLATE_CACHE").env("HOME", place.path()).env("XDG_CACHE_HOME", "");
    assert!(home.output().expect("the binary runs").status.success());
    assert!(place.path().join(".cache/ablate/store/entries").is_dir());
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

/// A model that a step trains comes out of the store, and another that is trained in its place is noticed.
#[test]
fn models_that_are_trained_are_kept_and_noticed() {
    let place = Place::new();
    place.write("train.toml", TRAINING);
    place.write(
        "use.toml",
        &SPEC
            .replace("builtin:arith", "results/train/model")
            .replace("0..20", "0..9")
            .replace("1..20", "1..9")
            .replace("keep = \"correct\"\n", "")
            .replace("[\"3.mlp_post[neuron]\"]", "[\"0.mlp_post[neuron]\"]")
            .replace("layers = \"3\"", "layers = \"0\""),
    );
    let run = |spec: &str| {
        let ran = place.ablate(&["run", spec]);
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        ran
    };
    run("train.toml");
    let trained = place.results("results/train");
    fs::remove_dir_all(place.path().join("results/train")).expect("a folder");
    assert_eq!(run("train.toml").recalled(), ["train"]);
    assert!(trained == place.results("results/train") && trained.len() > 6);
    assert!(run("use.toml").recalled().is_empty());
    assert_eq!(run("use.toml").recalled(), STEPS, "the same model, though its files were written anew");
    let seed = place.ablate(&["run", "train.toml", "--set", "step.train.seed=5"]);
    assert_eq!((seed.code, seed.recalled().len()), (Some(0), 0), "{}", seed.text);
    assert!(run("use.toml").recalled().is_empty(), "another model in the same place");
}
