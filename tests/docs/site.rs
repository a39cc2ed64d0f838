//! The table of contents of the site (`docs/SUMMARY.md`, which `scripts/site.py` hands to mdBook).

use super::page::Page;
use std::collections::BTreeSet;
use std::path::Path;

/// Each page of `docs/` and of the experiments is in it once.
#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = Page::read("docs/SUMMARY.md");
    let links = contents.links();
    let listed: BTreeSet<String> = links.iter().cloned().collect();
    assert_eq!(listed.len(), links.len(), "a page is listed twice");
    let missing: Vec<String> = Page::all()
        .iter()
        .map(|page| match page.path.strip_prefix("docs") {
            Ok(below) => below.display().to_string(),
            Err(_) => Path::new("..").join(&page.path).display().to_string(),
        })
        .filter(|link| link != "SUMMARY.md" && !listed.contains(link))
        .collect();
    assert!(missing.is_empty(), "write them in docs/SUMMARY.md: {missing:?}");
}
