//! `ablate run`.

use super::arguments::SpecsArguments;
use super::plan;
use crate::plan::{Force, Session};
use crate::spec::Loaded;
use crate::system::progress::Progress;
use crate::{Error, experiment};
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate run experiments/quickstart.toml
  ablate run experiments/paper/ --set model.source=$HOME/models/Llama-3-8B
  ablate run fig02.toml fig03.toml
  ablate run fig02.toml --force=effects     # that step, and what reads its rows, though the store has them
  ablate run fig02.toml --no-store          # everything, and nothing is kept
  ablate run experiments/ --filter 'name ~ fig0 and not kind = probe'
  ablate run experiments/ --jobs 2          # two specs at a time

A folder stands for its *.toml files, in the order of their names. All specs are checked before any is run. What fails
stops only what depends on it; the end lists what failed, and what was not made because of it. Results of experiments/paper/fig02.toml go to
results/paper/fig02, unless its output.dir says otherwise. Steps that were computed before, by this program with the same
parameters, prompts and model, are taken from the store (`ablate store --help`).")]
pub(super) struct RunArguments {
    #[command(flatten)]
    specs: SpecsArguments,
    /// Compute steps even if the store has them: all, or one step and those that read its rows. Also replaces the results of another spec
    #[arg(long, value_name = "STEP", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    force: Vec<String>,
    /// Neither read the store nor write to it
    #[arg(long)]
    no_store: bool,
    /// Say what would be computed and why, as `ablate plan` does, and stop
    #[arg(long)]
    dry: bool,
    /// How many specs to run at a time, each with its share of the threads and its own memory (`run.memory_mib`)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// No progress, only errors
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(arguments: RunArguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(arguments.quiet)?;
    let progress = Progress::new(arguments.quiet);
    specs.passed_over().for_each(|sentence| progress.say(&sentence));
    let plans = specs.plan(arguments.quiet)?;
    let force = match arguments.force.as_slice() {
        [] => Force::Nothing,
        steps if steps.iter().any(String::is_empty) => Force::All,
        steps => Force::Steps(steps.to_vec()),
    };
    let mut session = Session::new(force, arguments.no_store);
    if arguments.dry {
        experiment::replaceable(&plans, &session)?;
        return plan::show(&plans, &session);
    }
    if plans.len() > 1 {
        session.share(&plans)?;
    }
    experiment::all(&plans, &session, &progress, usize::from(arguments.jobs), |spec| {
        command_line(spec, &arguments.specs.sets)
    })
}

/// The command that runs one spec, for its report.
fn command_line(spec: &Loaded, sets: &[String]) -> String {
    let name = spec.sources.first().map_or("", |source| source.name());
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let words = ["ablate", "run", name].into_iter().chain(sets);
    words.map(super::print::quoted).collect::<Vec<_>>().join(" ")
}
