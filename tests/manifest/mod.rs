//! The manifest: every field of it is true.

mod content;
mod git;
mod rerun;

use crate::cli::process;
use ablate::manifest::Manifest;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What every spec of these tests is written on top of.
const BASE: &str = r#"title = "of the base"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..12", b = "1..7" }
operators = ["+", "*"]
"#;

/// Steps with a self-check and with prompts of their own, on the built-in model; takes a moment.
const SPEC: &str = r#"extends = "base/common.toml"
title = "provenance"

[prompt_sets.few]
sample = 3
seeds = [7, 8]

[[step]]
name = "accuracy"
kind = "accuracy"
per_prompt = true

[[step]]
name = "effects"
kind = "activation-patching"
prompts = "few"
sites = ["z[head]"]

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

[[expect]]
name = "sums"
from = "rates"
where = { operator = "+", n = ">= 1" }
value = "rate"
at_least = 0.01
"#;

/// A folder with the spec at `experiments/spec.toml`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "experiments/spec.toml", SPEC);
    write(folder.path(), "experiments/base/common.toml", BASE);
    folder
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
    fs::write(path, text).expect("writing into it");
}

fn ablate(folder: &Path, args: &[&str]) -> Command {
    let mut command = process(env!("CARGO_BIN_EXE_ablate"), folder);
    command.args(args);
    command
}

/// Runs a command; it must end with this code. What it printed.
fn ends(code: i32, mut command: Command) -> String {
    let output = command.output().expect("the binary runs");
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// The manifest of the spec's results.
fn manifest(folder: &Path) -> Manifest {
    Manifest::read(&folder.join("results/spec")).expect("a manifest")
}

/// Runs the spec.
fn run(folder: &Path, args: &[&str]) -> Manifest {
    ends(0, ablate(folder, &[&["run", "experiments/spec.toml"], args].concat()));
    manifest(folder)
}
