//! Runs that are killed, and the runs after them.

mod bits;
mod blocks;
mod kills;

use crate::support::{Sandbox, wait_until};
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// A step of many blocks that takes about a second: little memory makes them small.
const LONG: &str = r#"
title = "long"

[run]
memory_mib = 1

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..60", b = "1..40" }
operators = ["+", "-"]
sample = 100

[[step]]
name = "effects"
kind = "neuron-patching"
layers = "1..4"
bootstrap = 0
"#;

/// Starts a run of the spec into a results folder, with no output.
fn start(sandbox: &Sandbox, results: &str) -> Child {
    let dir = format!("output.dir={results}");
    let mut command = sandbox.command(&["run", "spec.toml", "--set", &dir]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts")
}

/// Starts a run and kills it as soon as it has finished `count` more blocks; those that are there then.
pub fn interrupted(sandbox: &Sandbox, count: usize) -> Vec<PathBuf> {
    let mut child = start(sandbox, "killed");
    let enough = sandbox.blocks().len() + count;
    wait_until(&mut child, || sandbox.blocks().len() >= enough);
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    let left = sandbox.blocks();
    assert!(left.len() >= count, "{left:?}");
    left
}

/// The numbers in `step 'NAME': N of M blocks are there from an interrupted run`.
fn taken(text: &str, step: &str) -> Option<(usize, usize)> {
    let start = format!("step '{step}': ");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.split_once(" blocks are there from an interrupted run"))?;
    let (taken, total) = line.0.split_once(" of ")?;
    Some((taken.parse().ok()?, total.parse().ok()?))
}

/// A sandbox with that spec, and a store.
pub fn long() -> Sandbox {
    Sandbox::stored(LONG)
}
