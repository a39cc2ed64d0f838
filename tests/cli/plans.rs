//! What `ablate plan` counts.

use crate::support::Sandbox;

const SPEC: &str = r#"
title = "plans"
[model]
source = "builtin:arith"
[prompts]
operators = ["+", "*"]
operands = { a = "0..60", b = "0..60" }
keep = "correct"
sample = 10
[run]
batch = 128
[[step]]
name = "lens"
kind = "logit-lens"
[[step]]
name = "direct"
kind = "logit-attribution"
[[step]]
name = "patterns"
kind = "attention-patterns"
[[step]]
name = "others"
kind = "logit-lens"
prompts = "others"
[prompt_sets.others]
seeds = [7]
"#;

/// The forwards and the mebibytes of each step.
fn plan(spec: &str, args: &[&str]) -> Vec<(String, u64, u64)> {
    let text = Sandbox::with(spec).run(&[&["plan", "spec.toml"], args].concat()).ok().out;
    let row = |line: &str| {
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let &[label, _, _, forwards, _, _, _, memory] = cells.as_slice() else { return None };
        let name = label.split(' ').next()?.to_string();
        Some((name, forwards.parse().ok()?, memory.split(' ').next()?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_model_is_asked_once_for_each_set() {
    let of = |name: &str, steps: &[(String, u64, u64)]| {
        steps.iter().find(|(step, ..)| step == name).map_or(0, |(_, forwards, _)| *forwards)
    };
    let whole = plan(SPEC, &[]);
    // 10 prompts of each of 2 operators, and to find them a batch for each.
    assert_eq!((of("lens", &whole), of("others", &whole)), (20 + 256, 20 + 256), "{whole:?}");
    assert_eq!((of("direct", &whole), of("patterns", &whole)), (20, 20), "{whole:?}");
    let all = plan(SPEC, &["--set", "prompts.keep=all"]);
    assert!(all.iter().all(|(_, forwards, _)| *forwards == 20), "{all:?}");
}

#[test]
fn steps_that_read_say_what_memory_they_take() {
    let steps = plan(&SPEC.replace("sample = 10", "sample = 100"), &[]);
    assert!(steps.len() == 4 && steps.iter().all(|(.., memory)| *memory > 0), "{steps:?}");
}

/// What a row of the plan says: its numbers by the names of the columns.
fn row(spec: &str, args: &[&str], step: &str) -> Vec<String> {
    let text = Sandbox::with(spec).run(&[&["plan", "spec.toml"], args].concat()).ok().out;
    let line = text.lines().find(|line| line.starts_with(&format!("{step} ("))).unwrap_or_else(|| panic!("{text}"));
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
}

#[test]
fn as_many_prompts_are_counted_as_are_drawn() {
    let spec = SPEC.replace("keep = \"correct\"", "keep = \"all\"").replace("a = \"0..60\"", "a = \"0..3\"");
    let spec =
        spec.replace("sample = 10", "sample = 100\nskip = 20\nseeds = [1, 2]\ntemplate = { one = \"{a}{op}{b}=\" }");
    let sandbox = Sandbox::with(&spec);
    sandbox.run(&["run", "spec.toml", "-q"]).ok();
    let lens = row(&spec, &[], "lens");
    // 180 sums of 3 and 60 operands of which 100 are left after 20 for each of 2 seeds; of 180 products those that are a token.
    let counted = sandbox.json("results/spec/manifest.json");
    let ran = counted["prompts"].as_array().and_then(|sets| sets.first()).cloned().unwrap_or_default();
    assert_eq!(lens[3], ran["prompts"].to_string(), "{ran} {lens:?}");
}

#[test]
fn means_are_over_as_many_prompts_as_there_are() {
    const MEAN: &str = r#"
title = "one"
[model]
source = "builtin:arith"
[prompts]
operators = ["+", "-", "*", "/"]
operands = { a = "0..10", b = "0..10" }
sample = 10
[[step]]
name = "mean"
kind = "ablation"
components = ["L3MLP"]
measures = ["accuracy"]
[[step]]
name = "edits"
kind = "intervention"
measures = ["accuracy"]
interventions = [{ name = "mean", edits = [{ site = "3.mlp_post", value = "mean" }] }]
"#;
    // 100 prompts of each of 4 operators for the means, 10 of each with and without the ablation.
    assert_eq!(row(MEAN, &[], "mean")[3], "480");
    // Another prompt of each pair too.
    assert_eq!(row(MEAN, &[], "edits")[3], "520");
    assert_eq!(row(MEAN, &["--set", "step.mean.mean.sample=30"], "mean")[3], "200");
    // Of legal quotients there are 90, of legal differences 55: balanced, as many of each.
    assert_eq!(row(MEAN, &["--set", "step.mean.mean.legality=legal"], "mean")[3], "300");
}

#[test]
fn every_step_has_an_estimate() {
    const ALL: &str = r#"
title = "one"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..12", b = "0..12" }
operators = ["+", "*"]
[[step]]
name = "right"
kind = "accuracy"
[[step]]
name = "training"
kind = "train"
numbers = 100
layers = 1
d_model = 16
heads = 2
d_mlp = 32
steps = 2000
batch = 64
optimizer = { lr = 1e-3 }
[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "2..4"
[[step]]
name = "heuristics"
kind = "heuristics"
ranked = { from = "neurons", k = 20 }
[[step]]
name = "by_heuristic"
kind = "heuristic-knockout"
from = "heuristics"
[[figure]]
name = "bars"
kind = "bars"
from = "right"
x = "operator"
y = "rate"
series = "operator"
"#;
    let text = Sandbox::with(ALL).run(&["plan", "spec.toml"]).out;
    assert!(!text.contains("what is marked '-'"), "{text}");
    let seconds = |step: &str| row(ALL, &[], step).iter().rev().find_map(|cell| cell.parse::<f64>().ok());
    let training = seconds("training").unwrap_or_else(|| panic!("{text}"));
    assert!(training > 0.2, "2000 steps take longer than {training} s");
    // 2 operators of 12 x 12 operands, but for the four products above 99.
    let right = row(ALL, &[], "right");
    assert_eq!(right[3], "284", "{right:?}");
    assert!(text.contains("tables, figures and report"), "{text}");
}

/// As many heuristics as would share the ranked neurons evenly, tried on the prompts of both groups: neurons of other layers than those
/// that are ranked are not counted.
#[test]
fn knock_outs_are_of_the_layers_that_are_ranked() {
    const KNOCKOUT: &str = r#"
title = "knock-outs"
[model]
source = "builtin:arith"
[prompts]
operators = ["+"]
operands = { a = "0..50", b = "0..50" }
keep = "all"
[prompt_sets.few]
sample = 10
[[step]]
name = "probes"
kind = "probe"
[[step]]
name = "neurons"
kind = "neuron-patching"
prompts = "few"
layers = "LAYERS"
[[step]]
name = "heuristics"
kind = "heuristics"
ranked = { from = "neurons", k = 40 }
[[step]]
name = "out"
kind = "heuristic-knockout"
from = "heuristics"
at_least = 10
sample = 20
"#;
    for (layers, heuristics) in [("3", 4), ("2..4", 8), ("{probes}", 8), ("*", 16)] {
        let out = row(&KNOCKOUT.replace("LAYERS", layers), &[], "out");
        assert_eq!(out[2], (heuristics * 2 * 20).to_string(), "{layers}: {out:?}");
    }
}

/// Who writes a range in braces may take its end for the last layer.
#[test]
fn ranges_that_end_before_the_last_layer_are_noted() {
    let spec = |sites: &str| {
        format!(
            "title = \"ranges\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperators = [\"+\"]\nsample = 2\n\
             operands = {{ a = \"0..20\", b = \"0..20\" }}\n[[step]]\nname = \"lens\"\nkind = \"logit-lens\"\nsites = [{sites}]\n"
        )
    };
    let note = "note: step 'lens': layers 1..3 are 1 to 2, because the end of a range is excluded; the last layer of model 'model' is 3: if \
                it belongs to them, write 1..4, and if it does not, {1,2}, which says so without this note";
    for sites in ["\"blocks.{1..3}.hook_resid_post\"", "\"0.resid_mid\", \"{0,1..3}.resid_post\""] {
        let sandbox = Sandbox::with(&spec(sites));
        assert_eq!(sandbox.run(&["plan", "spec.toml"]).ok().out.matches(note).count(), 1, "{sites}");
        assert_eq!(sandbox.ran().err.matches(note).count(), 1, "{sites}");
    }
    for sites in [
        "\"{1..4}.resid_post\"",
        "\"{0..2}.resid_post\"",
        "\"{1..3,3}.resid_post\"",
        // Whoever wrote these counts ends as excluded.
        "\"{1..3}.resid_post\", \"{1..4}.resid_mid\"",
        "\"{0..2,2}.resid_post\"",
        "\"{1,2}.resid_post\"",
        "\"resid_post\"",
    ] {
        let said = Sandbox::with(&spec(sites)).run(&["plan", "spec.toml"]).ok().out;
        assert!(!said.contains("is excluded"), "{sites}: {said}");
    }
}
