//! The spec files that a command line names.

use super::error::{SpecError, SpecErrors};
use std::path::{Path, PathBuf};

/// The spec files that paths name, in order: a file is itself, a folder its `*.toml` files by name, not those of its
/// subfolders (which hold bases and profiles).
///
/// # Errors
/// Folders that cannot be read or have no such file; all of them at once.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SpecErrors> {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        if !path.is_dir() {
            // What is not there is refused where it is read, with the name that is nearest.
            files.push(path.clone());
            continue;
        }
        match in_folder(path) {
            Ok(found) if found.is_empty() => errors.push(
                SpecError::new(format!("no spec in folder {}: it has no *.toml file of its own", path.display()))
                    .advise("name a spec, or the subfolder that has them")
                    .into(),
            ),
            Ok(found) => files.extend(found),
            Err(error) => {
                errors.push(SpecError::new(format!("cannot read folder {}: {error}", path.display())).into());
            }
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(SpecErrors::join(errors)) }
}

fn in_folder(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Editors leave hidden copies behind.
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
