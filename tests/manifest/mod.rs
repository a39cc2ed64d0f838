//! The manifest: every field of it is true.

mod content;
mod git;
mod rerun;
mod self_checks;

use crate::support::Sandbox;
use ablate::manifest::Manifest;

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

/// A sandbox with the spec at `experiments/spec.toml`.
fn sandbox() -> Sandbox {
    Sandbox::of(&[("experiments/spec.toml", SPEC), ("experiments/base/common.toml", BASE)])
}

/// The manifest of the spec's results.
fn manifest(sandbox: &Sandbox) -> Manifest {
    Manifest::read(&sandbox.at("results/spec")).expect("a manifest")
}

/// Runs the spec.
fn run(sandbox: &Sandbox, args: &[&str]) -> Manifest {
    sandbox.run(&[&["run", "experiments/spec.toml"], args].concat()).ok();
    manifest(sandbox)
}
