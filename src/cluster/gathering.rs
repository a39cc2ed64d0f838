//! What failed of a submission, with the ends of the logs.

use super::scheduler::TaskState;
use super::submission::Submission;
use super::tasks::SubmittedCell;
use crate::store::Store;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Lines of a log that are shown.
const LINES: usize = 8;

/// A step that a task was to compute and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTask {
    /// What it is called.
    pub label: String,
    /// Why, as far as anyone has left word.
    pub why: String,
    /// The log of its task.
    pub log: Option<PathBuf>,
    /// The end of that.
    pub tail: Vec<String>,
}

/// States of tasks that will not compute anything any more.
const ENDED: [&str; 10] = [
    "FAILED",
    "TIMEOUT",
    "CANCELLED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "BOOT_FAIL",
    "DEADLINE",
    "PREEMPTED",
    "REVOKED",
    "COMPLETED",
];

/// The cells of a submission that the store has not and that no task is at or will come to.
pub fn failed_tasks(
    submission: &Submission,
    store: &Store,
    states: &HashMap<(u64, Option<u64>), TaskState>,
    is_missing: impl Fn(&SubmittedCell) -> bool,
) -> Vec<FailedTask> {
    let mut failed = Vec::new();
    for array in &submission.arrays {
        for (number, task) in array.tasks.iter().enumerate() {
            let state = array.job.and_then(|job| states.get(&(job, Some(number as u64))));
            let log = submission.log(array, number).filter(|log| log.is_file());
            for cell in task.iter().filter(|cell| is_missing(cell)) {
                let failure = store.failure(&cell.key);
                let ended = state.is_none_or(|state| ENDED.contains(&state.state.as_str()));
                if failure.is_none() && !ended {
                    continue;
                }
                let why = match (&failure, state) {
                    (Some(failure), _) => failure.to_string(),
                    (None, Some(state)) => format!("its task ended as {}", state.state),
                    (None, None) => "its task is no longer in the queue".to_string(),
                };
                let tail = log.as_deref().map(tail).unwrap_or_default();
                failed.push(FailedTask { label: cell.label.clone(), why, log: log.clone(), tail });
            }
        }
    }
    failed
}

/// The last lines of a log.
fn tail(log: &Path) -> Vec<String> {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(ToString::to_string).collect()
}
