//! Refuses folders of results that are another spec's, or no folders.

use crate::Error;
use crate::manifest::{self, Manifest};
use crate::plan::Plan;
use crate::spec::{Loaded, SpecErrors};
use std::path::{Component, Path, PathBuf};

/// Refuses specs whose results would go to one folder, each beside the first that has it.
pub fn each_its_own(specs: &[Plan]) -> Vec<Error> {
    let name = |spec: &Plan| spec.loaded.sources.first().map_or(String::new(), |source| source.name().to_string());
    let mut taken: Vec<(PathBuf, String)> = Vec::new();
    let mut refused = Vec::new();
    for spec in specs {
        let dir = spec.folder();
        let place = resolved(&dir);
        match taken.iter().find(|(other, _)| *other == place) {
            Some((_, first)) => {
                let problem = format!(
                    "{first} and {} would write their results into the same folder, {}",
                    name(spec),
                    dir.display()
                );
                let advice = "write another output.dir in one of them, or give each spec once".to_string();
                refused.push(spec.loaded.refuse(&["output", "dir"], problem, Some(advice)).into());
            }
            None => taken.push((place, name(spec))),
        }
    }
    refused
}

/// Refuses a folder that has results of another spec, by the manifest that they have.
///
/// # Errors
/// That, at `output.dir` of the spec.
pub fn not_of_another(spec: &Plan) -> Result<(), Error> {
    let dir = spec.folder();
    let own = spec.loaded.sources.first().map_or(Path::new(""), |source| Path::new(source.name()));
    // Results of a version that has left nothing to tell are made anew, as those of a spec's own.
    let Ok(manifest) = Manifest::read(&dir) else { return Ok(()) };
    let Some(file) = manifest.spec.files.first() else { return Ok(()) };
    let root = manifest::root(&dir, Path::new(&manifest.folder)).unwrap_or_default();
    let there = root.join(&file.path).canonicalize();
    let (same, gone) = match (&there, own.canonicalize()) {
        (Ok(there), Ok(own)) => (*there == own, ""),
        // It was moved: then it has its name and its title still.
        _ => {
            let named_alike = Path::new(&file.path).file_name() == own.file_name();
            (named_alike && manifest.title == spec.loaded.spec.title, " (a file that no longer exists)")
        }
    };
    if same {
        return Ok(());
    }
    let place = dir.display();
    let problem = format!("{place} holds the results of another spec, {}{gone}, which would be replaced", file.path);
    let advice = format!(
        "write another folder into {}: [output] dir = \"{place}-2\" (or --set output.dir=…), or replace the old results \
         with --force",
        own.display()
    );
    Err(spec.loaded.refuse(&["output", "dir"], problem, Some(advice)).into())
}

/// Folders of results.
const WITHIN: [&str; 3] = ["rows", "tables", "figures"];

/// Refuses specs whose results would go to a folder that is a file, or below one.
pub fn no_files(specs: &[Plan]) -> Vec<Error> {
    specs.iter().filter_map(|spec| Some(in_the_way(spec.loaded, &spec.folder())?.into())).collect()
}

/// The same of one folder.
pub fn in_the_way(loaded: &Loaded, dir: &Path) -> Option<SpecErrors> {
    let within = WITHIN.map(|part| dir.join(part));
    let file = dir.ancestors().map(Path::to_path_buf).chain(within).find(|path| path.is_file())?;
    let problem = format!("the results would go to {}, and {} is a file", dir.display(), file.display());
    let advice = "move it away, or write another folder: output.dir = \"…\"".to_string();
    Some(loaded.refuse(&["output", "dir"], problem, Some(advice)))
}

/// One name for a folder that need not be there yet: the part that is, without links, and what follows, without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let there = whole.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, mut resolved)) = there else { return whole };
    for part in whole.strip_prefix(above).unwrap_or(Path::new("")).components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}
