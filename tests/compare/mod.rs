//! Results beside results: the join of tables and its laws, `ablate verify`, `ablate diff`.

mod diff;
mod tables;
mod verify;

use crate::support::Sandbox;

/// A spec on the built-in model that takes a moment: rows, tables of counts and of means, figures, an expectation.
const SPEC: &str = r#"
title = "small"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..12", b = "1..7" }
operators = ["+", "*"]

[[step]]
name = "accuracy"
kind = "accuracy"
per_prompt = true

[[table]]
name = "rates"
from = "accuracy"
select = ["operator", "n", "correct", "rate", "ci_low", "ci_high"]

[[table]]
name = "by_first"
from = "accuracy.prompts"
group_by = ["operator", "a"]
aggregate = { rate = "mean(correct)", answer = "mean(answer)", n = "count(correct)" }

[[figure]]
name = "rates"
kind = "bars"
from = "rates"
x = "operator"
y = "rate"

[[figure]]
name = "answers"
kind = "lines"
from = "by_first"
x = "a"
y = "answer"
series = "operator"

[[expect]]
name = "addition"
from = "rates"
where = { operator = "+" }
value = "rate"
at_least = 0.5
"#;

/// A sandbox with `spec.toml`, and its results in `results/spec`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(SPEC);
    sandbox.ran();
    sandbox
}
