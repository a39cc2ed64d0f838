//! Several specs in one run: all are checked before any is run, and one that fails does not stop the others.

use super::interrupt::Interrupted;
use super::shelf::Shelf;
use super::{Options, Prepared, Session, checked, execute, folder, progress::Progress};
use crate::spec::{self, Loaded};
use crate::{Error, report};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

/// Specs as they were read: those that are refused with their errors, all of them.
pub struct Specs {
    loaded: Vec<Loaded>,
    refused: Vec<Error>,
}

impl Specs {
    /// Reads the specs that paths name (see [`spec::files`]), `sets` laid over each, and settles them (see [`super::checked`]).
    ///
    /// # Errors
    /// Folders without specs. What is wrong with a spec is kept for [`Specs::prepare`], which finds the rest.
    pub fn read(paths: &[PathBuf], sets: &[String], quiet: bool) -> Result<Self, Error> {
        let mut specs = Self { loaded: Vec::new(), refused: Vec::new() };
        for file in spec::files(paths)? {
            let loaded = spec::load(&file, sets, std::env::vars()).map_err(Error::from);
            match loaded.and_then(|loaded| checked(&loaded, quiet)) {
                Ok(loaded) => specs.loaded.push(loaded),
                Err(Error::Interrupted(interrupted)) => return Err(interrupted.into()),
                Err(error) => specs.refused.push(error),
            }
        }
        Ok(specs)
    }

    /// Checks all of them.
    ///
    /// # Errors
    /// Everything that is wrong with any: then none is to be run.
    pub fn prepare(&mut self, quiet: bool) -> Result<Vec<Prepared<'_>>, Error> {
        let mut refused = std::mem::take(&mut self.refused);
        let mut prepared = Vec::with_capacity(self.loaded.len());
        let shelf: Rc<Shelf> = Rc::default();
        for loaded in &self.loaded {
            match Prepared::new(loaded, quiet, shelf.clone()) {
                Ok(spec) => prepared.push(spec),
                Err(Error::Interrupted(interrupted)) => return Err(interrupted.into()),
                Err(error) => refused.push(error),
            }
        }
        refused.extend(folder::each_its_own(&prepared));
        match refused.pop() {
            None => Ok(prepared),
            Some(only) if refused.is_empty() => Err(only),
            Some(last) => {
                refused.push(last);
                Err(Error::Refusals(refused))
            }
        }
    }
}

/// Runs specs, one after the other, what they have in common once; `command` is the command that runs one of them alone, for its report.
///
/// # Errors
/// Of a single spec its own error; of several, those that failed once all have been run.
pub fn all(
    specs: &[Prepared],
    session: &Session,
    progress: &Progress,
    command: impl Fn(&Loaded) -> String,
) -> Result<(), Error> {
    session.check(specs.iter().map(|spec| spec.loaded))?;
    let mut failed = Vec::new();
    for (number, spec) in specs.iter().enumerate() {
        let name = spec.loaded.sources.first().map_or("", |source| source.name());
        if specs.len() > 1 {
            progress.say(&format!("spec {} of {}: {name}", number + 1, specs.len()));
        }
        match execute(spec, session, &Options { progress, command: command(spec.loaded) }) {
            Ok(()) => {}
            Err(error) if specs.len() == 1 => return Err(error),
            Err(Error::Interrupted(Interrupted)) => return Err(Interrupted.into()),
            Err(error) => {
                progress.say(&format!("{name} failed; the error is at the end"));
                failed.push((name.to_string(), error));
            }
        }
    }
    index_pages(specs, progress);
    if failed.is_empty() { Ok(()) } else { Err(Error::Failures { failed, of: specs.len() }) }
}

/// A page for each folder that has the results of several of the specs. Without one nothing is lost, so the run goes on.
fn index_pages(specs: &[Prepared], progress: &Progress) {
    let folders: Vec<PathBuf> =
        specs.iter().filter_map(|spec| folder::of(spec.loaded).parent().map(PathBuf::from)).collect();
    let several: BTreeSet<&PathBuf> =
        folders.iter().filter(|one| folders.iter().filter(|other| other == one).count() > 1).collect();
    for folder in several {
        match report::write_index(folder) {
            Ok(Some(page)) => progress.say(&format!("all of them in {}", page.display())),
            Ok(None) => {}
            Err(error) => progress.say(&format!("note: {error}")),
        }
    }
}
