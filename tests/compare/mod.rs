//! Results beside results: the join of tables and its laws, `ablate verify`, `ablate diff`.

mod diff;
mod tables;
mod verify;

use crate::cli::process;
use assert_cmd::Command;
use std::fs;
use std::path::Path;

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

/// A folder with `spec.toml`, and its results in `results/spec`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("spec.toml"), SPEC).expect("writing into it");
    run(folder.path(), &["run", "spec.toml", "--quiet"], 0);
    folder
}

/// Runs the binary, which must end with that code; what it printed.
#[track_caller]
fn run(folder: &Path, args: &[&str], code: i32) -> String {
    let mut command = Command::from_std(process(env!("CARGO_BIN_EXE_ablate"), folder));
    let output = command.args(args).output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    text
}

/// Replaces the first place of a text in a file, which must be there.
#[track_caller]
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("a file of text");
    assert!(text.contains(from), "no {from:?} in {text}");
    fs::write(path, text.replacen(from, to, 1)).expect("writing it");
}
