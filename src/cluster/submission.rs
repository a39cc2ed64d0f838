//! What was submitted: a folder of the store with the scripts, what each task computes, and the logs.

use super::grouping::levels;
use super::scheduler::Scheduler;
use super::script::{of_array, of_gathering};
use super::tasks::{ArrayOfTasks, SubmittedCell, SubmittedCommand};
use crate::Error;
use crate::counted::counted;
use crate::plan::recall::State;
use crate::plan::{Plan, Recall, Session};
use crate::shard::{JoinedPlan, check_stores};
use crate::spec::Slurm;
use crate::store::Store;
use crate::system::atomic::write_atomic;
use crate::system::shell::word;
use crate::system::time::rfc3339_now;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of a submission.
const FILE: &str = "submission.json";
/// Minutes that a task takes at least, and how often it is started again, where nobody says otherwise.
const MINUTES: f64 = 10.0;
const REQUEUES: u32 = 5;

/// What was submitted by one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// When: UTC, RFC 3339.
    pub submitted: String,
    /// The command.
    pub command: SubmittedCommand,
    /// How often a task is started again when it reaches its time limit.
    pub requeues: u32,
    /// Its arrays.
    pub arrays: Vec<ArrayOfTasks>,
    /// The number of the job that gathers.
    pub gathers: Option<u64>,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Submission {
    /// Reads one.
    ///
    /// # Errors
    /// A folder that is none.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let file = folder.join(FILE);
        let text = std::fs::read(&file).map_err(Error::refused(file.display()))?;
        let read: Self = serde_json::from_slice(&text).map_err(Error::refused(file.display()))?;
        Ok(Self { folder: folder.to_path_buf(), ..read })
    }

    fn write(&self) -> Result<(), Error> {
        let text = serde_json::to_vec(self).map_err(Error::failed("submission"))?;
        write_atomic(&self.folder.join(FILE), |out| out.write_all(&text)).map_err(Error::failed("submission"))
    }

    /// The numbers of its jobs.
    pub fn jobs(&self) -> Vec<u64> {
        self.arrays.iter().filter_map(|array| array.job).chain(self.gathers).collect()
    }

    /// The log of a task of an array.
    pub fn log(&self, array: &ArrayOfTasks, task: usize) -> Option<PathBuf> {
        Some(self.folder.join("logs").join(format!("{}_{task}.log", array.job?)))
    }

    /// The scripts, by the name of their files, in the order in which they are submitted.
    pub fn scripts(&self, slurm: &Slurm) -> Vec<(String, String)> {
        let exported = |script: String| {
            let lines = self.command.environment.iter().map(|(name, value)| format!("export {name}={}\n", word(value)));
            let end = script.rfind("#SBATCH").and_then(|at| Some(at + script[at..].find('\n')? + 1)).unwrap_or(0);
            format!("{}{}{}", &script[..end], lines.collect::<String>(), &script[end..])
        };
        let array = |array: &ArrayOfTasks| {
            (format!("{}.sh", array.name), exported(of_array(array, &self.command, slurm, &self.folder)))
        };
        let gather = ("gather.sh".to_string(), exported(of_gathering(&self.command, slurm, &self.folder)));
        self.arrays.iter().map(array).chain([gather]).collect()
    }
}

/// Where a store has what was submitted.
fn folder_of(store: &Store) -> PathBuf {
    store.root().join("submissions")
}

/// What was submitted for a store, the newest first.
pub fn submissions(store: &Store) -> Vec<Submission> {
    let folders = std::fs::read_dir(folder_of(store)).into_iter().flatten().flatten();
    let mut found: Vec<Submission> = folders.filter_map(|folder| Submission::read(&folder.path()).ok()).collect();
    found.sort_by(|a, b| (&b.submitted, &b.folder).cmp(&(&a.submitted, &a.folder)));
    found
}

/// Plans the jobs of the steps that the store has not: of all levels, and the one that gathers. Nothing is written or submitted yet.
///
/// # Errors
/// Specs without a store, and models whose files are no longer there.
fn prepare(
    plans: &[Plan],
    joined: &JoinedPlan,
    session: &Session,
    command: SubmittedCommand,
    slurm: &Slurm,
    name: &str,
) -> Result<(Submission, Arc<Store>), Error> {
    check_stores(plans, session)?;
    let mut submitted: Vec<Option<SubmittedCell>> = Vec::with_capacity(joined.cells.len());
    let mut first: Option<Arc<Store>> = None;
    let mut next = 0;
    // One variant after the other: what a store is asked with is made once for each.
    while let Some(cell) = joined.cells.get(next) {
        let (spec, number) = (cell.spec, cell.variant);
        let variant = &plans[spec].variants()[number];
        let store = session.store(variant.loaded());
        let recall = Recall::new(variant.loaded(), variant.models(), session, store.as_ref())?;
        while let Some(cell) = joined.cells.get(next).filter(|cell| (cell.spec, cell.variant) == (spec, number)) {
            let step = joined.planned(next, plans).step;
            let is_stored = matches!(recall.state(step)?, State::Stored(_));
            let key = recall.key(step)?.digest.clone();
            submitted.push((!is_stored).then(|| SubmittedCell {
                spec,
                variant: number,
                step: step.name().to_string(),
                label: joined.label(next, plans),
                key,
                seconds: cell.cost.seconds,
                memory: cell.cost.memory,
            }));
            next += 1;
        }
        first = first.or(store);
    }
    let store = first.ok_or_else(|| Error::refused("submit")("the specs have no step to submit"))?;
    let wanted: Vec<usize> = (0..submitted.len()).filter(|&cell| submitted[cell].is_some()).collect();
    let least = slurm.minutes.unwrap_or(MINUTES) * 60.0;
    let most = Scheduler.max_array();
    let mut arrays = Vec::new();
    for (level, tasks) in levels(&joined.cells, &wanted, least).into_iter().enumerate() {
        let of_cells = |cells: Vec<usize>| cells.into_iter().filter_map(|cell| submitted[cell].clone()).collect();
        let tasks: Vec<Vec<SubmittedCell>> = tasks.into_iter().map(of_cells).collect();
        let pieces = tasks.len().div_ceil(most);
        for (piece, tasks) in tasks.chunks(most).enumerate() {
            let number = if pieces > 1 { format!("-{}", piece + 1) } else { String::new() };
            let name = format!("level{}{number}", level + 1);
            arrays.push(ArrayOfTasks { name, level, tasks: tasks.to_vec(), job: None });
        }
    }
    let root = std::path::absolute(folder_of(&store)).map_err(Error::failed("submit"))?;
    let requeues = slurm.requeues.unwrap_or(REQUEUES);
    let submission =
        Submission { submitted: rfc3339_now(), command, requeues, arrays, gathers: None, folder: root.join(name) };
    Ok((submission, store))
}

/// Submits the steps of a command that the store has not; with `dry`, says what would be and does nothing. What is to be told.
///
/// # Errors
/// Specs without a store, a folder that cannot be written, and what Slurm says.
pub fn submit(
    plans: &[Plan],
    joined: &JoinedPlan,
    session: &Session,
    command: SubmittedCommand,
    slurm: &Slurm,
    dry: bool,
) -> Result<String, Error> {
    let name = match dry {
        true => "NAME".to_string(),
        false => format!("{}-{}", rfc3339_now().replace([':', '-'], ""), std::process::id()),
    };
    let (mut submission, store) = prepare(plans, joined, session, command, slurm, &name)?;
    let mut text = String::new();
    if submission.arrays.is_empty() {
        return Ok("nothing to submit: the store has all steps; `ablate run` makes the results from them\n".into());
    }
    let scripts = submission.scripts(slurm);
    if dry {
        for (name, script) in scripts {
            let _ = writeln!(text, "==> {name}\n{script}");
        }
        return Ok(text + &told(&submission));
    }
    for (name, script) in &scripts {
        let file = submission.folder.join(name);
        write_atomic(&file, |out| out.write_all(script.as_bytes())).map_err(Error::failed("submit"))?;
    }
    std::fs::create_dir_all(submission.folder.join("logs")).map_err(Error::failed("submit"))?;
    // Before the first of its jobs can begin.
    submission.write()?;
    for cell in submission.arrays.iter().flat_map(|array| &array.tasks).flatten() {
        store.forget_failure(&cell.key);
    }
    if let Err(error) = jobs(&mut submission) {
        Scheduler.cancel(&submission.jobs());
        // Nothing will come of it: `ablate status` would wait for its jobs.
        let _ = std::fs::remove_dir_all(&submission.folder);
        return Err(error);
    }
    submission.write()?;
    let _ = writeln!(
        text,
        "submitted {}; scripts and logs in {}",
        told(&submission).trim_end(),
        submission.folder.display()
    );
    Ok(text)
}

/// Submits the scripts: each level once those before have ended well, the last job once all have ended.
fn jobs(submission: &mut Submission) -> Result<(), Error> {
    let folder = submission.folder.clone();
    let list = |jobs: &[u64]| jobs.iter().map(|job| format!(":{job}")).collect::<String>();
    let mut before: Vec<u64> = Vec::new();
    let (mut level, mut of_level): (usize, Vec<u64>) = (0, Vec::new());
    for array in &mut submission.arrays {
        if array.level != level {
            level = array.level;
            before = std::mem::take(&mut of_level);
        }
        let dependency = (!before.is_empty()).then(|| format!("afterok{}", list(&before)));
        let job = Scheduler.submit(&folder.join(format!("{}.sh", array.name)), dependency.as_deref())?;
        array.job = Some(job);
        of_level.push(job);
    }
    let dependency = format!("afterany{}", list(&submission.jobs()));
    submission.gathers = Some(Scheduler.submit(&folder.join("gather.sh"), Some(&dependency))?);
    Ok(())
}

/// How many jobs there are, and of what.
fn told(submission: &Submission) -> String {
    let mut text = String::new();
    for array in &submission.arrays {
        let cells = array.tasks.iter().map(Vec::len).sum::<usize>();
        let seconds: f64 = array.tasks.iter().flatten().map(|cell| cell.seconds).sum();
        let job = array.job.map(|job| format!(" as job {job}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "{}{job}: {} in {}, {:.1} minutes by the plan",
            array.name,
            counted(cells, "step"),
            counted(array.tasks.len(), "task"),
            seconds / 60.0
        );
    }
    let job = submission.gathers.map(|job| format!(" as job {job}")).unwrap_or_default();
    let _ = writeln!(text, "gather{job}: tables, figures and reports");
    text
}
