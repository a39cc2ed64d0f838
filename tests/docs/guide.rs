//! The spec that the guide builds is the one whose results it shows.

use super::page::Page;
use crate::support::repository;

#[test]
fn the_guide_builds_the_spec_whose_results_it_shows() {
    let spec = std::fs::read_to_string(repository("experiments/ioi-smollm2.toml")).expect("the spec");
    let blocks = Page::read("docs/guide-ioi.md").blocks();
    let shown: String =
        blocks.into_iter().filter(|block| block.info == "toml").map(|block| block.text + "\n").collect();
    // The spec is in a folder of its own.
    let shown = shown.replace("\"models/", "\"../models/");
    let entries: Vec<&str> = shown.split("\n\n").map(str::trim).filter(|entry| !entry.is_empty()).collect();
    let missing: Vec<&&str> = entries.iter().filter(|entry| !spec.contains(**entry)).collect();
    assert!(entries.len() > 20 && missing.is_empty(), "not in experiments/ioi-smollm2.toml: {missing:#?}");
}
