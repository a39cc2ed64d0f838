//! Conventions of models with norms after their blocks and a soft cap of their logits, from a spec to its rows.

use crate::support::{Sandbox, numbers, texts};
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

const MODEL: &str = r#"{"model_type": "gemma2", "num_hidden_layers": 2, "num_attention_heads": 3, "num_key_value_heads": 1,
    "head_dim": 8, "hidden_size": 24, "intermediate_size": 32, "vocab_size": 1200, "max_position_embeddings": 32, "sliding_window": 2,
    "final_logit_softcapping": 0.05, "attn_logit_softcapping": 0.1}"#;

const SPEC: &str = r#"
title = "conventions"
[model]
source = "random:gemma2.json#5"
[prompts]
operands = { a = "0..9", b = "0..9" }
operators = ["+"]
sample = 6
seeds = [0]
[[step]]
name = "after"
kind = "logit-lens"
sites = ["resid_post"]
per_prompt = true
[[step]]
name = "before"
kind = "logit-lens"
sites = ["resid_post"]
soft_cap = "before"
per_prompt = true
[[step]]
name = "frozen"
kind = "logit-attribution"
per_prompt = true
[[step]]
name = "capped"
kind = "logit-attribution"
soft_cap = "after"
norm = "frozen"
per_prompt = true
[[step]]
name = "recomputed"
kind = "logit-attribution"
norm = "recomputed"
per_prompt = true
[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H*"]
receivers = ["L1H*.q", "logits"]
norm = "recomputed"
"#;

/// Values by component, prompt and measure.
fn values(rows: &DataFrame) -> BTreeMap<(String, String, String), f64> {
    let (components, prompts, measures) = (texts(rows, "component"), texts(rows, "text"), texts(rows, "measure"));
    let keys = components
        .into_iter()
        .zip(prompts)
        .zip(measures)
        .map(|((component, prompt), measure)| (component, prompt, measure));
    keys.zip(numbers(rows, "value")).collect()
}

fn names(rows: &DataFrame) -> Vec<String> {
    rows.get_column_names().iter().map(|name| name.to_string()).collect()
}

#[test]
fn conventions_stand_in_rows_and_mean_what_they_say() {
    let sandbox = Sandbox::of(&[("spec.toml", SPEC), ("gemma2.json", MODEL)]);
    sandbox.ran();
    let rows = |name: &str| sandbox.rows(name);
    for (step, norm, cap) in [
        ("after", false, false),
        ("before", false, true),
        ("frozen", false, false),
        ("capped", true, true),
        ("recomputed", true, false),
        ("paths", true, false),
    ] {
        let names = names(&rows(step));
        let there = |column: &str| names.iter().any(|name| name == column);
        assert_eq!((there("norm"), there("soft_cap")), (norm, cap), "{step}: {names:?}");
    }
    assert!(texts(&rows("paths"), "norm").iter().all(|norm| norm == "recomputed"));

    // The cap is between the two lenses.
    let (after, before) = (values(&rows("after.prompts")), values(&rows("before.prompts")));
    let capped = |logit: f64| 0.05 * (logit / 0.05).tanh();
    let logits = before.iter().filter(|((.., measure), _)| measure == "logit");
    let mut moved: f64 = 0.0;
    for (key, logit) in logits {
        assert!((after[key] - capped(*logit)).abs() < 1e-6, "{key:?}: {} and {logit}", after[key]);
        moved = moved.max((after[key] - logit).abs());
    }
    assert!(moved > 1e-3, "a cap that does nothing shows nothing: {moved}");

    // Shares add up to the logit, before the cap and after it; with norms taken anew they do not.
    let rest = |step: &str| {
        let found = values(&rows(&format!("{step}.prompts")));
        let of = |component: &str| -> Vec<f64> {
            found.iter().filter(|((name, ..), _)| name == component).map(|(_, value)| *value).collect()
        };
        let scale = of("total").iter().fold(0.0f64, |most, value| most.max(value.abs()));
        of("rest").iter().fold(0.0f64, |most, value| most.max(value.abs())) / scale
    };
    assert!(rest("frozen") < 1e-4 && rest("capped") < 1e-4, "{} {}", rest("frozen"), rest("capped"));
    assert!(rest("recomputed") > 1e-2, "{}", rest("recomputed"));
}
