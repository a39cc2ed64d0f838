//! Keys that are set and change nothing beside the others of their step: refused, for whoever set them expects a change.

use crate::spec::{Loaded, SpecErrors};
use crate::step;
use crate::step::dependent_key::DependentKey;
use indexmap::IndexMap;
use std::collections::HashSet;

/// Refuses keys that are set and change nothing; of a spec with variants, those that change nothing in any: what one value of
/// an axis leaves idle, another needs.
pub fn check(loaded: &Loaded) -> Vec<SpecErrors> {
    let mut unused: IndexMap<(&str, Vec<String>), (DependentKey, &Loaded)> = IndexMap::new();
    let mut working: HashSet<(&str, Vec<String>)> = HashSet::new();
    for variant in loaded.variants() {
        for step in &variant.spec.steps {
            for key in step::dependent_keys(step, variant) {
                let place = (step.name(), key.path.clone());
                if key.works {
                    working.insert(place);
                } else if key.set {
                    unused.entry(place).or_insert((key, variant));
                }
            }
        }
    }
    let refused = |((step, path), (key, variant)): ((&str, Vec<String>), (DependentKey, &Loaded))| {
        let name = path.last().map_or("", String::as_str);
        let problem = format!("'{name}' has no effect in this {}", of(&key));
        let path: Vec<&str> = ["step", step].into_iter().chain(path.iter().map(String::as_str)).collect();
        variant.refuse(&path, problem, Some(key.advice.to_string()))
    };
    unused.into_iter().filter(|(place, _)| !working.contains(place)).map(refused).collect()
}

/// What a key would change: the innermost thing that it is a key of.
fn of(key: &DependentKey) -> &'static str {
    match key.path.first().map(String::as_str) {
        Some("interventions") => "edit",
        Some("listed") => "table",
        _ => "step",
    }
}
