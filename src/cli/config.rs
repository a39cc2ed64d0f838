//! `ablate config`: the resolved spec, with where each value came from.

use super::SpecArguments;
use crate::Error;
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    spec: SpecArguments,
    /// Without the comments that say where each value comes from
    #[arg(long)]
    plain: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let loaded = arguments.spec.load()?;
    super::print(&if arguments.plain { loaded.to_toml() } else { loaded.to_toml_with_origins() })
}
