//! What steps and tables read of each other.

use crate::spec::{Loaded, Step};
use crate::store::key::parameters;
use std::collections::HashSet;

/// A step and all whose rows it reads, by way of others too.
pub fn with_all_it_reads<'l>(loaded: &'l Loaded, step: &'l Step) -> Vec<&'l Step> {
    let mut found = vec![step];
    let mut next = 0;
    while let Some(step) = found.get(next) {
        let reads = steps_behind(loaded, parameters::reads(step));
        let new: Vec<&Step> = loaded.spec.steps.iter().filter(|step| reads.contains(step.name())).collect();
        let new: Vec<&Step> =
            new.into_iter().filter(|step| !found.iter().any(|known| known.name() == step.name())).collect();
        found.extend(new);
        next += 1;
    }
    found
}

/// The steps whose rows are read under these names, tables being made of them.
pub fn steps_behind(loaded: &Loaded, mut names: Vec<String>) -> HashSet<String> {
    let mut steps = HashSet::new();
    let mut seen = HashSet::new();
    while let Some(name) = names.pop() {
        let root = name.split('.').next().unwrap_or(&name).to_string();
        if !seen.insert(root.clone()) {
            continue;
        }
        match loaded.spec.tables.iter().find(|table| table.name == root) {
            Some(table) => names.extend(parameters::table_reads(table)),
            None => drop(steps.insert(root)),
        }
    }
    steps
}
