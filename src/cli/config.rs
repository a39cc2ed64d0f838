//! `ablate config`: the resolved spec, with where each value came from.

use super::SpecArguments;
use crate::Error;
use crate::run;
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate config experiments/quickstart.toml
  ablate config experiments/paper/fig02-effects.toml --set model.source=models/SmolLM2-135M-Instruct.Q4_1.gguf
  ablate config mine.toml --plain > whole.toml   # in one file, every default written out")]
pub(super) struct Arguments {
    #[command(flatten)]
    spec: SpecArguments,
    /// Without the comments that say where each value comes from
    #[arg(long)]
    plain: bool,
    /// Without looking at the model: no profile of a known model is laid over the spec
    #[arg(long)]
    no_profile: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let mut loaded = arguments.spec.load()?;
    if !arguments.no_profile {
        loaded = run::settle(&loaded, false)?;
    }
    if let Some(recognised) = loaded.recognised() {
        super::print(&format!("# {recognised}\n\n"))?;
    }
    super::print(&if arguments.plain { loaded.to_toml() } else { loaded.to_toml_with_origins() })
}
