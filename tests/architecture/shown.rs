//! What of the crate is its API: the modules that are public and not hidden.

use crate::support::repository;
use std::collections::BTreeSet;
use std::path::Path;

/// Modules below the root, as docs/library.md names them.
const SHOWN: [&str; 17] = [
    "experiment",
    "figure",
    "heuristic",
    "intervene",
    "manifest",
    "measure",
    "model",
    "model::device",
    "model::facts",
    "model::hook",
    "model::tokenizer",
    "model::transformer",
    "prelude",
    "spec",
    "spec::matrix",
    "spec::step",
    "table",
];

/// Adds the modules that a file declares `pub` and shows, and those of theirs.
fn shown(file: &Path, folder: &Path, above: &str, found: &mut BTreeSet<String>) {
    let text = std::fs::read_to_string(file).unwrap();
    let mut before = "";
    for line in text.lines() {
        let name = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';'));
        if let Some(name) = name.filter(|_| before != "#[doc(hidden)]") {
            let path = if above.is_empty() { name.to_string() } else { format!("{above}::{name}") };
            let below = folder.join(name);
            let file = Some(below.join("mod.rs")).filter(|file| file.exists());
            shown(&file.unwrap_or_else(|| below.with_extension("rs")), &below, &path, found);
            found.insert(path);
        }
        before = line;
    }
}

#[test]
fn what_is_not_api_is_not_shown() {
    let source = repository("src");
    let mut found = BTreeSet::new();
    shown(&source.join("lib.rs"), &source, "", &mut found);
    let expected: BTreeSet<String> = SHOWN.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "`#[doc(hidden)]` where tests alone need it, or `mod`");
}

#[test]
fn the_page_of_the_library_names_what_is_shown() {
    let page = std::fs::read_to_string(repository("docs/library.md")).unwrap();
    let rooms = SHOWN.iter().filter(|path| !path.contains("::") && **path != "prelude");
    let unnamed: Vec<&&str> = rooms.filter(|room| !page.contains(&format!("\n| `{room}` |"))).collect();
    assert!(unnamed.is_empty(), "without a row in docs/library.md: {unnamed:?}");
}

/// What stands in `examples/` is written by someone who knows the API alone.
#[test]
fn examples_use_what_is_shown() {
    for file in std::fs::read_dir(repository("examples")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for (_, rest) in text.match_indices("ablate::").map(|(at, found)| text.split_at(at + found.len())) {
            let room: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            let is_shown = SHOWN.contains(&room.as_str()) || room == "Error";
            assert!(is_shown, "{}: ablate::{room}", path.display());
        }
    }
}
