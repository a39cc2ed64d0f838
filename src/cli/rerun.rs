//! `ablate rerun`: what a manifest says was run, once more.

use crate::Error;
use crate::experiment::rerun::{Rerun, RerunSettings};
use crate::plan::Force;
use crate::system::progress::Progress;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate rerun results/quickstart
  ablate rerun results/quickstart/manifest.json --into /tmp/again
  ablate rerun results/quickstart --cached     # makes only tables and figures anew

The spec is run as it was then, whatever its files, --set and ABLATE_… variables are now. First the
command prints what differs from then: files, build of ablate, models, machine. It computes every
step and writes the results where they were. At the end it compares their checksums with those of
the manifest.

Exit codes: 0 all files are identical; 1 some are not; 2 the input was refused, for example because
a model has changed.")]
pub(super) struct RerunArguments {
    /// A manifest, or its results folder
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    /// Write the results into this folder instead
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Run even if a model has changed since
    #[arg(long)]
    any_model: bool,
    /// Take steps from the store if it has them
    #[arg(long)]
    cached: bool,
    /// Do not write to the store
    #[arg(long, conflicts_with = "cached")]
    no_store: bool,
    /// Print no progress, only errors
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(arguments: RerunArguments) -> Result<(), Error> {
    let rerun = Rerun::read(&arguments.manifest)?;
    let progress = Progress::new(arguments.quiet);
    rerun.run(RerunSettings {
        into: arguments.into,
        any_model: arguments.any_model,
        force: if arguments.cached { Force::Nothing } else { Force::All },
        no_store: arguments.no_store,
        progress: &progress,
    })
}
