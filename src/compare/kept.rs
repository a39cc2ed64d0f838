//! Whether results are as their runs left them, without running anything: manifests that this version reads, files with the checksums
//! that they list, specs that it takes.

use super::folders::can_be_left_out;
use super::record::ResultsRecord;
use super::specs::{self, ResolvedSpec};
use crate::Error;
use crate::manifest::{self, Manifest};
use crate::spec::{self, Loaded};
use crate::system::digests::of_bytes;
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Reports, which every folder of results has.
const REPORT: &str = "report.md";

/// A results folder as it is kept.
#[derive(Debug, Serialize)]
pub struct FolderIntegrity {
    /// Where it is.
    pub folder: PathBuf,
    /// Files with the checksum that the manifest lists.
    pub whole: usize,
    /// Files that were made and are not kept, and need not be: other files say the same, or they are large.
    pub not_kept: usize,
    /// Keys of the spec whose values are other ones now.
    pub changed: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

impl FolderIntegrity {
    /// Looks at a results folder.
    pub fn of(folder: &Path) -> Self {
        let mut kept =
            Self { folder: folder.to_path_buf(), whole: 0, not_kept: 0, changed: Vec::new(), problems: Vec::new() };
        // A run that was killed while its results took their places is gone on with first.
        match crate::results::settle(folder).and_then(|()| ResultsRecord::read(folder)) {
            Ok(record) => {
                kept.files(&record.manifest);
                kept.spec(&record);
            }
            Err(error) => kept.problems.push(in_a_line(&error)),
        }
        kept
    }

    fn files(&mut self, manifest: &Manifest) {
        for file in &manifest.files {
            match fs::read(self.folder.join(&file.path)) {
                Ok(bytes) if of_bytes(&bytes) == file.sha256 => self.whole += 1,
                Ok(_) => self.problems.push(format!("{} has changed since the run made it", file.path)),
                Err(error) if error.kind() == ErrorKind::NotFound && can_be_left_out(&file.path) => self.not_kept += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.problems.push(format!("{} is missing", file.path));
                }
                Err(error) => self.problems.push(format!("{}: {error}", file.path)),
            }
        }
        if !self.folder.join(REPORT).is_file() {
            self.problems.push(format!("{REPORT} is missing"));
        }
    }

    /// The spec as it was run, and as its files are now.
    fn spec(&mut self, record: &ResultsRecord) {
        let then = &record.manifest.spec;
        let root = manifest::root(&self.folder, Path::new(&record.manifest.folder)).unwrap_or_default();
        let name = then.files.first().map_or("spec", |file| file.path.as_str());
        let folder = |key: &str| root.join(then.folder(key));
        if let Err(errors) = spec::recorded(name, &then.toml, &folder) {
            self.problems
                .push(format!("the spec as it was run is refused by this ablate: {}", in_a_line(&errors.into())));
        }
        let environment = then.environment.iter().map(|(key, value)| (key.clone(), value.clone()));
        match spec::load(&root.join(name), &then.sets, environment) {
            Ok(now) => self.changed = changed(record, &now),
            Err(errors) => self.problems.push(format!("{name} is refused: {}", in_a_line(&errors.into()))),
        }
    }
}

/// Keys whose values are not those of the run. A profile of a known model is laid over a spec only once its model is looked at: what
/// it set is no change.
fn changed(record: &ResultsRecord, now: &Loaded) -> Vec<String> {
    let Ok(values) = now.to_toml().parse::<toml::Table>() else { return Vec::new() };
    let profiles = record.manifest.spec.files.iter().filter(|file| file.role == "profile");
    let profiles: Vec<&str> = profiles.map(|file| file.path.as_str()).collect();
    let by_profile = |origin: &Option<String>| {
        origin.as_ref().is_some_and(|origin| profiles.iter().any(|profile| origin.starts_with(profile)))
    };
    let changes = specs::specs(&record.resolved, &ResolvedSpec::new(&values, |_| None));
    // Once its model is known, a spec has no more list of those that it knows.
    let of_known = |key: &str| !profiles.is_empty() && key.starts_with("known.");
    let changes = changes.into_iter().filter(|change| !by_profile(&change.origins[0]) && !of_known(&change.key));
    changes.map(|change| change.key).collect()
}

fn in_a_line(error: &Error) -> String {
    let text = error.render(false);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Looks at every results folder that paths are or have below them.
///
/// # Errors
/// Paths without results.
pub fn kept(paths: &[PathBuf]) -> Result<Vec<FolderIntegrity>, Error> {
    let mut all = Vec::new();
    for path in paths {
        let folders = super::verify::results_in(path);
        if folders.is_empty() {
            let problem = "there are no results (folders with a manifest.json) in it";
            return Err(Error::refused(path.display())(problem));
        }
        all.extend(folders.iter().map(|folder| FolderIntegrity::of(folder)));
    }
    Ok(all)
}
