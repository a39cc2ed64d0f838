//! A task of an array: computes its cells into the store.

use super::scheduler::Scheduler;
use super::submission::Submission;
use super::tasks::{ArrayOfTasks, SubmittedCell};
use crate::Error;
use crate::plan::{Plan, Recall, Session};
use crate::shard::{JoinedPlan, PlanCell, ShardDone, compute};
use crate::system::interrupt;
use crate::system::job::ClusterJob;
use crate::system::progress::Progress;

/// Computes what a task of an array is to compute.
///
/// # Errors
/// A spec that has changed since it was submitted; and, once all that could be computed is, what failed.
pub fn work(
    submission: &Submission,
    array: &ArrayOfTasks,
    task: usize,
    plans: &[Plan],
    session: &Session,
    progress: &Progress,
) -> Result<ShardDone, Error> {
    let cells = array.tasks.get(task).ok_or_else(|| {
        let tasks = array.tasks.len();
        Error::refused(array.name.clone())(format!(
            "it has no task {task}; its tasks are 0 to {}",
            tasks.saturating_sub(1)
        ))
    })?;
    if let Some(job) = ClusterJob::here() {
        let (again, most) = (job.clone(), submission.requeues);
        // On a machine of its own the next start goes on from the blocks that are in the store.
        interrupt::before_the_end(move || requeue(&again, most));
        if job.restarts > 0 {
            progress.say(&format!("job {} on {}, started again ({})", job.name(), job.node, job.restarts));
        }
    }
    let joined = JoinedPlan::of(plans, None)?;
    let chosen = cells.iter().map(|cell| find(cell, &joined, plans, session)).collect::<Result<Vec<_>, _>>()?;
    compute(plans, &joined, &chosen, session, progress)
}

/// At a time limit the task goes on in a new one; who takes a job back wants it to end.
fn requeue(job: &ClusterJob, most: u32) {
    if !interrupt::warned() {
        return;
    }
    match Scheduler.requeue(job, most) {
        Ok(()) => eprintln!("the time limit is reached; job {} starts again and continues", job.name()),
        Err(problem) => eprintln!("the time limit is reached, and job {} is not started again: {problem}", job.name()),
    }
}

/// The cell of the plan that was submitted.
fn find(cell: &SubmittedCell, joined: &JoinedPlan, plans: &[Plan], session: &Session) -> Result<usize, Error> {
    let is_it = |place: &usize| {
        let PlanCell { spec, variant, .. } = joined.cells[*place];
        (spec, variant) == (cell.spec, cell.variant) && joined.planned(*place, plans).step.name() == cell.step
    };
    let changed = || {
        let problem = "the spec, its model or the program has changed since it was submitted; submit it again";
        Error::refused(cell.label.clone())(problem)
    };
    let place = (0..joined.cells.len()).find(is_it).ok_or_else(changed)?;
    let variant = &plans[cell.spec].variants()[cell.variant];
    let store = session.store(variant.loaded());
    let recall = Recall::new(variant.loaded(), variant.models(), session, store.as_ref())?;
    let key = recall.key(joined.planned(place, plans).step)?;
    if key.digest == cell.key { Ok(place) } else { Err(changed()) }
}
