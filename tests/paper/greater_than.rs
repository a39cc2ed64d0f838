//! Greater-than on SmolLM2 (Hanna et al. 2023): the committed effects beside plain PyTorch hooks (tests/fixtures/papers/greater_than.py), the specs, and what is written of them.
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored paper::greater_than

use super::fixture;
use super::rows::Results;
use crate::support::{Sandbox, numbers, repository, texts};
use ablate::spec;

/// Probability differences lie between −1 and 1.
const TOLERANCE: f64 = 2e-5;

#[test]
fn effects_of_greater_than_are_those_of_hooks_on_transformers() {
    let fixture = fixture("greater_than");
    let results = Results::of("greater-than");
    for name in ["decade", "year"] {
        let effects = fixture[name]["effects"].as_object().expect("effects");
        // Both runs, all MLPs, and the heads of four layers.
        assert_eq!(effects.len(), 2 + 30 + 4 * 9, "{name}");
        let rows = results.rows(name, "effects");
        for (component, expected) in effects {
            let expected = expected[0].as_f64().expect("a number");
            let found = match component.as_str() {
                "clean" | "start_01" => {
                    let run = if component == "clean" { "as_it_is" } else { "start_01" };
                    let differences = results.rows(name, "differences");
                    differences.of(&[&format!("intervention={run}"), "measure=probability-difference"]).number("mean")
                }
                _ => rows.of(&[&format!("component={component}")]).number("mean"),
            };
            assert!((found - expected).abs() < TOLERANCE, "{name}, {component}: {found} is not {expected}");
        }
    }
}

/// The prompts of a spec, with those of its steps that the fixture has: the task, all MLPs, and the heads of four layers.
fn few_steps(name: &str, write: &str) -> String {
    let text = std::fs::read_to_string(repository(&format!("experiments/greater-than/{name}.toml"))).expect("a spec");
    let prompts = &text[text.find("[prompts]").expect("prompts")..text.find("[[step]]").expect("steps")];
    let model = repository("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let shared =
        format!("prompts = \"asked\"\nmeasures = [\"probability-difference\"]\ncounterfactual.write = {write}");
    format!(
        r#"
title = "{name}"

[model]
source = {model:?}

{prompts}
[[step]]
name = "task"
kind = "intervention"
{shared}
interventions = [
    {{ name = "clean", edits = [{{ site = "0.resid_pre", positions = ["last"], value = "counterfactual", strength = 0.0 }}] }},
    {{ name = "start_01", edits = [{{ site = "0.resid_pre", positions = ["all"], value = "counterfactual" }}] }},
]

[[step]]
name = "components"
kind = "activation-patching"
{shared}
sites = ["{{6,20,23,29}}.z[head]", "mlp_out"]
positions = ["last"]
"#
    )
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn heads_and_mlps_that_are_replaced_are_those_of_hooks_on_transformers() {
    let fixture = fixture("greater_than");
    for (name, write) in [("decade", "{ start = 1, ones = 1 }"), ("year", "{ start = 0 }")] {
        let sandbox = Sandbox::with(&few_steps(name, write));
        sandbox.ran();
        let (task, components) = (sandbox.rows("task"), sandbox.rows("components"));
        let names = [texts(&task, "intervention"), texts(&components, "component")].concat();
        let means = [numbers(&task, "mean"), numbers(&components, "mean")].concat();
        let effects = fixture[name]["effects"].as_object().expect("effects");
        assert_eq!(names.len(), effects.len(), "{name}");
        for (component, found) in names.iter().zip(means) {
            let expected = effects[component][0].as_f64().expect("a number");
            assert!((found - expected).abs() < TOLERANCE, "{name}, {component}: {found} is not {expected}");
        }
    }
}

/// The spec for GPT-2 small, whose weights are not at hand, is right in all that can be told without them.
#[test]
fn greater_than_on_gpt2_is_a_right_spec() {
    for name in ["decade", "year", "models/gpt2-small"] {
        let path = repository(&format!("experiments/greater-than/{name}.toml"));
        let loaded = spec::load(&path, &[], std::iter::empty()).unwrap_or_else(|errors| panic!("{errors}"));
        ablate::check::before_models(&loaded).unwrap_or_else(|error| panic!("{name}: {}", error.render(false)));
    }
}

/// Numbers of the README, each as its table has it.
#[test]
fn the_readme_of_greater_than_says_what_its_tables_say() {
    let readme = std::fs::read_to_string(repository("experiments/greater-than/README.md")).expect("a page");
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let results = Results::of("greater-than");
    let mut claims = Vec::new();
    for (name, called) in [("decade", "the decade"), ("year", "the year")] {
        let differences = results.rows(name, "differences");
        let of = |run: &str, measure: &str| {
            differences.of(&[&format!("intervention={run}"), &format!("measure={measure}")]).number("mean")
        };
        let kept = results.rows(name, "kept");
        let distance = results.rows(name, "distance");
        let after = |away: &str| distance.of(&[&format!("after={away}")]).number("probability");
        let shown = |number: f64| format!("{number:.3}").replace('-', "−");
        let [clean, other, sharp] = [
            of("as_it_is", "probability-difference"),
            of("start_01", "probability-difference"),
            after("1.0") - after("-1.0"),
        ]
        .map(shown);
        claims.push(format!("| {called} | {clean} | {other} | {sharp} |"));
        let at = |k: &str, column: &str| shown(kept.of(&[&format!("k={k}")]).number(column));
        let [none, three, twelve, others] =
            [at("0", "mean"), at("3", "mean"), at("12", "mean"), at("12", "control_mean")];
        claims.push(format!("| {called} | {none} | {three} | {twelve} | {others} |"));
        let strongest = results.text(&format!("{name}/tables/strongest.csv"));
        for line in strongest.split(' ').skip(1).take(5) {
            let cells: Vec<&str> = line.split(',').collect();
            let change: f64 = cells[5].parse().expect("a number");
            claims.push(format!("{} {}", cells[0], shown(change)));
        }
    }
    let missing: Vec<&String> = claims.iter().filter(|claim| !readme.contains(claim.as_str())).collect();
    assert!(missing.is_empty(), "the README does not say what the tables do:\n{missing:#?}");
}
