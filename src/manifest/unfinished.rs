//! What a run leaves of itself in its results folder until its results are there: who it is, should it not get to its end.

use crate::system::claim::is_held;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The folder, in the results folder, that a run puts its results into until all of them are there.
pub const FOLDER: &str = ".ablate-unfinished";
/// The file in it that says whose it is.
pub const RUN: &str = "run.json";
/// The claim on the results folder, of the run which writes into it.
pub const CLAIM: &str = ".ablate-claim";

/// A run that did not end, or has not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The command that runs its spec alone.
    pub command: String,
    /// When it began.
    pub started: String,
    /// Its process.
    pub process: u32,
    /// Whether it is still running.
    #[serde(skip)]
    pub running: bool,
}

impl Unfinished {
    /// The run that a results folder has the beginning of.
    pub fn of(results: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(results.join(FOLDER).join(RUN)).ok()?;
        let unfinished: Self = serde_json::from_str(&text).ok()?;
        Some(Self { running: is_held(&results.join(CLAIM)), ..unfinished })
    }
}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, started, process, running } = self;
        match running {
            true => write!(f, "a run that began {started} is still going on (process {process})"),
            false => write!(
                f,
                "a run that began {started} was killed or interrupted before it was done (process {process}); \
                 `{command}` runs it again and takes from the store what that run had finished"
            ),
        }
    }
}
