//! Steps that patch, from a spec to rows.

use crate::support::{Sandbox, numbers, says, texts};

const SPEC: &str = r#"
title = "patching"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..40", b = "1..40" }
keep = "correct"
sample = 6
seeds = [42, 412]

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["blocks.*.attn.hook_z[head]", "mlp_post", "1..3.resid_pre"]
positions = ["op", "=", 0]
measures = ["indirect-effect", "log-indirect-effect", "indirect-effect-logits", "logit-difference", "normalized-logit-difference", "kl", "accuracy"]
per_prompt = true

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "3"
"#;

#[test]
fn effects_have_rows_intervals_and_a_self_check() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.ran();
    let effects = sandbox.rows("effects");
    // (16 heads + 4 MLPs + 2 streams) at 3 positions, of 4 operators, in 7 measures.
    assert_eq!(effects.height(), (16 + 4 + 2) * 3 * 4 * 7);
    let (n, mean) = (numbers(&effects, "n"), numbers(&effects, "mean"));
    let (low, high) = (numbers(&effects, "ci_low"), numbers(&effects, "ci_high"));
    let (measure, component, position) =
        (texts(&effects, "measure"), texts(&effects, "component"), texts(&effects, "position"));
    assert_eq!(numbers(&effects, "seeds")[0], 2.0);
    assert!(component.iter().any(|name| name == "L3H2") && component.iter().any(|name| name == "L0MLP"));
    for row in 0..effects.height() {
        let mean = mean[row];
        if mean.is_nan() {
            continue;
        }
        assert_eq!(n[row], 12.0);
        let place = format!("{} at {}: {} = {mean}", component[row], position[row], measure[row]);
        assert!(low[row] <= mean + 1e-9, "{place}");
        assert!(high[row] >= mean - 1e-9, "{place}");
        match measure[row].as_str() {
            "kl" => assert!(mean >= 0.0, "{place}"),
            "accuracy" => assert!((0.0..=1.0).contains(&mean), "{place}"),
            _ => {}
        }
        // The last layer's MLP at an earlier position reaches nothing.
        if component[row] == "L3MLP" && position[row] != "=" && measure[row] == "kl" {
            assert_eq!(mean, 0.0, "{place}");
        }
    }
    assert_eq!(sandbox.rows("effects.prompts").height(), (16 + 4 + 2) * 3 * 7 * 48);
    assert_eq!(sandbox.rows("effects.pairs").height(), 48);
    assert_eq!(sandbox.rows("neurons").height(), 256 * 4);

    let manifest = sandbox.json("results/spec/manifest.json");
    let checks = manifest["self_checks"].as_array().expect("checks");
    let of_interventions: Vec<_> = checks.iter().filter(|check| check.get("of").is_none()).collect();
    assert_eq!(of_interventions.len(), 2);
    for check in of_interventions {
        assert!(check["rows"].as_u64() >= Some(8), "{check}");
        assert!(check["largest_difference"].as_f64().expect("a number") <= check["tolerance"].as_f64().expect("one"));
    }
}

/// Where prompts have several templates, what is said of one names it, and what two say alike is said once.
#[test]
fn templates_are_named_in_progress_and_self_checks() {
    let spec = r#"
title = "templates"
[model]
source = "builtin:arith"
[prompts]
operators = ["+"]
operands = { a = "0..40", b = "0..40" }
sample = 30
template = { one = "{a}{op}{b}=", two = "{a}{op}{b}=" }
[[step]]
name = "effects"
kind = "activation-patching"
sites = ["2.mlp_post"]
[[step]]
name = "circuit"
kind = "ablation"
components = ["L1H0"]
"#;
    let sandbox = Sandbox::with(spec);
    let said = sandbox.ran().err;
    let means = "circuit: model: template 'one': means are over";
    says(&said, ["effects: model, one: 30/30 rows", "effects: model, two: 30/30 rows", "circuit: model, two: ", means]);
    assert!(!said.contains("(; )"), "{said}");
    let checks = sandbox.json("results/spec/manifest.json")["self_checks"].clone();
    let templates: Vec<&str> =
        checks.as_array().expect("checks").iter().filter_map(|check| check["template"].as_str()).collect();
    assert_eq!(templates, ["one", "two", "one", "two"]);
    let report = sandbox.read("results/spec/report.md");
    says(&report, ["step 'effects', model 'model', template 'two': 8 interventions recomputed from scratch"]);
    // Of one template nobody asks which.
    let one = spec.replace("template = { one = \"{a}{op}{b}=\", two = \"{a}{op}{b}=\" }", "template = \"{a}{op}{b}=\"");
    let sandbox = Sandbox::with(&one);
    says(&sandbox.ran().err, ["effects: model: 30/30 rows"]);
    assert!(sandbox.json("results/spec/manifest.json")["self_checks"][0].get("template").is_none());
}

/// Patching the whole stream at the last position before the last layer's end, or denoising, moves the answer as it must.
#[test]
fn patching_the_last_stream_gives_the_other_answer() {
    let spec = r#"
title = "whole"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..40", b = "1..40" }
keep = "correct"
sample = 6
[[step]]
name = "noising"
kind = "activation-patching"
sites = ["3.resid_post"]
measures = ["accuracy", "normalized-logit-difference"]
[[step]]
name = "denoising"
kind = "activation-patching"
sites = ["3.resid_post"]
direction = "denoising"
measures = ["accuracy", "normalized-logit-difference"]
"#;
    let sandbox = Sandbox::with(spec);
    sandbox.ran();
    for name in ["noising", "denoising"] {
        let rows = sandbox.rows(name);
        for (measure, mean) in texts(&rows, "measure").iter().zip(numbers(&rows, "mean")) {
            // The other run's answer is another, and the logit difference is wholly that run's.
            let expected = if measure == "accuracy" { 0.0 } else { 1.0 };
            assert!((mean - expected).abs() < 1e-4, "{name}: {measure} {mean:?}");
        }
    }
}

#[test]
fn the_same_rows_whatever_the_memory() {
    let read = |memory: &str| {
        let sandbox = Sandbox::with(SPEC);
        let set = format!("run.memory_mib={memory}");
        sandbox.run(&["run", "spec.toml", "--set", &set]).ok();
        numbers(&sandbox.rows("neurons"), "mean")
    };
    let (much, little) = (read("1024"), read("16"));
    for (a, b) in much.iter().zip(&little) {
        assert!((a - b).abs() <= 1e-4 * a.abs().max(1e-2), "{a} {b}");
    }
}

#[test]
fn neurons_by_attribution_are_those_of_attribution_patching() {
    let approximate = SPEC.replace("layers = \"3\"", "layers = \"3\"\nmethod = \"attribution\"");
    let spec = format!(
        "{approximate}\n[[step]]\nname = \"gradients\"\nkind = \"attribution-patching\"\nsites = [\"3.mlp_post[neuron]\"]\n"
    );
    let sandbox = Sandbox::with(&spec);
    sandbox.ran();
    let (neurons, gradients) = (sandbox.rows("neurons"), sandbox.rows("gradients"));
    assert_eq!(neurons.get_column_names(), gradients.get_column_names());
    let bits = |frame| -> Vec<u64> { numbers(frame, "mean").into_iter().map(f64::to_bits).collect() };
    assert_eq!(bits(&neurons), bits(&gradients));

    says(
        Sandbox::with(&format!("{approximate}measures = [\"kl\"]\n")).refused(),
        ["approximates the indirect effect alone"],
    );
}

#[test]
fn wrong_places_are_refused_where_they_stand() {
    let cases = [
        ("\"mlp_post\"", "\"mlp_posst\""),
        ("\"mlp_post\"", "\"blocks.*.hook_mlp_outt\""),
        ("\"mlp_post\"", "\"7.mlp_post\""),
        ("\"mlp_post\"", "\"3.z[9]\""),
        ("\"mlp_post\"", "\"mlp_post[256]\""),
        ("\"mlp_post\"", "\"mlp_post[head]\""),
        ("\"mlp_post\"", "\"rot_q\""),
        ("\"op\"", "\"opp\""),
        ("0]", "4]"),
        ("layers = \"3\"", "layers = \"3..9\""),
        ("\"kl\"", "\"klm\""),
    ];
    let refused = cases.map(|(from, to)| Sandbox::with(&SPEC.replace(from, to)).refused());
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn a_plan_counts_before_anything_runs() {
    let sandbox = Sandbox::with(SPEC);
    let text = sandbox.run(&["plan", "spec.toml"]).ok().out;
    let line = text.lines().find(|line| line.starts_with("neurons")).expect("a line per step");
    // 256 neurons on 2 draws of 6 prompts of 4 operators; each as a whole pass, and the prompts and their counterfactuals.
    assert!(line.contains(" 12288 "), "{text}");
    assert!(!sandbox.has("results"), "a plan writes nothing");
    let wrong = SPEC.replace("layers = \"3\"", "layers = \"9\"");
    sandbox.write("spec.toml", wrong);
    sandbox.run(&["plan", "spec.toml"]).refused();
}
