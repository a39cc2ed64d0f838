//! Tables that join others, from a spec to files.

use super::SMALL;
use crate::support::{Sandbox, says};

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
    let sandbox = Sandbox::with(&format!("{SMALL}{JOINED}"));
    sandbox.ran();
    let wide = sandbox.table("wide");
    assert!(wide.starts_with("operator,hits,total,missed,share\n"), "{wide}");
    let rates = sandbox.table("rates");
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
    let sandbox = Sandbox::with(&format!("{SMALL}{wrong}"));
    let text = sandbox.run(&["run", "spec.toml"]).refused();
    says(&text, ["no column 'operatr'; write 'operator'", "join = { with = \"all\", on = [\"operatr\"] }"]);
    let sandbox = Sandbox::with(&format!("{SMALL}{}", JOINED.replace("total - hits", "totl - hits")));
    let ran = sandbox.run(&["run", "spec.toml"]);
    let text = ran.err;
    says(&text, ["no column 'totl'; write 'total'", "spec.toml:"]);
    assert!(!sandbox.has("results"), "no work before the refusal");
}
