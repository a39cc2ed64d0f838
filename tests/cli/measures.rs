//! Tables and figures of rows of several measures: refused before any work.

use crate::support::{Sandbox, flowing, says};

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

fn sandbox(more: &str) -> Sandbox {
    Sandbox::with(&format!("{SPEC}\n{more}"))
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
        let problem = "hold 2 measures (logit-difference, kl), which would be averaged into one number";
        says(flowing(&sandbox(&more).refused()), [problem, advice.as_str()]);
    }
}

#[test]
fn what_is_of_one_measure_runs_and_says_what_it_averages() {
    let table = "[[table]]\nname = \"t\"\nfrom = \"eff\"\nwhere = { measure = \"kl\" }\n\
                 group_by = [\"layer\"]\naggregate = { x = \"mean(mean)\" }";
    says(
        sandbox(&format!("{MAP}from = \"eff\"\nwhere = {{ measure = \"kl\" }}\n\n{table}")).ran().err,
        ["note: heads: cells are means over 2 positions"],
    );
}

#[test]
fn a_ranking_says_what_its_effects_are_means_over() {
    let ranked = "[[step]]\nname = \"circuit\"\nkind = \"ablation\"\ncomponents = []\n\
                  ranked = { from = \"eff\", k = [1], measure = \"kl\" }";
    says(sandbox(ranked).ran().err, ["note: circuit: 'mean' of components in 'eff' is a mean over 2 positions"]);
}

#[test]
fn a_ranking_says_where_there_is_no_number() {
    let ranked = "[[step]]\nname = \"circuit\"\nkind = \"ablation\"\ncomponents = []\n\
                  ranked = { from = \"eff\", k = [1], measure = \"kl\", by = \"(mean - mean) / (mean - mean)\", \
                  where = { position = \"last\" } }";
    says(sandbox(ranked).ran().err, ["rows of 'eff': their components come last"]);
}
