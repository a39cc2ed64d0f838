//! What fails stops what depends on it, and nothing else.

use crate::support::{Sandbox, says};
use std::fs;

pub const SPEC: &str = r#"
title = "parts"
model.source = "builtin:arith"
prompts = { operands = { a = "0..12", b = "1..7" }, operators = ["+", "*"], sample = 10 }

[[step]]
name = "circuit"
kind = "ablation"
ranked = { from = "effects", k = [1, 2] }
measures = ["accuracy"]

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["mlp_post", "z[head]"]
positions = ["last"]

[[step]]
name = "accuracy"
kind = "accuracy"

[[table]]
name = "best"
from = "heads"
sort = ["-mean"]
head = 1

[[table]]
name = "heads"
from = "effects"
where = { site = "attn.hook_z" }

[[table]]
name = "rates"
from = "accuracy"
select = ["operator", "rate"]

[[figure]]
name = "heads"
kind = "heatmap"
from = "effects"
where = { site = "attn.hook_z" }
x = "head"
y = "layer"
value = "mean"

[[figure]]
name = "rates"
kind = "bars"
from = "rates"
x = "operator"
y = "rate"

[[expect]]
name = "addition"
from = "rates"
where = { operator = "+" }
value = "rate"
at_least = 0.5

[[expect]]
name = "strongest"
from = "best"
value = "mean"
at_least = 0
"#;

/// The rows of a step cannot be written: a folder has their name.
pub fn in_the_way(sandbox: &Sandbox, results: &str, step: &str) {
    fs::create_dir_all(sandbox.at(format!("{results}/rows/{step}.parquet"))).unwrap();
}

#[test]
fn a_step_stops_what_reads_its_rows_and_nothing_else() {
    let sandbox = Sandbox::of(&[("parts.toml", SPEC)]);
    in_the_way(&sandbox, "results/parts", "effects");
    let ended = sandbox.run(&["run", "parts.toml"]).ends(1);
    for made in ["tables/rates.csv", "figures/rates.svg", "rows/accuracy.parquet", "report.md"] {
        assert!(sandbox.has(format!("results/parts/{made}")), "{made} is missing: {}", ended.err);
    }
    for stopped in ["tables/heads.csv", "tables/best.csv", "figures/heads.svg", "rows/circuit.parquet"] {
        assert!(!sandbox.has(format!("results/parts/{stopped}")), "{stopped}");
    }
    let skipped = "step 'circuit', table 'heads', table 'best', figure 'heads', expectation 'strongest'";
    let end = ended.err.split("error: rows 'effects': cannot write").nth(1).unwrap_or_default();
    assert!(end.contains(&format!("skipped because step 'effects' failed: {skipped}")), "{}", ended.err);
    let report = sandbox.read("results/parts/report.md");
    says(&report, ["**step 'effects'** failed:", "rows 'effects': cannot write"]);
    assert!(report.contains(&format!("Skipped because of this: {skipped}.")), "{report}");
    says(&report, ["![rates](figures/rates.svg)", "| addition |"]);
    let told = sandbox.json("results/parts/manifest.json").to_string();
    says(&told, ["rows 'effects': cannot write", "expectation 'strongest'"]);
}

#[test]
fn a_table_or_figure_stops_only_what_reads_it() {
    let pivot =
        "name = \"heads\"\nfrom = \"effects\"\npivot = { index = [\"layer\"], on = \"head\", values = \"mean\" }\n";
    let spec = SPEC.replace("name = \"heads\"\nfrom = \"effects\"\nwhere = { site = \"attn.hook_z\" }\n", pivot);
    let spec =
        spec.replace("x = \"operator\"\ny = \"rate\"", "x = \"operator\"\ny = \"rate\"\nwhere = { operator = \"-\" }");
    assert_ne!(spec, SPEC);
    let sandbox = Sandbox::of(&[("parts.toml", &spec)]);
    let ended = sandbox.run(&["run", "parts.toml", "--quiet"]).ends(1);
    assert!(ended.err.contains("rows have layer = "), "{}", ended.err);
    let skipped = "skipped because table 'heads' failed: table 'best', expectation 'strongest'";
    assert!(ended.err.contains(skipped), "{}", ended.err);
    assert!(sandbox.has("results/parts/rows/circuit.parquet") && sandbox.has("results/parts/figures/heads.svg"));
    assert!(sandbox.has("results/parts/tables/rates.csv") && !sandbox.has("results/parts/tables/heads.csv"));
}

#[test]
fn the_end_of_many_specs_says_how_each_ended() {
    let expected = SPEC.replace("at_least = 0.5", "at_least = 1.5");
    let other = SPEC.replace("positions = [\"last\"]", "positions = [\"b\"]");
    let sandbox = Sandbox::of(&[("a.toml", SPEC), ("b.toml", &expected), ("c.toml", &other)]);
    in_the_way(&sandbox, "results/c", "effects");
    let ended = sandbox.run(&["run", "a.toml", "b.toml", "c.toml"]).ends(1);
    let row = |spec: &str| -> Vec<String> {
        let line = ended.err.lines().rfind(|line| line.starts_with(&format!("{spec} ")));
        line.unwrap_or_else(|| panic!("no line of {spec}: {}", ended.err))
            .split_whitespace()
            .map(String::from)
            .collect()
    };
    let (a, b, c) = (row("a.toml"), row("b.toml"), row("c.toml"));
    assert_eq!(
        (&a[1..3], &a[4..]),
        (&["3", "0"].map(String::from)[..], &["2", "of", "2", "done"].map(String::from)[..])
    );
    assert_eq!(
        (&b[1..3], &b[4..]),
        (&["0", "3"].map(String::from)[..], &["1", "of", "2", "differs"].map(String::from)[..])
    );
    assert_eq!(c[1..3], ["1", "1"].map(String::from), "the accuracy of another spec is taken");
    assert_eq!(c[4..], ["1", "of", "1", "1", "failed,", "5", "skipped"].map(String::from));
    let end = ended.err.rsplit("outcome").next().unwrap_or_default();
    assert!(end.contains("b.toml:\nerror: 1 of 2 expectations is not met"), "{end}");
    assert!(end.contains("c.toml:\nerror: rows 'effects'") && end.ends_with("2 of 3 specs failed\n"), "{end}");
}
