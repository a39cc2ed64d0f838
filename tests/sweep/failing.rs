//! What fails stops what depends on it, and nothing else.

use super::Place;
use serde_json::Value;
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
pub fn in_the_way(place: &Place, results: &str, step: &str) {
    fs::create_dir_all(place.path(results).join("rows").join(format!("{step}.parquet"))).unwrap();
}

#[test]
fn a_step_stops_what_reads_its_rows_and_nothing_else() {
    let place = Place::with(&[("parts.toml", SPEC)]);
    in_the_way(&place, "results/parts", "effects");
    let ended = place.ablate(&["run", "parts.toml"]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    for made in ["tables/rates.csv", "figures/rates.svg", "rows/accuracy.parquet", "report.md"] {
        assert!(place.has(&format!("results/parts/{made}")), "{made} is missing: {}", ended.text);
    }
    for stopped in ["tables/heads.csv", "tables/best.csv", "figures/heads.svg", "rows/circuit.parquet"] {
        assert!(!place.has(&format!("results/parts/{stopped}")), "{stopped}");
    }
    let skipped = "step 'circuit', table 'heads', table 'best', figure 'heads', expectation 'strongest'";
    let end = ended.text.split("error: rows 'effects': cannot write").nth(1).unwrap_or_default();
    assert!(end.contains(&format!("not made because step 'effects' failed: {skipped}")), "{}", ended.text);
    let report = place.read("results/parts/report.md");
    assert!(
        report.contains("**step 'effects'** failed:") && report.contains("rows 'effects': cannot write"),
        "{report}"
    );
    assert!(report.contains(&format!("Not made because of it: {skipped}.")), "{report}");
    assert!(report.contains("![rates](figures/rates.svg)") && report.contains("| addition |"), "{report}");
    let manifest: Value = serde_json::from_str(&place.read("results/parts/manifest.json")).unwrap();
    let told = manifest.to_string();
    assert!(told.contains("rows 'effects': cannot write") && told.contains("expectation 'strongest'"), "{told}");
}

#[test]
fn a_table_or_figure_stops_only_what_reads_it() {
    let pivot =
        "name = \"heads\"\nfrom = \"effects\"\npivot = { index = [\"layer\"], on = \"head\", values = \"mean\" }\n";
    let spec = SPEC.replace("name = \"heads\"\nfrom = \"effects\"\nwhere = { site = \"attn.hook_z\" }\n", pivot);
    let spec =
        spec.replace("x = \"operator\"\ny = \"rate\"", "x = \"operator\"\ny = \"rate\"\nwhere = { operator = \"-\" }");
    assert_ne!(spec, SPEC);
    let place = Place::with(&[("parts.toml", &spec)]);
    let ended = place.ablate(&["run", "parts.toml", "--quiet"]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("rows have layer = "), "{}", ended.text);
    let skipped = "not made because table 'heads' failed: table 'best', expectation 'strongest'";
    assert!(ended.text.contains(skipped), "{}", ended.text);
    assert!(place.has("results/parts/rows/circuit.parquet") && place.has("results/parts/figures/heads.svg"));
    assert!(place.has("results/parts/tables/rates.csv") && !place.has("results/parts/tables/heads.csv"));
}

#[test]
fn the_end_of_many_specs_says_how_each_ended() {
    let expected = SPEC.replace("at_least = 0.5", "at_least = 1.5");
    let other = SPEC.replace("positions = [\"last\"]", "positions = [\"b\"]");
    let place = Place::with(&[("a.toml", SPEC), ("b.toml", &expected), ("c.toml", &other)]);
    in_the_way(&place, "results/c", "effects");
    let ended = place.ablate(&["run", "a.toml", "b.toml", "c.toml"]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    let row = |spec: &str| -> Vec<String> {
        let line = ended.text.lines().rfind(|line| line.starts_with(&format!("{spec} ")));
        line.unwrap_or_else(|| panic!("no line of {spec}: {}", ended.text))
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
    let end = ended.text.rsplit("outcome").next().unwrap_or_default();
    assert!(end.contains("b.toml:\nerror: 1 of 2 expectations differ"), "{end}");
    assert!(end.contains("c.toml:\nerror: rows 'effects'") && end.ends_with("2 of 3 specs failed\n"), "{end}");
}
