//! New results in the place of old ones. Until all files of the new ones are whole, the old ones are as they were. Then the folder of
//! the new ones gets another name: from that moment on they are the results, and whoever comes next (the run itself, or, should it
//! be killed right then, the next command about the folder) puts what is still in it in its place.

use crate::Error;
use crate::manifest::{self, Checksum, Manifest, unfinished};
use crate::system::claim::{Claim, is_held};
use crate::system::{atomic, interrupt};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

/// The folder of files that are to be put in their places.
const COMPLETE: &str = ".ablate-complete";
/// The file in it that lists what goes.
const SUPERSEDED: &str = "superseded.json";

/// Results that were there before a run.
#[derive(Debug, Default)]
pub struct EarlierResults {
    /// Their manifest, where this version can read it.
    pub manifest: Option<Manifest>,
    files: Vec<Checksum>,
}

/// What manifests of all versions have of files.
#[derive(Deserialize)]
struct ManifestFiles {
    #[serde(default)]
    files: Vec<Checksum>,
    #[serde(default)]
    left: Vec<Checksum>,
}

/// What became of files that the new results have not.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Removed.
    pub removed: Vec<String>,
    /// Changed by someone since they were made, and so left.
    pub changed: Vec<String>,
}

impl EarlierResults {
    /// Those of a folder.
    pub fn of(dir: &Path) -> Self {
        let path = dir.join(manifest::FILE);
        if let Ok(manifest) = Manifest::read(&path) {
            let files = manifest.files.iter().chain(&manifest.left).cloned().collect();
            return Self { manifest: Some(manifest), files };
        }
        let listed = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<ManifestFiles>(&text).ok());
        let files = listed.map(|listed| listed.files.into_iter().chain(listed.left).collect()).unwrap_or_default();
        Self { manifest: None, files }
    }

    /// Their files that are still there and that are not among those which were made since.
    pub fn left_over(&self, dir: &Path, made: &[Checksum]) -> Vec<Checksum> {
        let again = |file: &Checksum| made.iter().any(|made| made.path == file.path);
        let left = |file: &&Checksum| is_within(&file.path) && !again(file) && dir.join(&file.path).is_file();
        self.files.iter().filter(left).cloned().collect()
    }
}

/// Whether a path of a manifest, which may come from anyone, is one within its folder.
fn is_within(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Puts everything of [`unfinished::FOLDER`] in its place, and removes what it supersedes.
///
/// # Errors
/// Files that cannot be moved.
pub(crate) fn all(dir: &Path, superseded: &[Checksum]) -> Result<Replaced, Error> {
    let unfinished = dir.join(unfinished::FOLDER);
    let mut replaced = Replaced::default();
    for file in superseded {
        let now = fs::read(dir.join(&file.path)).map(|bytes| crate::system::digests::of_bytes(&bytes));
        match now {
            Ok(sha256) if sha256 != file.sha256 => replaced.changed.push(file.path.clone()),
            _ => replaced.removed.push(file.path.clone()),
        }
    }
    let text = serde_json::to_vec(&replaced).map_err(Error::failed("results"))?;
    atomic::write_atomic(&unfinished.join(SUPERSEDED), |out| out.write_all(&text)).map_err(Error::failed("results"))?;
    interrupt::undisturbed(|| {
        let complete = dir.join(COMPLETE);
        fs::rename(&unfinished, &complete).map_err(Error::failed(complete.display()))?;
        put(dir).map_err(|(path, error)| {
            let problem = format!(
                "cannot be written: {error}; make it writable, then any command about {} continues",
                dir.display()
            );
            Error::failed(path.display())(problem)
        })
    })?;
    Ok(replaced)
}

/// Whether a run has left results that are not all in their places, or not whole.
pub(super) fn is_left(dir: &Path) -> bool {
    [COMPLETE, unfinished::FOLDER].iter().any(|folder| dir.join(folder).exists())
}

/// Goes on with what a run had begun to put in its place when it was ended, unless that run still does.
///
/// # Errors
/// Files that cannot be moved.
pub fn go_on(dir: &Path) -> Result<(), Error> {
    if !dir.join(COMPLETE).is_dir() {
        return Ok(());
    }
    put(dir).map_err(|(path, error)| {
        let problem = format!(
            "cannot be written: {error}; make it writable, because an earlier run has still to put its results there"
        );
        Error::refused(path.display())(problem)
    })
}

/// The same for who only reads the folder.
///
/// # Errors
/// As [`go_on`].
pub fn settle(dir: &Path) -> Result<(), Error> {
    if !dir.join(COMPLETE).is_dir() {
        return Ok(());
    }
    // Another that has the folder does it itself; where no claims can be made, it is done here.
    let path = dir.join(unfinished::CLAIM);
    match Claim::take(&path, "results") {
        Ok(None) if is_held(&path) => Ok(()),
        claim => go_on(dir).inspect(|()| drop(claim)),
    }
}

fn put(dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    let complete = dir.join(COMPLETE);
    let text = fs::read(complete.join(SUPERSEDED)).unwrap_or_default();
    let replaced: Replaced = serde_json::from_slice(&text).unwrap_or_default();
    for path in replaced.removed.iter().filter(|path| is_within(path)) {
        remove(dir, &dir.join(path))?;
    }
    let mut files = Vec::new();
    list(&complete, &mut files).map_err(|error| (complete.clone(), error))?;
    // The manifest last: whoever finds the new one finds everything that it lists.
    files.sort_by_key(|path| *path == complete.join(manifest::FILE));
    for file in files {
        let Ok(path) = file.strip_prefix(&complete).map(|path| dir.join(path)) else { continue };
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).and_then(|()| fs::rename(&file, &path)).map_err(|error| (path, error))?;
    }
    fs::remove_dir_all(&complete).map_err(|error| (complete, error))
}

/// Removes a file, and the folders that are empty without it.
fn remove(dir: &Path, path: &Path) -> Result<(), (PathBuf, io::Error)> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((path.to_path_buf(), error)),
        _ => {}
    }
    let above = path.ancestors().skip(1).take_while(|above| *above != dir);
    // One that is not empty stays.
    above.take_while(|above| fs::remove_dir(above).is_ok()).for_each(drop);
    Ok(())
}

/// The files below a folder but those that are about the run.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        match entry.file_type()?.is_dir() {
            true => list(&path, files)?,
            false if [SUPERSEDED, unfinished::RUN].iter().any(|name| entry.file_name() == *name) => {}
            false => files.push(path),
        }
    }
    Ok(())
}
