//! The run of a manifest, once more.

use super::{execute, folders, recalls, stores};
use crate::context::ModelCache;
use crate::counted::{agreeing, counted};
use crate::manifest::{self, Manifest, Unfinished};
use crate::plan::{Force, Plan, Repeated, Session};
use crate::results::replace;
use crate::run::RunOptions;
use crate::run::record::RunRecord;
use crate::spec::{self, Loaded};
use crate::system::progress::Progress;
use crate::system::set_threads;
use crate::{Error, check::checked};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A manifest and where it is.
pub struct Rerun {
    then: Manifest,
    folder: PathBuf,
    /// The folder that the command was given in; none for the current one.
    root: PathBuf,
}

/// How to run it.
pub struct RerunSettings<'a> {
    /// Where results go; none for where they are.
    pub into: Option<PathBuf>,
    /// Runs with other models than then.
    pub any_model: bool,
    /// Which steps are computed though a store has them.
    pub force: Force,
    /// Takes nothing from a store and keeps nothing in it.
    pub no_store: bool,
    /// Where progress is shown.
    pub progress: &'a Progress,
}

impl Rerun {
    /// Reads a manifest, by its file or its folder.
    ///
    /// # Errors
    /// What is no manifest.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        replace::settle(folder)?;
        let then = Manifest::read(path).map_err(Error::refused("rerun"))?;
        let root = manifest::root(folder, Path::new(&then.folder)).unwrap_or_default();
        Ok(Self { then, folder: folder.to_path_buf(), root })
    }

    /// Says what differs from then, runs the spec as it was run then, and compares the results with the manifest's checksums.
    ///
    /// # Errors
    /// Models that are others than then, before any work; results that are not the same, and what ends a run.
    pub fn run(&self, settings: RerunSettings) -> Result<(), Error> {
        let RerunSettings { into, any_model, force, no_store, progress } = settings;
        let then = &self.then;
        let loaded = self.spec()?;
        // Sums are added up by thread: as many make the same.
        set_threads(Some(loaded.spec.run.threads.unwrap_or(then.machine.threads)));
        let loaded = checked(&loaded, progress.is_quiet())?;
        let cache: Rc<ModelCache> = Rc::default();
        let dir = into.unwrap_or_else(|| self.folder.clone());
        let session = Session::new(force, no_store);
        let plan = Plan::to_run(&loaded, progress.is_quiet(), cache, &session)?.into_folder(dir.clone());
        let plan = plan.again(Repeated { then, folder: self.named(&dir) });
        // Where they were, they are the manifest's own.
        if dir != self.folder {
            folders::not_of_another(&plan)?;
        }
        session.check(std::iter::once(&loaded))?;
        let options = RunOptions { progress, command: then.command.clone() };
        self.say(&plan, &session, &options, any_model)?;

        let place = dir.join(manifest::FILE);
        let before = std::fs::read(&place).ok();
        let ran = execute(&plan, &session, &options);
        if std::fs::read(&place).ok() == before {
            // It did not get to results of its own.
            return ran;
        }
        progress.say(&format!("results in {}", dir.join("report.md").display()));
        let judged = self.judge(&Manifest::read(&dir).map_err(Error::failed("rerun"))?, &dir, progress);
        // What failed is why files are not there.
        match (judged, ran) {
            (Err(judged), Err(failed)) => {
                progress.say(&judged.render(false));
                Err(failed)
            }
            (judged, ran) => judged.and(ran),
        }
    }

    /// The spec as it was run.
    fn spec(&self) -> Result<Loaded, Error> {
        let record = &self.then.spec;
        let name = record.files.first().map_or("spec", |file| file.path.as_str());
        let folder = |key: &str| self.root.join(record.folder(key));
        Ok(spec::recorded(name, &record.toml, &folder)?)
    }

    /// A results folder as the command that is repeated would name it.
    fn named(&self, dir: &Path) -> String {
        let whole = |path: &Path| std::path::absolute(path).map(|path| spec::normal(&path));
        let named = |dir: PathBuf, root: PathBuf| dir.strip_prefix(root).map(Path::to_path_buf).unwrap_or(dir.clone());
        let root = self.root.canonicalize().or_else(|_| std::env::current_dir());
        let named = whole(dir).and_then(|dir| Ok(named(dir, root?)));
        named.unwrap_or_else(|_| dir.to_path_buf()).display().to_string()
    }

    /// Says what differs before any work.
    fn say(&self, plan: &Plan, session: &Session, options: &RunOptions, any_model: bool) -> Result<(), Error> {
        let then = &self.then;
        let stores = stores(plan, session);
        let now = RunRecord::begin(plan, &recalls(plan, session, &stores)?, options, &self.folder)?;
        let now = now.so_far();
        let mut differences = then.spec.changed_files(&self.root);
        differences.extend(manifest::changes(then, now));
        let name = then.spec.files.first().map_or("the spec", |file| file.path.as_str());
        if let Some(run) = Unfinished::of(&self.folder) {
            options
                .progress
                .say(&format!("note: {run}; the results in the folder are those of the run of {}", then.started));
        }
        options.progress.say(&format!("rerun of {name} as it was run {}", then.started));
        match differences.as_slice() {
            [] => options.progress.say("spec, build of ablate, models and machine are the same as then"),
            some => some.iter().for_each(|difference| options.progress.say(&format!("now: {difference}"))),
        }
        let others = manifest::other_models(then, now);
        if any_model || others.is_empty() {
            return Ok(());
        }
        let problem = format!("{}; write --any-model to run it with this model", others.join("; "));
        Err(Error::refused("rerun")(problem))
    }

    /// Whether the results are those of the manifest.
    fn judge(&self, now: &Manifest, dir: &Path, progress: &Progress) -> Result<(), Error> {
        let then = &self.then;
        let other = |file: &&manifest::Checksum| now.checksum(&file.path) != Some(&file.sha256);
        let others: Vec<&str> = then.files.iter().filter(other).map(|file| file.path.as_str()).collect();
        let stored = now.steps.iter().filter(|step| step.from_store.is_some()).count();
        let stored = match stored {
            0 => String::new(),
            some => format!(
                "; {some} of {} {} taken from the store",
                counted(now.steps.len(), "step"),
                agreeing(some, "was", "were")
            ),
        };
        if others.is_empty() {
            let count = then.files.len();
            let all = match count {
                1 => "its file is identical to that".to_string(),
                _ => format!("all {count} files are identical to those"),
            };
            progress.say(&format!("{all} of {}{stored}", then.started));
            return Ok(());
        }
        let details = match dir == self.folder {
            true => String::new(),
            false => format!("; `ablate diff {} {}` shows what differs", self.folder.display(), dir.display()),
        };
        let problem = format!(
            "{} of {} {} not identical to those of {}: {}{stored}{details}",
            others.len(),
            counted(then.files.len(), "file"),
            agreeing(others.len(), "is", "are"),
            then.started,
            others.join(", ")
        );
        Err(Error::failed("rerun")(problem))
    }
}
