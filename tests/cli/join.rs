//! Tables that join others, from a spec to files.

use super::{SMALL, ablate, folder_with, stderr};
use std::fs;

const JOINED: &str = r#"
[[table]]
name = "wide"
from = "hits"
join = { with = "all", on = ["operator"] }
derive = { missed = "total - hits", share = "hits / total" }

[[table]]
name = "hits"
from = "accuracy.prompts"
where = { correct = true }
group_by = ["operator"]
aggregate = { hits = "count" }

[[table]]
name = "all"
from = "accuracy.prompts"
group_by = ["operator"]
aggregate = { total = "count" }
"#;

#[test]
fn tables_that_a_join_reads_are_made_first() {
    let folder = folder_with(&format!("{SMALL}{JOINED}"));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = |name: &str| fs::read_to_string(folder.path().join(format!("results/spec/tables/{name}.csv")));
    let wide = read("wide").expect("a table");
    assert!(wide.starts_with("operator,hits,total,missed,share\n"), "{wide}");
    let rates = read("rates").expect("a table");
    let rows = wide.lines().skip(1).zip(rates.lines().skip(1));
    for (row, rate) in rows {
        let cell = |line: &str, index: usize| line.split(',').nth(index).and_then(|cell| cell.parse::<f64>().ok());
        assert_eq!(cell(row, 2), cell(rate, 1), "{wide}");
        assert_eq!(cell(row, 4), cell(rate, 2), "the share is the rate: {wide} {rates}");
        assert_eq!(cell(row, 3), Some(cell(row, 2).expect("total") - cell(row, 1).expect("hits")));
    }
    assert_eq!(wide.lines().count(), 3);
}

#[test]
fn columns_of_both_are_checked_before_any_work() {
    let wrong = JOINED.replace("on = [\"operator\"] }", "on = [\"operatr\"] }").replace("total - hits", "totl - hits");
    let folder = folder_with(&format!("{SMALL}{wrong}"));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("no column 'operatr'; write 'operator'"), "{text}");
    assert!(text.contains("join = { with = \"all\", on = [\"operatr\"] }"), "{text}");
    let folder = folder_with(&format!("{SMALL}{}", JOINED.replace("total - hits", "totl - hits")));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    let text = stderr(&output);
    assert!(text.contains("no column 'totl'; write 'total'") && text.contains("spec.toml:"), "{text}");
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
}
