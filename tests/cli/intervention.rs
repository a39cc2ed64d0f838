//! Step `intervention`: edits written out.

use crate::support::{Sandbox, numbers, says, texts};

const SPEC: &str = r#"
title = "edits"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..40", b = "1..40" }
keep = "correct"
sample = 8

[[step]]
name = "edits"
kind = "intervention"
measures = ["accuracy", "kl"]

[[step.interventions]]
name = "nothing"
edits = [{ site = "0.z", strength = 0.0 }]

[[step.interventions]]
name = "one_edge"
edits = [{ cut = ["L*H*"], positions = ["b"], to = ["a", "="] }]

[[step.interventions]]
name = "other"
edits = [{ site = "3.resid_post", positions = ["="] }]

[[step.interventions]]
name = "blind"
edits = [{ cut = ["L*H*"], positions = ["="], to = ["a", "op", "b"] }]

[[step.interventions]]
name = "alone"
edits = [{ cut = ["L*H*"], positions = ["b", "="], to = ["before"] }]

[[step.interventions]]
name = "alone_by_name"
edits = [
    { cut = ["L*H*"], positions = ["b"], to = ["a", "op"] },
    { cut = ["L*H*"], positions = ["="], to = ["a", "op", "b"] },
]

[[step.interventions]]
name = "several"
edits = [
    { site = "0..2.z[1]", positions = ["="], value = 0 },
    { site = "2.mlp_out", positions = [-1], value = 0, strength = 0.5 },
    { site = "1.resid_pre", value = 0.25, add = true },
]
"#;

fn means(spec: &str) -> Vec<(String, String, f64)> {
    let sandbox = Sandbox::with(spec);
    sandbox.ran();
    let rows = sandbox.rows("edits");
    let names = texts(&rows, "intervention").into_iter().zip(texts(&rows, "measure"));
    names.zip(numbers(&rows, "mean")).map(|((a, b), c)| (a, b, c)).collect()
}

#[test]
fn edits_do_what_they_say() {
    let means = means(SPEC);
    assert_eq!(means.len(), 7 * 4 * 2);
    let of =
        |name: &str| -> Vec<f64> { means.iter().filter(|(one, ..)| one == name).map(|(.., mean)| *mean).collect() };
    assert_eq!(of("alone"), of("alone_by_name"), "before: every position before the one that reads");
    for (intervention, measure, mean) in means {
        let place = format!("{intervention}, {measure}: {mean}");
        match (intervention.as_str(), measure.as_str()) {
            ("nothing", "accuracy") => assert_eq!(mean, 1.0, "{place}"),
            ("nothing", _) => assert!(mean < 1e-6, "{place}"),
            ("other", "accuracy") => assert_eq!(mean, 0.0, "{place}"),
            // A last position that reads nothing but itself cannot know the operands.
            ("blind", "accuracy") => assert!(mean < 0.5, "{place}"),
            (_, "kl") => assert!(mean > 1e-3, "{place}"),
            _ => assert!((0.0..=1.0).contains(&mean), "{place}"),
        }
    }
}

#[test]
fn wrong_edits_are_refused_where_they_stand() {
    let cases = [
        ("site = \"3.resid_post\"", "site = \"4.resid_post\""),
        ("site = \"3.resid_post\"", "site = \"3.resid_pots\""),
        ("cut = [\"L*H*\"], positions = [\"=\"]", "cut = [\"L9H*\"], positions = [\"=\"]"),
        ("cut = [\"L*H*\"], positions = [\"=\"]", "cut = [\"L0MLP\"], positions = [\"=\"]"),
        ("to = [\"a\", \"=\"]", "to = [\"c\"]"),
        ("to = [\"a\", \"=\"]", "to = [\"=\"]"),
        ("positions = [\"b\", \"=\"], to = [\"before\"]", "positions = [0], to = [\"b\"]"),
        ("{ site = \"0.z\", strength = 0.0 }", "{ strength = 0.0 }"),
        ("{ site = \"0.z\", strength", "{ cut = [\"L0H0\"], site = \"0.z\", strength"),
        ("value = 0.25", "value = \"meen\""),
        ("to = [\"a\", \"=\"]", "to = [\"a\"], strength = 0.5"),
        ("to = [\"a\", \"=\"]", "to = [\"a\"], value = 0"),
        ("{ site = \"0.z\", strength = 0.0 }", "{ site = \"0.z\", to = [\"a\"] }"),
    ];
    let refused = cases.map(|(from, to)| Sandbox::with(&SPEC.replace(from, to)).refused());
    insta::assert_snapshot!(refused.join("\n"));
}

const PUSH: &str = r#"
title = "one"
[model]
source = "builtin:arith"
[prompts]
template = "{a}+{b}="
completion = "{good}"
contrast = "{bad}"
slots = { a = [1, 2, 3], b = [4], good = [7], bad = [9] }
[[step]]
name = "steer"
kind = "intervention"
measures = ["logit-difference"]
per_prompt = true
interventions = [
    { name = "nothing", edits = [{ site = "2.resid_pre[5]", strength = 0.0, value = 1.0 }] },
    { name = "push", edits = [{ site = "2.resid_pre[5]", value = 1.0, add = true }] },
    { name = "zero", edits = [{ site = "3.mlp_post", value = 0 }] },
    { name = "mean", edits = [{ site = "3.mlp_post", value = "mean" }] },
    { name = "cut", edits = [{ cut = ["L0H0"], positions = ["last"], to = ["a"] }] },
]
[[step]]
name = "direct"
kind = "logit-attribution"
components = ["L*MLP"]
target = "difference"
"#;

#[test]
fn edits_that_read_no_other_prompt_need_none() {
    // All answers are 7: no prompt has a counterfactual.
    let sandbox = Sandbox::with(PUSH);
    says(sandbox.ran().err, ["no other prompt fits"]);
    let each = sandbox.rows("steer.prompts");
    assert_eq!((each.height(), sandbox.rows("steer.pairs").height()), (15, 0));
    let of = |name: &str| -> Vec<f64> {
        let values = texts(&each, "intervention").into_iter().zip(numbers(&each, "value"));
        values.filter(|(own, _)| own == name).map(|(_, value)| value).collect()
    };
    // One unit of the stream one higher moves the answer.
    assert!(of("nothing").iter().zip(of("push")).all(|(clean, pushed)| (clean - pushed).abs() > 1e-4));
    assert_eq!(of("cut").len(), 3);

    // With other answers there are pairs, and the numbers are the same: nothing was read of them.
    let paired = PUSH.replace("good = [7], bad = [9]", "good = [7, 8], bad = [9]");
    let ran = Sandbox::with(&paired).ran();
    assert!(!ran.err.contains("no other prompt fits"), "{}", ran.err);
}

#[test]
fn measures_that_compare_with_another_answer_need_one() {
    let without = PUSH.replace("contrast = \"{bad}\"\n", "").replace(", bad = [9]", "");
    let without = without.split("[[step]]\nname = \"direct\"").next().unwrap_or_default().to_string();
    let refused = |spec: &str| Sandbox::with(spec).run(&["run", "spec.toml"]).refused();
    says(refused(&without), ["write measures that do not compare with it, such as accuracy and kl"]);
    Sandbox::with(&without.replace("\"logit-difference\"", "\"accuracy\", \"kl\"")).ran();
    let alone = PUSH.split("[[step]]\nname = \"direct\"").next().unwrap_or_default();
    let text = refused(&alone.replace("{ site = \"3.mlp_post\", value = 0 }", "{ site = \"3.mlp_post\" }"));
    says(text, ["has an answer that begins with the same token"]);
    refused(&alone.replace("\"logit-difference\"]\nper", "\"normalized-logit-difference\"]\nper"));
}
