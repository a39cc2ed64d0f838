//! Where the store of a spec is.

use crate::spec::Loaded;
use std::path::{Path, PathBuf};

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StoreLocation {
    /// In a folder.
    Folder(PathBuf),
    /// Nowhere: nothing is kept.
    Off,
}

/// A store that cannot be: a folder is wanted where there is a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store {} needs a folder, and {} is a file", folder.display(), file.display())]
pub struct StoreIsFile {
    /// The folder of the store.
    pub folder: PathBuf,
    /// The file: there, or where a folder above it would be.
    pub file: PathBuf,
}

impl StoreIsFile {
    /// What to write where the environment says where the store is.
    pub const ADVICE: &str = "set ABLATE_CACHE to a folder, or to off";
}

/// How a spec and the environment say that there is no store.
const OFF: &str = "off";

impl StoreLocation {
    /// As a spec's `run.store` says, a path being relative to the file that wrote it; else as the environment does.
    pub fn of(loaded: &Loaded) -> Self {
        match loaded.spec.run.store.as_deref() {
            Some(OFF) => Self::Off,
            Some(path) => Self::Folder(loaded.directory(&["run", "store"]).join(path)),
            None => Self::from_vars(|name| std::env::var(name).ok()),
        }
    }

    /// Whether there is a folder for it, or can be one.
    ///
    /// # Errors
    /// A file in its place.
    pub fn check(&self) -> Result<(), StoreIsFile> {
        let Self::Folder(folder) = self else { return Ok(()) };
        let there = folder.ancestors().find(|path| path.exists());
        match there.filter(|path| !path.is_dir()) {
            Some(file) => Err(StoreIsFile { folder: folder.clone(), file: file.to_path_buf() }),
            None => Ok(()),
        }
    }

    /// `ABLATE_CACHE` (a folder, or `off`), else `XDG_CACHE_HOME/ablate/store`, else `~/.cache/ablate/store`; off without a home.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| get(name).filter(|value| !value.is_empty());
        match var("ABLATE_CACHE") {
            Some(off) if off == OFF => return Self::Off,
            Some(folder) => return Self::Folder(folder.into()),
            None => {}
        }
        // Relative ones are to be passed over (XDG base directory specification).
        let caches = var("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || var("HOME").or_else(|| var("USERPROFILE"));
        match caches.or_else(|| Some(Path::new(&home()?).join(".cache"))) {
            Some(caches) => Self::Folder(caches.join("ablate").join("store")),
            None => Self::Off,
        }
    }
}
