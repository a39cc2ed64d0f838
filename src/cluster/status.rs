//! How far a command's steps are: by the store, the claims in it, and what Slurm says.

use super::gathering::{FailedTask, failed_tasks};
use super::scheduler::Scheduler;
use super::submission::{Submission, submissions};
use super::tasks::SubmittedCell;
use crate::Error;
use crate::plan::recall::State;
use crate::plan::{Plan, Recall, Session};
use crate::shard::JoinedPlan;
use crate::store::{StepFailure, Store};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepStatus {
    /// The store has it.
    Done,
    /// A process computes it: by whom, and how many of its blocks are finished.
    Running(String, usize),
    /// It failed.
    Failed(StepFailure),
    /// The task that was to compute it ended before: how.
    Stopped(String),
    /// It needs a step that failed or was stopped: that step.
    Blocked(String),
    /// A job will compute it: the state of its task, and why it does not run yet.
    Queued(String),
    /// Nobody is at it.
    Missing,
}

/// How far a command's steps are.
#[derive(Debug)]
pub struct RunStatus {
    /// Each step with what it is called.
    pub steps: Vec<(String, StepStatus)>,
    /// Tasks of the last submission with steps that failed or were stopped, and the ends of their logs.
    pub failed: Vec<FailedTask>,
    /// The last submission of these steps.
    pub submission: Option<Submission>,
    /// Seconds that the steps which are not done take by the plan, and tasks that run now.
    pub left: (f64, usize),
}

/// Asks the store and Slurm.
///
/// # Errors
/// Specs without a store, and models whose files are no longer there.
pub fn status(plans: &[Plan], joined: &JoinedPlan, session: &Session) -> Result<RunStatus, Error> {
    crate::shard::check_stores(plans, session)?;
    let mut known: Vec<(String, Option<StepStatus>, String)> = Vec::with_capacity(joined.cells.len());
    let mut store: Option<Arc<Store>> = None;
    let mut next = 0;
    while let Some(cell) = joined.cells.get(next) {
        let at = (cell.spec, cell.variant);
        let variant = &plans[at.0].variants()[at.1];
        let own = session.store(variant.loaded());
        let recall = Recall::new(variant.loaded(), variant.models(), session, own.as_ref())?;
        while joined.cells.get(next).is_some_and(|cell| (cell.spec, cell.variant) == at) {
            let step = joined.planned(next, plans).step;
            let key = recall.key(step)?.digest.clone();
            let of_store = |store: &Arc<Store>| {
                if let Some(who) = store.claimed_by(&key) {
                    return Some(StepStatus::Running(who, store.finished_blocks(&key)));
                }
                store.failure(&key).map(StepStatus::Failed)
            };
            let status = match recall.state(step)? {
                State::Stored(_) => Some(StepStatus::Done),
                _ => own.as_ref().and_then(of_store),
            };
            known.push((joined.label(next, plans), status, key));
            next += 1;
        }
        store = store.or(own);
    }
    let keys: HashSet<&str> = known.iter().map(|(_, _, key)| key.as_str()).collect();
    let has_any = |submission: &Submission| {
        submission.arrays.iter().flat_map(|array| &array.tasks).flatten().any(|cell| keys.contains(cell.key.as_str()))
    };
    let submission = store.as_ref().and_then(|store| submissions(store).into_iter().find(has_any));
    let states = submission.as_ref().map(|submission| Scheduler.states(&submission.jobs())).unwrap_or_default();
    let mut queued: HashMap<&str, String> = HashMap::new();
    for array in submission.iter().flat_map(|submission| &submission.arrays) {
        for (number, task) in array.tasks.iter().enumerate() {
            let state = array.job.and_then(|job| states.get(&(job, Some(number as u64))));
            let Some(state) = state.filter(|state| WAITING.contains(&state.state.as_str())) else { continue };
            let state = match (state.state.as_str(), state.reason.as_str()) {
                ("RUNNING", _) => "its task is running".to_string(),
                (state, "") => state.to_string(),
                (state, reason) => format!("{state} ({reason})"),
            };
            for cell in task {
                queued.insert(&cell.key, state.clone());
            }
        }
    }
    let not_done: HashSet<&str> = known
        .iter()
        .filter(|(_, status, _)| matches!(status, None | Some(StepStatus::Failed(_))))
        .map(|(_, _, key)| key.as_str())
        .collect();
    let is_missing = |cell: &SubmittedCell| not_done.contains(cell.key.as_str());
    let failed = match (&submission, &store) {
        (Some(submission), Some(store)) => failed_tasks(submission, store, &states, is_missing),
        _ => Vec::new(),
    };
    let mut failed = failed;
    let stopped: HashMap<&str, &str> =
        failed.iter().flat_map(|task| &task.steps).map(|step| (step.key.as_str(), step.why.as_str())).collect();
    let mut steps: Vec<(String, StepStatus)> = Vec::with_capacity(known.len());
    for (cell, (label, status, key)) in known.iter().enumerate() {
        let mut status =
            status.clone().unwrap_or_else(|| match (queued.get(key.as_str()), stopped.get(key.as_str())) {
                (Some(state), _) => StepStatus::Queued(state.clone()),
                (None, Some(why)) => StepStatus::Stopped((*why).to_string()),
                (None, None) => StepStatus::Missing,
            });
        let waits = matches!(status, StepStatus::Stopped(_) | StepStatus::Queued(_) | StepStatus::Missing);
        let behind = |need: &usize| match &steps[*need] {
            (label, StepStatus::Failed(_) | StepStatus::Stopped(_)) => Some(label.clone()),
            (_, StepStatus::Blocked(label)) => Some(label.clone()),
            _ => None,
        };
        if waits && let Some(label) = joined.cells[cell].needs.iter().find_map(behind) {
            status = StepStatus::Blocked(label);
        }
        steps.push((label.clone(), status));
    }
    // What waits for another step has no story of its own.
    let blocked: HashSet<&str> = known
        .iter()
        .zip(&steps)
        .filter(|(_, (_, status))| matches!(status, StepStatus::Blocked(_)))
        .map(|((_, _, key), _)| key.as_str())
        .collect();
    failed.iter_mut().for_each(|task| task.steps.retain(|step| !blocked.contains(step.key.as_str())));
    failed.retain(|task| !task.steps.is_empty());
    let unfinished: Vec<usize> = (0..steps.len()).filter(|&cell| steps[cell].1 != StepStatus::Done).collect();
    let running: HashSet<&String> = steps
        .iter()
        .filter_map(|(_, status)| if let StepStatus::Running(who, _) = status { Some(who) } else { None })
        .collect();
    let left = (joined.seconds(&unfinished), running.len());
    Ok(RunStatus { steps, failed, submission, left })
}

/// States of tasks that will compute something yet.
const WAITING: [&str; 7] = ["PENDING", "RUNNING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "CONFIGURING", "COMPLETING"];

impl RunStatus {
    /// Where the scripts and logs of the last submission are.
    pub fn folder(&self) -> Option<&PathBuf> {
        self.submission.as_ref().map(|submission| &submission.folder)
    }
}
