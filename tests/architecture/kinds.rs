//! A kind of figure or step is named by its list alone; what it takes to add one, or a measure, is shown as it is.

use super::sources::collect;
use std::path::{Path, PathBuf};

#[test]
fn no_file_names_a_kind_of_figure() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let names = |text: &str| {
        let named = text.split("FigureKind::").skip(1);
        named.filter(|rest| !rest.starts_with("ALL")).any(|rest| rest.starts_with(char::is_uppercase))
    };
    let named: Vec<&PathBuf> = files.iter().filter(|file| names(&std::fs::read_to_string(file).unwrap())).collect();
    assert!(files.len() > 100 && named.is_empty(), "{named:#?}");
}

/// But within the folder of kinds that are made for each other.
#[test]
fn no_file_names_a_kind_of_step() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let names = |text: &str| text.split("Step::").skip(1).any(|rest| rest.starts_with(char::is_uppercase));
    let named = files.iter().filter(|file| names(&std::fs::read_to_string(file).unwrap()));
    let named: Vec<String> = named.map(|file| file.strip_prefix(&root).unwrap().display().to_string()).collect();
    assert_eq!(named, ["step/bag_of_heuristics/knockout/bag.rs"]);
}

/// Each line of code in these sections, but for those that leave something out, stands in one of the files that they are of.
#[test]
fn what_extending_shows_is_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/extending.md");
    let sections: [(&str, &[&str]); 2] = [
        ("## A measure\n", &["src/measure/effect.rs", "tests/measure/effect.rs"]),
        ("## A kind of figure\n", &["src/figure/bars.rs", "src/spec/figure.rs"]),
    ];
    for (heading, files) in sections {
        let code: String = files.iter().map(|file| read(file)).collect();
        let code: Vec<&str> = code.lines().map(str::trim).collect();
        let (_, section) = page.split_once(heading).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let blocks = section.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let shown: Vec<&str> = blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.contains('…')).collect();
        let gone: Vec<&&str> = shown.iter().filter(|line| !code.contains(line)).collect();
        assert!(shown.len() > 5 && gone.is_empty(), "{heading}{gone:#?}");
    }
}
