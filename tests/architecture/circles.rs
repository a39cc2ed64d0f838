//! No file needs itself by way of others.

use super::sources::{Module, Sources};
use std::collections::{BTreeMap, BTreeSet};

/// Files that are one circle and may be: they are one concept in two files.
const ACCEPTED: [&[&str]; 1] = [&["model/hub", "model/hub/download"]];

#[test]
fn files_are_in_no_circle() {
    let sources = Sources::read();
    let takes = sources.takes();
    let below: BTreeMap<&Module, BTreeSet<&Module>> =
        takes.keys().map(|module| (*module, reached(module, &takes))).collect();
    let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, others) in &below {
        let mut circle: Vec<String> =
            others.iter().filter(|other| below[**other].contains(module)).map(|other| other.join("/")).collect();
        circle.sort();
        if circle.len() > 1 && !ACCEPTED.iter().any(|accepted| *accepted == circle) {
            circles.insert(circle);
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

/// All that a file takes from, by way of others too.
fn reached<'m>(from: &Module, takes: &BTreeMap<&'m Module, BTreeSet<&'m Module>>) -> BTreeSet<&'m Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = takes[from].iter().copied().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(takes[module].iter().copied());
        }
    }
    reached
}
