//! The folder that a command was run in, by where its results are now.

use std::path::{Component, Path, PathBuf};

/// The folder that results, where they are, are in as the command named them; none for the current one, and where they are
/// not as named.
pub fn root(folder: &Path, named: &Path) -> Option<PathBuf> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let place = place.canonicalize().ok()?;
    let named: PathBuf = named.components().filter(|part| *part != Component::CurDir).collect();
    if named.is_absolute() || named.components().any(|part| part == Component::ParentDir) || !place.ends_with(&named) {
        return None;
    }
    let root = place.ancestors().nth(named.components().count())?;
    let current = std::env::current_dir().ok()?.canonicalize().ok()?;
    (root != current).then(|| root.to_path_buf())
}
