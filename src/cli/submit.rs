//! `ablate submit`: the steps of specs as jobs of a cluster.

use super::arguments::SpecsArguments;
use crate::Error;
use crate::cluster::{SubmittedCommand, settings, site_file, submit};
use crate::context::Models;
use crate::cost::Workload;
use crate::model::ModelName;
use crate::plan::{Plan, Session, Speeds, beside};
use crate::shard::JoinedPlan;
use crate::system::progress::Progress;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Who runs jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum JobScheduler {
    Slurm,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate submit sweep.toml --dry            # print the scripts, and submit nothing
  ablate submit sweep.toml                  # the same as `ablate run sweep.toml --on slurm`
  ablate status sweep.toml

Steps that the store has are not computed again. The table [slurm] of the spec says what a task asks
the cluster for: partition, time, memory and so on. What it leaves out comes from your site's file,
~/.config/ablate/site.toml or /etc/ablate/site.toml (docs/cluster.md).")]
pub(super) struct SubmitArguments {
    #[command(flatten)]
    specs: SpecsArguments,
    /// A file with a table [slurm], for the settings that specs leave out
    #[arg(long, value_name = "FILE")]
    site: Option<PathBuf>,
    /// Print the scripts and submit nothing
    #[arg(long)]
    dry: bool,
}

pub(super) fn run(arguments: SubmitArguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(false)?;
    let progress = Progress::new(false);
    specs.passed_over().for_each(|sentence| progress.say(&sentence));
    let plans = specs.plan(false)?;
    jobs(&arguments.specs, &plans, &Session::default(), arguments.site, arguments.dry)
}

/// Submits what these specs have to compute; `site` is the file with the cluster's settings, where one is named.
pub(super) fn jobs(
    specs: &SpecsArguments,
    plans: &[Plan],
    session: &Session,
    site: Option<PathBuf>,
    dry: bool,
) -> Result<(), Error> {
    let site = site.or_else(|| site_file(|name| std::env::var(name).ok()));
    let mut slurm = settings(plans, site.as_deref())?;
    let threads = plans.iter().filter_map(|plan| plan.loaded().spec.run.threads).max();
    slurm.cpus = slurm.cpus.or(threads);
    let joined = timed(plans)?;
    let command = SubmittedCommand {
        program: std::env::current_exe().map_err(Error::failed("the running program"))?,
        folder: std::env::current_dir().map_err(Error::failed("the current folder"))?,
        specs: specs.specs.clone(),
        sets: specs.sets.clone(),
        filter: specs.filter.clone(),
        environment: std::env::vars().filter(|(name, _)| name.starts_with("ABLATE_")).collect(),
    };
    super::print::print(&submit(plans, &joined, session, command, &slurm, dry)?)
}

/// The steps of specs, timed on this machine.
pub(super) fn timed(plans: &[Plan]) -> Result<JoinedPlan, Error> {
    let mut speeds = Speeds::default();
    let mut timing = |work: &Workload, on: Option<(&ModelName, &Models)>| match on {
        None => Ok(beside(work)),
        Some((name, models)) => {
            let arithmetic = speeds.of(name, models)?.seconds(work);
            // The next layer is read while one computes.
            let reading = speeds.reading(work, name, models)?.map_or(0.0, |reading| reading.seconds);
            Ok(arithmetic.max(reading))
        }
    };
    JoinedPlan::of(plans, Some(&mut timing))
}
