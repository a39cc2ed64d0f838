//! The page of a folder of results.

use super::manifest;
use ablate::report::{INDEX, write_index};
use std::fs;
use std::path::Path;

fn results(folder: &Path, title: &str) {
    fs::create_dir_all(folder.join("figures")).unwrap();
    fs::write(folder.join("figures/rates.svg"), "<svg/>").unwrap();
    let mut manifest = manifest();
    manifest.title = title.into();
    fs::write(folder.join("manifest.json"), manifest.text()).unwrap();
}

#[test]
fn has_every_run_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    results(&root.join("paper/fig02"), "Figure 2 <b>");
    results(&root.join("paper/fig03"), "Figure 3");
    results(&root.join("quick (1)"), "Quick");
    fs::write(root.join("quick (1)/report.html"), "").unwrap();
    assert_eq!(write_index(root).unwrap(), Some(root.join(INDEX)));
    let page = fs::read_to_string(root.join(INDEX)).unwrap();
    let order: Vec<_> = ["Quick", "Figure 2 &lt;b&gt;", "Figure 3"].map(|title| page.find(title).expect(title)).into();
    assert!(order.is_sorted(), "{page}");
    assert!(page.contains("<h2>paper</h2>"));
    assert!(page.contains("href=\"paper/fig02/report.md\""), "what a repository keeps");
    assert!(page.contains("href=\"quick%20%281%29/report.html\""));
    assert!(page.contains("src=\"paper/fig02/figures/rates.svg\""));
    assert!(page.contains("<span class=\"badge note\">1 note</span>"));
}

#[test]
fn a_manifest_that_can_not_be_read_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("old")).unwrap();
    fs::write(folder.path().join("old/manifest.json"), "{\"command\": \"ablate run old.toml\"}").unwrap();
    write_index(folder.path()).unwrap();
    let page = fs::read_to_string(folder.path().join(INDEX)).unwrap();
    assert!(page.contains("not readable") && page.contains("ablate run old.toml"), "{page}");
}

#[test]
fn a_folder_without_results_has_none() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(write_index(folder.path()).unwrap(), None);
    assert!(!folder.path().join(INDEX).exists());
}
