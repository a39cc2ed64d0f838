//! A kind is named by its list alone.

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
