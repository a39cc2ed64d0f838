//! The binary as a user runs it: exit codes, what it prints, what it leaves behind.

mod faults;
mod help;
mod intervention;
mod join;
mod known;
mod logits;
mod many;
mod measures;
mod new;
mod notes;
mod patching;
mod plans;
mod probes;
mod run;
mod self_test;
mod words;

use assert_cmd::Command;
use std::path::Path;

/// The binary, in a folder of its own, without the surroundings' settings.
fn ablate(folder: &Path) -> Command {
    Command::from_std(process(env!("CARGO_BIN_EXE_ablate"), folder))
}

/// Any program, likewise.
pub fn process(program: &str, folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ABLATE_") || name.starts_with("HF_")) {
        command.env_remove(name);
    }
    // Results of one test, or of the user, are none of another's business.
    command.env("ABLATE_CACHE", "off");
    command
}

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

/// A folder with `spec.toml` in it.
fn folder_with(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("spec.toml"), spec).expect("writing into it");
    folder
}

/// Standard error of a finished command.
fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
