//! `ablate plan`, `ablate run --dry`: what the store has, and why not.

use super::{SHORT, SPEC, STEPS};
use crate::support::{ABLATE, Ran, Sandbox, says};
use std::fs;

/// What is said of each step, in order: its name, and the lines about it.
fn outlook(sandbox: &Sandbox, args: &[&str]) -> Vec<(String, String)> {
    steps(&sandbox.run(&[&["plan", "spec.toml"], args].concat()).ok().text)
}

fn steps(text: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match line.split_once(" (") {
            Some((name, rest)) if !line.starts_with(' ') => {
                let said = rest.split_once(')').expect("its kind").1.trim();
                let (number, name) = name.split_once("  ").expect("its number");
                assert_eq!(number.parse(), Ok(steps.len() + 1), "{text}");
                steps.push((name.to_string(), said.to_string()));
            }
            _ => {
                let (_, said) = steps.last_mut().expect("a step");
                said.push_str("; ");
                said.push_str(line.trim());
            }
        }
    }
    steps
}

/// Those that are to be computed.
fn computed(steps: &[(String, String)]) -> Vec<(&str, &str)> {
    let stored = |said: &str| said.starts_with("in the store, computed 20");
    steps.iter().filter(|(_, said)| !stored(said)).map(|(name, said)| (name.as_str(), said.as_str())).collect()
}

#[test]
fn a_step_is_in_the_store_or_it_is_said_what_changed() {
    let sandbox = Sandbox::stored(SPEC);
    let new = outlook(&sandbox, &[]);
    assert_eq!(new.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), STEPS);
    assert!(new.iter().all(|(_, said)| said == "to compute: new"), "{new:?}");
    assert!(!sandbox.store().join("entries").exists() && !sandbox.has("results"), "nothing was done");
    sandbox.run_into("a", &[]);
    assert_eq!(computed(&outlook(&sandbox, &[])).len(), 0);
    for (set, wanted) in [
        ("step.circuits.ranked.k=[1]", vec![("circuits", "to compute: ranked.k [0, 2] → [1]")]),
        (
            "step.effects.bootstrap=10",
            vec![
                ("effects", "to compute: bootstrap 1000 → 10"),
                ("circuits", "to compute: step 'effects', whose rows it reads, is computed"),
            ],
        ),
        ("prompt_sets.few.sample=1", vec![("gradients", "to compute: prompt_sets.few.sample 2 → 1")]),
        (
            "step.acts.sites=[\"1.resid_post\"]",
            vec![("acts", "to compute: sites [\"0.resid_post\"] → [\"1.resid_post\"]")],
        ),
        ("run.batch=3", vec![]),
    ] {
        assert_eq!(computed(&outlook(&sandbox, &["--set", set])), wanted, "{set}");
    }
    let seeds = outlook(&sandbox, &["--set", "prompts.seeds=[7]", "--set", "model.dtype=bf16"]);
    assert_eq!(seeds.len(), computed(&seeds).len());
    for (name, said) in &seeds {
        let set = if name == "gradients" { "prompt_sets.few" } else { "prompts" };
        assert!(said.contains(&format!("{set}.seeds [42, 412] → [7]")), "{name}: {said}");
        assert!(said.contains("model 'model'.dtype \"f32\" → \"bf16\""), "{name}: {said}");
    }
}

#[test]
fn steps_are_in_the_order_of_the_run() {
    let (first, rest) = SPEC.split_once("[[step]]\nname = \"effects\"").expect("the step");
    let (effects, rest) = rest.split_once("[[step]]").expect("the next");
    let sandbox = Sandbox::stored(&format!("{first}[[step]]{rest}\n[[step]]\nname = \"effects\"{effects}"));
    let ran = sandbox.run(&["plan", "spec.toml"]);
    let order: Vec<String> = steps(&ran.text).into_iter().map(|(name, _)| name).collect();
    assert_eq!(order, ["neurons", "gradients", "acts", "answers", "effects", "circuits"], "{}", ran.text);
    // The table of costs too.
    let costs: Vec<&str> = ran.text.lines().skip_while(|line| !line.is_empty()).collect();
    let at = |name: &str| costs.iter().position(|line| line.starts_with(&format!("{name} ("))).expect("a row");
    assert!(at("neurons") < at("answers") && at("answers") < at("effects") && at("effects") < at("circuits"));
}

#[test]
fn other_weights_and_other_builds_are_told() {
    let sandbox = Sandbox::stored(&SHORT.replace("builtin:arith", "arith"));
    sandbox.arith("arith", "");
    sandbox.run_into("a", &[]);
    sandbox.arith("arith", "step00200");
    let line = "to compute: model 'model': other weights, tokenizer or configuration";
    assert_eq!(computed(&outlook(&sandbox, &[])), [("effects", line), ("acts", line)]);
    sandbox.arith("arith", "");
    assert_eq!(computed(&outlook(&sandbox, &[])).len(), 0);

    // What follows the program in its file makes it another file, and no other program.
    let built = sandbox.at("ablate");
    // By another process: a file that this one writes may still be open in a child when it is run.
    Ran::of(sandbox.program("sh").args(["-c", "cp \"$0\" ablate && printf more >> ablate", ABLATE])).ok();
    let mut command = sandbox.program(built.to_str().expect("a path"));
    let text = Ran::of(command.args(["plan", "spec.toml", "--set", "step.acts.sites=[\"1.resid_post\"]"])).out;
    let acts = "to compute: another build of ablate; sites [\"0.resid_post\"] → [\"1.resid_post\"]";
    assert_eq!(computed(&steps(&text)), [("effects", "to compute: another build of ablate"), ("acts", acts)]);
}

#[test]
fn a_step_is_compared_with_its_own_last_entry_or_says_with_which() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.run_into("a", &[]);
    sandbox.run_into("a", &["--set", "step.effects.bootstrap=10"]);
    // Entries are told apart by the second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    sandbox.run_into("a", &["--set", "step.effects.bootstrap=20"]);
    let said = outlook(&sandbox, &["--set", "step.effects.bootstrap=30"]);
    assert_eq!(computed(&said), [("effects", "to compute: bootstrap 20 → 30")]);
    sandbox.write("other.toml", SHORT.replace("\"effects\"", "\"else\"").replace("z[head]", "mlp_post"));
    let ran = sandbox.run(&["plan", "other.toml"]);
    assert_eq!(computed(&steps(&ran.text)), [("else", "to compute: new")], "{}", ran.text);
    // A step of the same name in a copy of the spec is told as what it was made of; one that differs in much is another.
    sandbox.write("copy.toml", SHORT.replace("z[head]", "mlp_post"));
    let ran = sandbox.run(&["plan", "copy.toml"]);
    let line = "to compute: new; compared with step 'effects' of spec.toml: sites [\"z[head]\"] → [\"mlp_post\"]";
    assert_eq!(computed(&steps(&ran.text)), [("effects", line)], "{}", ran.text);
    let unlike = SHORT
        .replace("z[head]", "mlp_post")
        .replace("0..20", "3..30")
        .replace("1..20", "2..7")
        .replace("\"+\"", "\"*\"");
    sandbox.write("unlike.toml", &unlike);
    let ran = sandbox.run(&["plan", "unlike.toml"]);
    assert!(!ran.text.contains("compared with"), "{}", ran.text);
}

#[test]
fn what_an_earlier_spec_computes_is_told() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.write("other.toml", SHORT.replace("0.resid_post", "1.resid_post"));
    let plan = |args: &[&str]| {
        let ran = sandbox.run(&[&["plan", "spec.toml", "other.toml"], args].concat());
        let (_, second) = ran.text.split_once("\nother.toml\n").expect("the second spec");
        steps(second).into_iter().map(|(_, said)| said).collect::<Vec<_>>()
    };
    let shared = "computed once, with spec.toml, which comes before";
    assert_eq!(plan(&[]), [shared, "to compute: new"]);
    assert_eq!(plan(&["--set", "run.store=off"]), [shared, "to compute"], "without a store too");
    sandbox.run_into("a", &[]);
    let said = plan(&[]);
    assert!(said[0].starts_with("in the store") && said[1].starts_with("to compute: new; compared with"), "{said:?}");
}

#[test]
fn damaged_entries_and_stores_that_are_off_are_said() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.run_into("a", &[]);
    for path in sandbox.entries().iter().filter(|path| path.ends_with("entry.sha256")) {
        fs::write(path, "0").expect("damage");
    }
    let damaged = "to compute: its entry in the store is damaged (entry.json: wrong checksum)";
    assert_eq!(computed(&outlook(&sandbox, &[])), [("effects", damaged), ("acts", damaged)]);
    let off = outlook(&sandbox, &["--set", "run.store=off"]);
    assert_eq!(computed(&off), [("effects", "to compute"), ("acts", "to compute")]);
}

#[test]
fn a_dry_run_is_a_plan() {
    let sandbox = Sandbox::stored(SHORT);
    sandbox.run_into("a", &[]);
    let dry = |args: &[&str]| {
        let ran = sandbox.run(&[&["run", "spec.toml", "--dry"], args].concat()).ok();
        assert!(!sandbox.has("results"), "nothing is written");
        ran.text
    };
    assert_eq!(steps(&dry(&[])), outlook(&sandbox, &[]));
    assert!(dry(&[]).contains("\nforwards: forward passes"), "costs too");
    assert_eq!(computed(&steps(&dry(&["--force=acts"]))), [("acts", "to compute: --force")]);
    assert_eq!(computed(&steps(&dry(&["--no-store"]))), [("effects", "to compute"), ("acts", "to compute")]);
    says(sandbox.run(&["run", "spec.toml", "--dry", "--force=act"]).refused(), ["write --force=acts"]);
    for command in [&["plan"][..], &["run", "--dry"]] {
        let refused = sandbox.run(&[command, &["spec.toml", "--set", "step.acts.sites=[\"9.resid_post\"]"]].concat());
        says(refused.refused(), ["layer 9"]);
    }
}

#[test]
fn finished_blocks_of_an_interrupted_run_are_told() {
    let sandbox = crate::resume::long();
    let left = crate::resume::interrupted(&sandbox, 2).len();
    let said = format!("to compute: new; continues after {left} finished blocks of an interrupted run");
    assert_eq!(computed(&outlook(&sandbox, &[])), [("effects", &*said)]);
    let other = outlook(&sandbox, &["--set", "run.memory_mib=2"]);
    assert_eq!(computed(&other), [("effects", "to compute: new")], "blocks of other terms are not taken");
}
