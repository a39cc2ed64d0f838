//! Tables and figures of rows of several measures: refused before any work.

use super::{ablate, folder_with, stderr};

const SPEC: &str = r#"
title = "two measures"

[model]
source = "builtin:arith"

[prompts]
operators = ["+"]
operands = { a = "0..20", b = "0..20" }
sample = 4

[[step]]
name = "eff"
kind = "activation-patching"
sites = ["z[head]"]
positions = ["a", "last"]
measures = ["logit-difference", "kl"]

[run]
store = "off"
"#;

const MAP: &str = "[[figure]]\nname = \"heads\"\nkind = \"heatmap\"\nx = \"head\"\ny = \"layer\"\nvalue = \"mean\"\n";

fn run(more: &str) -> (Option<i32>, String, bool) {
    let folder = folder_with(&format!("{SPEC}\n{more}"));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    (output.status.code(), stderr(&output), folder.path().join("results").exists())
}

#[test]
fn one_number_of_several_measures_is_refused_before_any_work() {
    let by_layer =
        "[[table]]\nname = \"t\"\nfrom = \"eff\"\ngroup_by = [\"layer\"]\naggregate = { x = \"mean(mean)\" }";
    let without = "[[table]]\nname = \"t\"\nfrom = \"eff\"\nselect = [\"layer\", \"head\", \"mean\"]";
    let lines =
        "[[figure]]\nname = \"l\"\nkind = \"lines\"\nx = \"layer\"\ny = \"mean\"\nband = [\"ci_low\", \"ci_high\"]";
    let write = "write where = { measure = \"logit-difference\" }";
    for (more, advice) in [
        (format!("{MAP}from = \"eff\""), format!("{write}, or facet = \"measure\"")),
        (format!("{lines}\nfrom = \"eff\""), format!("{write}, or series = \"measure\"")),
        (by_layer.to_string(), format!("{write}, or 'measure' into group_by")),
        // The column that would tell them apart is no longer there.
        (format!("{without}\n\n{MAP}from = \"t\""), format!("{write} in [[table]] 't'")),
    ] {
        let (code, text, any) = run(&more);
        assert_eq!((code, any), (Some(2), false), "{more}: {text}");
        let problem = "are of 2 measures (logit-difference, kl), and one number would be made of all of them";
        let text = text.replace("\n  | ", " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(problem) && text.contains(&advice), "{more}: {text}");
    }
}

#[test]
fn what_is_of_one_measure_runs_and_says_what_it_averages() {
    let table = "[[table]]\nname = \"t\"\nfrom = \"eff\"\nwhere = { measure = \"kl\" }\n\
                 group_by = [\"layer\"]\naggregate = { x = \"mean(mean)\" }";
    let (code, text, _) = run(&format!("{MAP}from = \"eff\"\nwhere = {{ measure = \"kl\" }}\n\n{table}"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("note: heads: cells are means over 2 positions"), "{text}");
}

#[test]
fn a_ranking_says_what_its_effects_are_means_over() {
    let ranked = "[[step]]\nname = \"circuit\"\nkind = \"ablation\"\ncomponents = []\n\
                  ranked = { from = \"eff\", k = [1], measure = \"kl\" }";
    let (code, text, _) = run(ranked);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("note: circuit: 'mean' of components in 'eff' is a mean over 2 positions"), "{text}");
}

#[test]
fn a_ranking_says_where_there_is_no_number() {
    let ranked = "[[step]]\nname = \"circuit\"\nkind = \"ablation\"\ncomponents = []\n\
                  ranked = { from = \"eff\", k = [1], measure = \"kl\", by = \"(mean - mean) / (mean - mean)\", \
                  where = { position = \"last\" } }";
    let (code, text, _) = run(ranked);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("rows of 'eff': their components come last"), "{text}");
}
