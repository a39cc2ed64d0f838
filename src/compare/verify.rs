//! Runs specs again, beside the results that were kept of them, and compares.

use super::folders::{FolderDifference, folders};
use super::record::ResultsRecord;
use super::tables::Likeness;
use super::tolerance::Tolerance;
use crate::check::checked;
use crate::manifest::{self, SpecRecord, Unfinished};
use crate::plan::{Force, Plan, Session};
use crate::results;
use crate::run::RunOptions;
use crate::spec::{self, Loaded};
use crate::system::interrupt;
use crate::system::progress::Progress;
use crate::{Error, experiment};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A spec to run again, and where the results are that it should make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The spec.
    pub spec: PathBuf,
    /// Keys that are set over it.
    pub sets: Vec<String>,
    /// `ABLATE_…` variables that are laid over it.
    pub environment: Vec<(String, String)>,
    /// The results folder; none for the spec's own.
    pub folder: Option<PathBuf>,
}

/// What became of a target.
#[derive(Debug)]
pub struct Verified {
    /// The spec.
    pub spec: PathBuf,
    /// The results it was compared with.
    pub folder: PathBuf,
    /// How they differ, or why that cannot be said.
    pub outcome: Result<FolderDifference, Error>,
}

impl Verified {
    /// What is made of it, if it could be compared.
    pub fn verdict(&self) -> Option<Likeness> {
        self.outcome.as_ref().ok().map(FolderDifference::verdict)
    }
}

/// What paths ask for: a spec, a folder of specs, a results folder (whose manifest says the command), or a folder of these.
///
/// # Errors
/// Paths that are none of these; manifests that cannot be read.
pub fn targets(paths: &[PathBuf]) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for path in paths {
        results::settle(path)?;
        if let (Some(run), false) = (Unfinished::of(path), path.join(manifest::FILE).exists()) {
            return Err(Error::refused(path.display())(format!("there are no results: {run}")));
        }
        // A folder with specs stands for these, whatever results are below it.
        let below = if has_specs(path) { Vec::new() } else { results_in(path) };
        if below.is_empty() {
            let specs = spec::files(std::slice::from_ref(path))?;
            let environment: Vec<_> = std::env::vars().collect();
            let target = |spec| Target { spec, sets: Vec::new(), environment: environment.clone(), folder: None };
            targets.extend(specs.into_iter().map(target));
        }
        for folder in below {
            targets.push(of_results(&folder)?);
        }
    }
    Ok(targets)
}

/// Whether a folder has specs of its own.
fn has_specs(path: &Path) -> bool {
    let within = std::fs::read_dir(path).into_iter().flatten().flatten();
    within.map(|entry| entry.path()).any(|path| path.is_file() && path.extension().is_some_and(|end| end == "toml"))
}

/// How far below a folder results are looked for: `results/paper/fig02` is two below `results`.
const DEPTH: usize = 4;

/// The results folders that a folder is or has below it.
pub(super) fn results_in(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(path, DEPTH, &mut found);
    found
}

fn collect(path: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if path.join(manifest::FILE).is_file() {
        return found.push(path.to_path_buf());
    }
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    // What is being written is no results yet.
    let hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut below: Vec<PathBuf> =
        below.map(|entry| entry.path()).filter(|path| path.is_dir() && !hidden(path)).collect();
    below.sort();
    if depth > 0 {
        below.iter().for_each(|path| collect(path, depth - 1, found));
    }
}

/// The spec that made results, and what was laid over it.
fn of_results(folder: &Path) -> Result<Target, Error> {
    let SpecRecord { files, sets, environment, .. } = ResultsRecord::read(folder)?.manifest.spec;
    let spec = files.into_iter().next().map(|file| PathBuf::from(file.path)).unwrap_or_default();
    Ok(Target { spec, sets, environment: environment.into_iter().collect(), folder: Some(folder.to_path_buf()) })
}

/// Sums up.
///
/// # Errors
/// Results that differ, or else specs that could not be verified.
pub fn judge(all: &[Verified]) -> Result<(), Error> {
    let failed = |verified: &&Verified| match &verified.outcome {
        Ok(difference) => difference.verdict() == Likeness::Differs,
        Err(error) => error.exit_code() != 2,
    };
    let differ = all.iter().filter(failed).count();
    let refused = all.iter().filter(|verified| verified.outcome.is_err() && !failed(verified)).count();
    if differ + refused == 0 { Ok(()) } else { Err(Error::Unverified { differ, refused, of: all.len() }) }
}

/// How to verify.
pub struct VerifySettings<'a> {
    /// Keys set over every spec, after those of its own command.
    pub sets: &'a [String],
    /// How far numbers may be apart.
    pub tolerance: Tolerance,
    /// Take steps from the store.
    pub cached: bool,
    /// Where progress is shown.
    pub progress: &'a Progress,
}

/// Runs every target again, into a folder of its own that is gone afterwards, compares, and hands each to `tell`. What is refused
/// or fails does not stop the others; steps that several have are computed once.
///
/// # Errors
/// Ctrl-C, no place for results, and what `tell` returns.
pub fn verify(
    targets: &[Target],
    settings: &VerifySettings,
    mut tell: impl FnMut(&Verified) -> Result<(), Error>,
) -> Result<Vec<Verified>, Error> {
    let VerifySettings { progress, tolerance, .. } = *settings;
    let mut loaded: Vec<(&Target, Loaded)> = Vec::with_capacity(targets.len());
    let mut refused: Vec<Verified> = Vec::new();
    for target in targets {
        match load(target, settings) {
            Ok(spec) => loaded.push((target, spec)),
            Err(error) => refused.push(not_compared(target, target.folder.clone().unwrap_or_default(), error)?),
        }
    }
    let cache = Rc::default();
    let mut session = Session::new(Force::Nothing, !settings.cached);
    let scratch = tempfile::tempdir().map_err(Error::failed("a temporary folder"))?;
    interrupt::goes_with_the_process(scratch.path());
    let (mut plans, mut kept) = (Vec::with_capacity(loaded.len()), Vec::with_capacity(loaded.len()));
    for (number, (target, spec)) in loaded.iter().enumerate() {
        let mut folder = target.folder.clone().unwrap_or_default();
        let ready = Plan::to_run(spec, progress.is_quiet(), Rc::clone(&cache), &session).and_then(|spec| {
            folder = target.folder.clone().unwrap_or_else(|| spec.folder());
            let record = ResultsRecord::read(&folder)?;
            Ok((spec.into_folder(scratch.path().join(number.to_string())), record))
        });
        match ready {
            Ok((spec, record)) => {
                plans.push(spec);
                kept.push((*target, record));
            }
            Err(error) => refused.push(not_compared(target, folder, error)?),
        }
    }
    if plans.len() > 1 {
        session.share(&plans)?;
    }
    let mut all = Vec::with_capacity(targets.len());
    for (number, (spec, (target, record))) in plans.iter().zip(&kept).enumerate() {
        if let Some(run) = Unfinished::of(&record.folder) {
            let of = &record.manifest.started;
            progress.say(&format!(
                "note: {}: {run}; the results that are there, and compared, are those of the run of {of}",
                record.folder.display()
            ));
        }
        if plans.len() > 1 {
            progress.say(&format!("spec {} of {}: {}", number + 1, plans.len(), target.spec.display()));
        }
        let verified = match again(spec, &session, progress) {
            Ok(rerun) => {
                let outcome = Ok(folders(record, &rerun, tolerance));
                Verified { spec: target.spec.clone(), folder: record.folder.clone(), outcome }
            }
            Err(error) => not_compared(target, record.folder.clone(), error)?,
        };
        // What is left of it goes with the whole folder.
        let _ = std::fs::remove_dir_all(spec.folder());
        tell(&verified)?;
        all.push(verified);
    }
    for verified in refused {
        tell(&verified)?;
        all.push(verified);
    }
    Ok(all)
}

fn load(target: &Target, settings: &VerifySettings) -> Result<Loaded, Error> {
    let sets: Vec<String> = target.sets.iter().chain(settings.sets).cloned().collect();
    checked(&spec::load(&target.spec, &sets, target.environment.iter().cloned())?, settings.progress.is_quiet())
}

/// Runs a spec; results that are not as expected, or whose self-check fails, are compared as others are.
fn again(spec: &Plan, session: &Session, progress: &Progress) -> Result<ResultsRecord, Error> {
    match experiment::execute(spec, session, &RunOptions { progress, command: "ablate verify".into() }) {
        Ok(()) | Err(Error::Differ { .. } | Error::SelfCheck(_)) => {}
        Err(error) => return Err(error),
    }
    ResultsRecord::read(&spec.folder())
}

/// A target whose results cannot be compared; Ctrl-C ends it all.
fn not_compared(target: &Target, folder: PathBuf, error: Error) -> Result<Verified, Error> {
    match error {
        Error::Interrupted(interrupted) => Err(interrupted.into()),
        error => Ok(Verified { spec: target.spec.clone(), folder, outcome: Err(error) }),
    }
}
