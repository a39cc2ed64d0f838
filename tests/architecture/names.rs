//! A name is of one type: who reads it need not ask of which module.

use super::sources::Sources;
use std::collections::BTreeMap;

/// Names that several types have, with the modules of those.
const ACCEPTED: [(&str, &[&str]); 1] = [
    // What a spec says of a model, and what is made of it: the word of the schema, and that of who uses the library.
    ("Model", &["model/open", "spec/model"]),
];

/// The modules that define a type of each name.
fn defined(sources: &Sources) -> BTreeMap<&str, Vec<String>> {
    let mut defined: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in sources.each() {
        for name in &source.types {
            defined.entry(name).or_default().push(source.module.join("/"));
        }
    }
    defined
}

#[test]
fn no_two_types_have_one_name() {
    let sources = Sources::read();
    let twice = defined(&sources).into_iter().filter(|(_, modules)| modules.len() > 1);
    let twice: Vec<(&str, Vec<String>)> = twice.collect();
    let accepted = ACCEPTED.map(|(name, modules)| (name, modules.iter().map(ToString::to_string).collect()));
    assert_eq!(twice, accepted, "name a type after what it is of, as `RowKey` and `SortKey`");
}

/// The readers of this test see what is there: every kind of type, and those that macros make of a name.
#[test]
fn types_are_found() {
    let sources = Sources::read();
    let defined = defined(&sources);
    for (name, module) in [
        ("PromptSet", "prompt/set"),
        ("Kind", "step/kind"),
        ("Verdict", "expectation"),
        ("HookMeans", "step/means"),
        ("Smallest", "spec/step/smallest"),
        ("SetColumns", "prompt/frame"),
        ("PromptColumns", "prompt/frame"),
    ] {
        assert_eq!(defined.get(name).map(Vec::as_slice), Some(&[module.to_string()][..]), "{name}");
    }
    assert!(!defined.contains_key("Visitor"), "what a function defines is its own");
}
