//! `ablate run`.

use super::arguments::SpecsArguments;
use super::plan;
use super::submit::{self, JobScheduler};
use crate::counted::{agreeing, counted};
use crate::plan::{Force, Plan, Session};
use crate::shard::{self, JoinedPlan, ShardNumber};
use crate::spec::Loaded;
use crate::system::progress::Progress;
use crate::{Error, experiment};
use clap::Args;
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate run experiments/quickstart.toml
  ablate run experiments/paper/ --set model.source=$HOME/models/Llama-3-8B
  ablate run fig02.toml --force=effects     # compute that step again, and what reads its rows
  ablate run fig02.toml --no-store          # compute everything, and keep nothing in the store
  ablate run experiments/ --filter 'name ~ fig0 and not kind = probe'
  ablate run experiments/ --jobs 2          # two specs at a time
  seq 4 | xargs -P4 -I{} ablate run s.toml --shard {}/4; ablate run s.toml   # four processes

A folder stands for its *.toml files, in the order of their names. All specs are checked before any
is run. If a step fails, only what depends on it is left out; the end of the run lists it. Results
of experiments/paper/fig02.toml go to results/paper/fig02, unless its output.dir says otherwise.
Steps that were computed before come from the store (`ablate store --help`).")]
pub(super) struct RunArguments {
    #[command(flatten)]
    specs: SpecsArguments,
    /// Compute steps even if the store has them: all, or one step and those that read its rows. Also replace the results of another spec
    #[arg(long, value_name = "STEP", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    force: Vec<String>,
    /// Neither read the store nor write to it
    #[arg(long)]
    no_store: bool,
    /// Print what would be computed and why, as `ablate plan` does, and stop
    #[arg(long)]
    dry: bool,
    /// How many specs to run at a time, each with its share of the threads and its own memory (`run.memory_mib`)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Compute only part I of N of the steps, into the store (docs/cluster.md)
    #[arg(long, value_name = "I/N", conflicts_with_all = ["force", "no_store", "jobs", "gather"])]
    shard: Option<ShardNumber>,
    /// Compute no step: make tables, figures and reports of what is stored
    #[arg(long, conflicts_with_all = ["force", "no_store"])]
    gather: bool,
    /// Run the steps as jobs on a cluster, as `ablate submit` does
    #[arg(long, value_name = "slurm", hide_possible_values = true, conflicts_with_all = ["force", "no_store", "jobs", "shard", "gather"])]
    on: Option<JobScheduler>,
    /// Print no progress, only errors
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(arguments: RunArguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(arguments.quiet)?;
    let progress = Progress::new(arguments.quiet);
    specs.passed_over().for_each(|sentence| progress.say(&sentence));
    let force = match arguments.force.as_slice() {
        [] => Force::Nothing,
        steps if steps.iter().any(String::is_empty) => Force::All,
        steps => Force::Steps(steps.to_vec()),
    };
    let mut session = Session::new(force, arguments.no_store);
    if arguments.gather {
        session = session.gathering();
    }
    if let Some(JobScheduler::Slurm) = arguments.on {
        let plans = specs.plan(arguments.quiet)?;
        return submit::jobs(&arguments.specs, &plans, &session, None, arguments.dry);
    }
    if let Some(part) = arguments.shard {
        let plans = specs.plan(arguments.quiet)?;
        return shard(&plans, part, &session, &progress, arguments.dry);
    }
    if arguments.dry {
        let plans = specs.plan(arguments.quiet)?;
        experiment::replaceable(&plans, &session)?;
        return plan::show(&plans, &session);
    }
    let plans = specs.plan_to_run(arguments.quiet, &session)?;
    if plans.len() > 1 {
        session.share(&plans)?;
    }
    experiment::all(&plans, &session, &progress, usize::from(arguments.jobs), |spec| {
        command_line(spec, &arguments.specs.sets)
    })
}

/// Computes one of several parts of all steps, or, `dry`, prints which they are.
fn shard(plans: &[Plan], part: ShardNumber, session: &Session, progress: &Progress, dry: bool) -> Result<(), Error> {
    let started = Instant::now();
    let joined = JoinedPlan::of(plans, Some(&mut shard::nominal))?;
    let shares = shard::split(&joined.cells, part.of);
    let share = &shares[part.number - 1];
    if dry {
        let lines: Vec<String> = share.iter().map(|&cell| joined.label(cell, plans) + "\n").collect();
        return super::print::print(&lines.concat());
    }
    let (cells, all) = (share.len(), joined.cells.len());
    progress.say(&format!("part {part}: {cells} of {}", counted(all, "step")));
    let done = shard::compute(plans, &joined, share, session, progress)?;
    progress.say(&format!(
        "part {part} is done: {} computed, {} {} in the store ({:.1} s)",
        counted(done.computed, "step"),
        done.stored,
        agreeing(done.stored, "was", "were"),
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// The command that runs one spec, for its report.
fn command_line(spec: &Loaded, sets: &[String]) -> String {
    let name = spec.sources.first().map_or("", |source| source.name());
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let words = ["ablate", "run", name].into_iter().chain(sets);
    words.map(super::print::quoted).collect::<Vec<_>>().join(" ")
}
