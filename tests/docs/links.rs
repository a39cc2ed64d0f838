//! Links between pages, and from pages to files.

use super::page::Page;
use crate::support::repository;

/// Every link of every page leads to a file that is there, and to a heading of it.
#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let pages = Page::all();
    for page in &pages {
        let own = page.anchors();
        for link in page.links().into_iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let folder = page.path.parent().expect("a page is in a folder");
            let target = repository("").join(folder).join(file);
            let there = match (file, heading) {
                ("", _) => own.iter().any(|other| other == heading),
                (_, "") => target.exists(),
                _ => target.is_file() && Page::read(&target).anchors().iter().any(|other| other == heading),
            };
            if !there {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(pages.len() > 30 && broken.is_empty(), "{broken:#?}");
}
