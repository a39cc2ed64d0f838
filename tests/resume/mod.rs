//! Runs that are killed, and the runs after them.

mod bits;
mod blocks;
mod kills;

use crate::store::{Place, files};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

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
fn start(place: &Place, results: &str) -> Child {
    let dir = format!("output.dir={results}");
    let mut command = place.command(&["run", "spec.toml", "--set", &dir]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts")
}

/// The finished blocks in the store.
fn blocks(place: &Place) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&place.store().join("blocks"), &mut found);
    found.retain(|path| path.extension().is_some_and(|ending| ending == "block"));
    found
}

/// Starts a run and kills it as soon as it has finished `count` more blocks; those that are there then.
pub fn interrupted(place: &Place, count: usize) -> Vec<PathBuf> {
    let mut child = start(place, "killed");
    wait_for(place, blocks(place).len() + count, &mut child);
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    let left = blocks(place);
    assert!(left.len() >= count, "{left:?}");
    left
}

/// Sends a signal: a process that is stopped still holds its locks, and gets no further.
pub fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(status.expect("kill runs").success(), "it was still running");
}

fn wait_for(place: &Place, count: usize, child: &mut Child) {
    let patience = Instant::now();
    while blocks(place).len() < count {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before it had {count} blocks");
        assert!(patience.elapsed() < Duration::from_secs(120), "no {count} blocks");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The numbers in `step 'NAME': N of M blocks from a run that was interrupted`.
fn taken(text: &str, step: &str) -> Option<(usize, usize)> {
    let start = format!("step '{step}': ");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.split_once(" blocks from a run that was interrupted"))?;
    let (taken, total) = line.0.split_once(" of ")?;
    Some((taken.parse().ok()?, total.parse().ok()?))
}

/// A place with a spec.
pub fn long() -> Place {
    Place::with(LONG)
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file")
}
