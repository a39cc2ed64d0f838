//! `baseline`: beside each edited value, the same measure of the run that nothing was done to.

use super::results::Results;
use polars::prelude::*;
use std::collections::HashMap;

const STEPS: &str = r#"
[[step]]
name = "edits"
kind = "intervention"
measures = ["logit-difference", "normalized-logit-difference", "indirect-effect", "kl", "accuracy"]
per_prompt = true
interventions = [
    { name = "nothing", edits = [{ site = "1.mlp_out", value = 0.0, add = true }] },
    { name = "zero", edits = [{ site = "1.mlp_out", value = 0.0 }] },
]

[[step]]
name = "patched"
kind = "activation-patching"
sites = ["3.mlp_out"]
measures = ["logit-difference", "kl"]

[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H0"]
receivers = ["logits"]
measures = ["logit-difference", "kl"]

[[step]]
name = "ablated"
kind = "ablation"
components = ["L0MLP"]
measures = ["faithfulness", "probability", "cross-entropy", "kl", "accuracy"]
per_prompt = true

[[step]]
name = "accuracy"
kind = "accuracy"
per_prompt = true

[[step]]
name = "lens"
kind = "logit-lens"
"#;

/// The values of a column by id and measure, of the rows where another column has a text.
fn by_prompt(rows: &DataFrame, column: &str, only: Option<(&str, &str)>) -> HashMap<(u64, String), f64> {
    let texts = |name: &str| rows.column(name).unwrap().str().unwrap().clone();
    let (measures, ids) = (texts("measure"), rows.column("id").unwrap().cast(&DataType::UInt64).unwrap());
    let (ids, values) = (ids.u64().unwrap(), rows.column(column).unwrap().f64().unwrap());
    let kept = |row: usize| only.is_none_or(|(name, text)| texts(name).get(row) == Some(text));
    let entry = |row: usize| Some(((ids.get(row)?, measures.get(row)?.to_string()), values.get(row)?));
    (0..rows.height()).filter(|&row| kept(row)).filter_map(entry).collect()
}

fn means(results: &Results, step: &str, column: &str, measure: &str) -> Vec<f64> {
    let rows = results.rows(step);
    let measures = rows.column("measure").unwrap().str().unwrap().clone();
    let values = rows.column(column).unwrap().f64().unwrap().clone();
    (0..rows.height()).filter(|&row| measures.get(row) == Some(measure)).map(|row| values.get(row).unwrap()).collect()
}

#[test]
fn the_baseline_is_what_an_edit_of_nothing_measures() {
    let results = Results::of(STEPS);
    let rows = results.rows("edits.prompts");
    let nothing = by_prompt(&rows, "value", Some(("intervention", "nothing")));
    let baseline = by_prompt(&rows, "baseline", Some(("intervention", "zero")));
    let zero = by_prompt(&rows, "value", Some(("intervention", "zero")));
    assert_eq!(baseline.len(), 5 * 10);
    for (key, value) in &baseline {
        assert!((value - nothing[key]).abs() < 1e-6, "{key:?}: {value}, {}", nothing[key]);
    }
    assert!(baseline.iter().any(|(key, value)| (value - zero[key]).abs() > 0.1), "the edit does something");

    // The same prompts and the same contrast in every step: the same runs.
    let differences = means(&results, "edits", "baseline", "logit-difference");
    let of_prompts = |operator: &str| {
        let ids = by_prompt(&rows, "baseline", Some(("operator", operator)));
        let all: Vec<f64> =
            ids.iter().filter(|((_, measure), _)| measure == "logit-difference").map(|(_, value)| *value).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    assert!((differences[0] - of_prompts("+")).abs() < 1e-9, "{differences:?}");
    for step in ["patched", "paths"] {
        let found = means(&results, step, "baseline", "logit-difference");
        assert!(found.iter().all(|value| differences.iter().any(|other| (value - other).abs() < 1e-6)), "{step}");
        assert!(means(&results, step, "baseline", "kl").iter().all(|kl| *kl == 0.0), "{step}");
    }
}

#[test]
fn the_baseline_of_an_ablation_is_the_whole_model() {
    let results = Results::of(STEPS);
    assert!(means(&results, "ablated", "baseline", "faithfulness").iter().all(|value| *value == 1.0));
    assert!(means(&results, "ablated", "baseline", "kl").iter().all(|value| *value == 0.0));
    let rows = results.rows("ablated.prompts");
    let baseline = by_prompt(&rows, "baseline", None);
    for ((id, measure), value) in &baseline {
        if measure == "probability" {
            let entropy = baseline[&(*id, "cross-entropy".to_string())];
            assert!((value.ln() + entropy).abs() < 1e-6, "{value}, {entropy}");
        }
    }
    let correct = results.rows("accuracy.prompts");
    let right = correct.column("first_correct").unwrap().bool().unwrap().clone();
    let share = right.iter().flatten().filter(|right| *right).count() as f64 / right.len() as f64;
    let found = means(&results, "ablated", "baseline", "accuracy");
    assert!((found.iter().sum::<f64>() / found.len() as f64 - share).abs() < 1e-9, "{found:?}, {share}");
    assert!(results.rows("lens").column("baseline").is_err(), "a reading edits nothing");
}
