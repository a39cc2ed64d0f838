//! What runs compute a second time of their own prompts, and what they say of it.

use crate::support::{Sandbox, says};
use serde_json::Value;

/// 40 prompts of each operator in each template.
const SPEC: &str = r#"
title = "second times"
[model]
source = "builtin:arith"
[prompts]
operators = ["+", "-"]
operands = { a = "20..40", b = "0..20" }
sample = 40
template = { one = "{a}{op}{b}=", two = "{a}{op}{b}=" }
[[step]]
name = "accuracy"
kind = "accuracy"
[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_pre"]
[[step]]
name = "lens"
kind = "logit-lens"
[[step]]
name = "direct"
kind = "logit-attribution"
components = ["L0H*"]
[[step]]
name = "effects"
kind = "activation-patching"
sites = ["2.mlp_post"]
[[step]]
name = "circuit"
kind = "ablation"
components = ["L1H0"]
[[step]]
name = "texts"
kind = "generate"
max_new_tokens = 1
[[step]]
name = "surprise"
kind = "loss"
"#;

/// The checks of each step: what was computed a second time, and how often.
fn checks(sandbox: &Sandbox, step: &str) -> Vec<(String, u64)> {
    let manifest = sandbox.json("results/spec/manifest.json");
    let checks = manifest["self_checks"].as_array().expect("checks").iter().filter(|check| check["step"] == step);
    checks
        .map(|check| {
            let difference = check["largest_difference"].as_f64().expect("a difference");
            assert!(difference <= check["tolerance"].as_f64().expect("a tolerance"), "{check}");
            let of = check.get("of").map_or("interventions", |of| of.as_str().expect("a text"));
            (of.to_string(), check["rows"].as_u64().expect("a number"))
        })
        .collect()
}

#[test]
fn prompts_in_batches_are_compared_with_the_same_alone() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.ran();
    // One in 32 of 160 prompts, four at most: the shortest, the longest, and two between.
    let prompts = || ("prompts".to_string(), 4);
    let [interventions, texts] = ["interventions", "texts"].map(|of| move |rows| (of.to_string(), rows));
    for step in ["accuracy", "acts", "lens", "direct"] {
        assert_eq!(checks(&sandbox, step), [prompts()], "{step}");
    }
    for step in ["effects", "circuit"] {
        assert_eq!(checks(&sandbox, step), [interventions(8), interventions(8), prompts()], "{step}");
    }
    for step in ["texts", "surprise"] {
        assert_eq!(checks(&sandbox, step), [texts(2), texts(2)], "{step}");
    }
    says(
        sandbox.report(),
        [
            "- step 'accuracy', model 'model': 4 prompts run alone and in batches, largest difference of a logit ",
            "- step 'texts', model 'model', template 'two': 2 texts run alone and beside others, largest difference",
        ],
    );
    // A manifest says what it always said of interventions, and those of older versions are read.
    let manifest = sandbox.json("results/spec/manifest.json");
    let all = manifest["self_checks"].as_array().expect("checks");
    let of = |check: &&Value| check["step"] == "effects" && check.get("of").is_none();
    assert_eq!(all.iter().filter(of).count(), 2);
}

/// A prompt that is by itself is run alone already.
#[test]
fn a_single_prompt_is_not_run_twice() {
    let spec = SPEC.replace("a = \"20..40\", b = \"0..20\"", "a = [23], b = [14]").replace("sample = 40\n", "");
    let spec = spec.replace("operators = [\"+\", \"-\"]", "operators = [\"+\"]");
    let spec = spec.split("[[step]]\nname = \"effects\"").next().expect("the first steps").to_string();
    let sandbox = Sandbox::with(&spec.replace("{ one = \"{a}{op}{b}=\", two = \"{a}{op}{b}=\" }", "\"{a}{op}{b}=\""));
    sandbox.ran();
    assert!(sandbox.json("results/spec/manifest.json")["self_checks"].as_array().is_some_and(Vec::is_empty));
}
