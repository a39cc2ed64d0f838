//! Running a spec from Rust, and reading what it wrote.

use super::execute;
use crate::Error;
use crate::check::checked;
use crate::plan::{Force, Plan, Session};
use crate::run::RunOptions;
use crate::spec::{self, Loaded};
use crate::system::progress::Progress;
use polars::prelude::DataFrame;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A spec that can be run: `Experiment::load("experiments/quickstart.toml")?.run()?.rows("effects")?`.
#[derive(Debug, Clone)]
pub struct Experiment {
    loaded: Loaded,
    no_store: bool,
}

/// The folder of results of a run.
#[derive(Debug, Clone)]
pub struct Finished {
    folder: PathBuf,
}

impl Experiment {
    /// Reads a spec file and all that it extends; environment variables are not looked at.
    ///
    /// # Errors
    /// Everything that is wrong with the spec, each with its line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::with(path, &[])
    }

    /// The same with keys set over the file: `["model.dtype=bf16"]`.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    pub fn with(path: impl AsRef<Path>, sets: &[String]) -> Result<Self, Error> {
        Ok(spec::load(path.as_ref(), sets, std::iter::empty())?.into())
    }

    /// The same, but every step is computed: nothing is taken from the user's store or put into it.
    #[must_use]
    pub fn without_store(self) -> Self {
        Self { no_store: true, ..self }
    }

    /// The names of its steps, as they are written.
    pub fn steps(&self) -> impl Iterator<Item = &str> {
        self.loaded.spec.steps.iter().map(|step| step.name())
    }

    /// Runs it, as `ablate run` does: steps that the user's store has are taken from there, results go to `output.dir`. Where its
    /// model is a known one, that one's profile is laid over the spec first.
    ///
    /// # Errors
    /// [`Error::Spec`] and [`Error::Refused`] before any work; [`Error::Parts`] for what failed in it; [`Error::Differ`] where a number is not
    /// as expected: then the results are there.
    pub fn run(&self) -> Result<Finished, Error> {
        let loaded = checked(&self.loaded, true)?;
        let session = Session::new(Force::Nothing, self.no_store);
        let plan = Plan::to_run(&loaded, true, Rc::default(), &session)?;
        let progress = Progress::quiet();
        let options = RunOptions { progress: &progress, command: "ablate::Experiment::run".into() };
        execute(&plan, &session, &options)?;
        Ok(Finished { folder: plan.folder() })
    }
}

/// A spec that is there as a value: `Experiment::from(spec::parse("spec.toml", text)?)`.
impl From<Loaded> for Experiment {
    fn from(loaded: Loaded) -> Self {
        Self { loaded, no_store: false }
    }
}

impl Finished {
    /// Where the results are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The rows of a step: `effects`, or `accuracy.prompts` for those of its prompts.
    ///
    /// # Errors
    /// No such rows, or a file that someone has changed.
    pub fn rows(&self, name: &str) -> Result<DataFrame, Error> {
        self.read("rows", name)
    }

    /// A table of the spec.
    ///
    /// # Errors
    /// As [`Finished::rows`].
    pub fn table(&self, name: &str) -> Result<DataFrame, Error> {
        self.read("tables", name)
    }

    fn read(&self, part: &str, name: &str) -> Result<DataFrame, Error> {
        let path = self.folder.join(part).join(format!("{name}.parquet"));
        let bytes = std::fs::read(&path).map_err(Error::failed(path.display()))?;
        crate::table::read_parquet(bytes).map_err(Error::failed(path.display()))
    }
}
