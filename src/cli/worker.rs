//! `ablate worker`: a task of what `ablate submit` has submitted. Scripts call it; people need not.

use crate::Error;
use crate::cluster::{Submission, work};
use crate::counted::{agreeing, counted};
use crate::experiment::Specs;
use crate::plan::Session;
use crate::spec::Filter;
use crate::system::interrupt;
use crate::system::job::ClusterJob;
use crate::system::progress::Progress;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct WorkerArguments {
    /// The folder of the submission
    folder: PathBuf,
    /// The array that the task is of: `level1`
    array: String,
    /// The task, where no scheduler says so
    #[arg(long)]
    task: Option<usize>,
    /// Seconds before its time limit at which the task is warned
    #[arg(long, default_value_t = 120)]
    warning: u64,
}

pub(super) fn run(arguments: WorkerArguments) -> Result<(), Error> {
    interrupt::warned_before(Duration::from_secs(arguments.warning));
    let submission = Submission::read(&arguments.folder)?;
    let array = submission.arrays.iter().find(|array| array.name == arguments.array);
    let array = array.ok_or_else(|| Error::refused(arguments.array.clone())("the submission has no such array"))?;
    let given = || ClusterJob::here()?.array.and_then(|(_, task)| usize::try_from(task).ok());
    let task = arguments.task.or_else(given);
    let task = task.ok_or_else(|| {
        Error::refused("worker")("nothing says which task this is, because it does not run under Slurm; write --task N")
    })?;
    let command = &submission.command;
    let filter = command.filter.as_deref().map(Filter::parse).transpose();
    let filter = filter.map_err(|error| Error::Filter(Box::new(error)))?;
    let mut specs = Specs::filtered(&command.specs, &command.sets, filter.as_ref(), false)?;
    let session = Session::default();
    let plans = specs.plan_again(false, &session)?;
    let progress = Progress::new(false);
    let done = work(&submission, array, task, &plans, &session, &progress)?;
    progress.say(&format!(
        "{} computed, {} {} in the store",
        counted(done.computed, "step"),
        done.stored,
        agreeing(done.stored, "was", "were")
    ));
    Ok(())
}
