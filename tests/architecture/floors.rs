//! Rooms know those on lower floors alone.

use super::sources::{Module, Source, Sources};
use std::collections::BTreeSet;

/// From the ground up: each knows only those before it. Data flows from `spec` to `cli`; a service of the machine is at the bottom,
/// what knows the whole program is at the top.
pub const FLOORS: [&str; 37] = [
    "counted",
    "system",
    "random",
    "kernel",
    "measure",
    "spec",
    "bundled",
    "heuristic",
    "probe",
    "model",
    "direction",
    "intervene",
    "table",
    "prompt",
    "figure",
    "expectation",
    "manifest",
    "error",
    "results",
    "resume",
    "context",
    "cost",
    "step",
    "store",
    "variants",
    "check",
    "plan",
    "run",
    "shard",
    "cluster",
    "report",
    "reference",
    "experiment",
    "prelude",
    "self_test",
    "compare",
    "cli",
];

/// The crate's root, which hands on the error.
fn is_root(module: &Module) -> bool {
    module.is_empty()
}

pub fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|other| *other == room)
}

#[test]
fn every_room_has_its_floor_and_every_floor_its_room() {
    let sources = Sources::read();
    let rooms: BTreeSet<&str> = sources.each().filter(|source| !is_root(&source.module)).map(Source::room).collect();
    assert_eq!(rooms, FLOORS.into_iter().collect());
}

#[test]
fn a_room_takes_from_lower_floors_alone() {
    let sources = Sources::read();
    let mut upwards = Vec::new();
    for (module, takes) in sources.takes().into_iter().filter(|(module, _)| !is_root(module)) {
        for other in takes.into_iter().filter(|other| !is_root(other) && other[0] != module[0]) {
            if floor(&other[0]) > floor(&module[0]) {
                upwards.push(format!("{} takes from {}", module.join("/"), other.join("/")));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

/// The readers of these tests see what is there: a file that is known to take from two others.
#[test]
fn imports_are_found() {
    let sources = Sources::read();
    let takes = sources.takes();
    let of = |module: &[&str]| module.iter().map(ToString::to_string).collect::<Module>();
    let experiment = &takes[&of(&["experiment"])];
    for other in [&["figure"][..], &["run", "steps"], &["system", "interrupt"], &["error"]] {
        assert!(experiment.contains(&of(other)), "{other:?}: {experiment:?}");
    }
}

#[test]
fn every_file_begins_with_what_it_is_about() {
    let sources = Sources::read();
    let silent: Vec<String> =
        sources.each().filter(|source| source.about.is_empty()).map(|source| source.module.join("/")).collect();
    assert!(silent.is_empty(), "without a first line `//! …`: {silent:?}");
}
