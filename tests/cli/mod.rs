//! The binary as a user runs it: exit codes, what it prints, what it leaves behind.

mod answer_sets;
mod faults;
mod gpu;
mod help;
mod intervention;
mod join;
mod known;
mod logits;
mod many;
mod measures;
mod new;
mod notes;
mod pair_files;
mod patching;
mod plans;
mod probes;
mod run;
mod self_test;
mod shapes;
mod words;

/// A spec on the built-in model that takes a moment.
const SMALL: &str = r#"
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
select = ["operator", "n", "rate"]

[[table]]
name = "prompts"
from = "accuracy.set"
select = ["text", "answer"]

[[figure]]
name = "bars"
kind = "bars"
from = "accuracy"
x = "operator"
y = "rate"
series = "operator"
band = ["ci_low", "ci_high"]
"#;
