//! `ablate explain`: what a name of a spec stands for.

use super::names::NameParser;
use crate::{Error, reference};
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate explain activation-patching        # a kind of step: formula, source, keys, rows, example
  ablate explain indirect-effect kl         # measures
  ablate explain heatmap                    # a kind of figure
  ablate explain prompts prompts.sample     # a table of a spec, one of its keys
  ablate explain hook_z                     # a hook
  ablate explain steering                   # a word of the field: what it is called here
  ablate explain --all > docs/spec.md       # everything

`ablate list steps` (figures, measures, hooks, …) lists the names.")]
pub(super) struct ExplainArguments {
    /// Names of steps, figures, measures, hooks, tables or keys (TABLE.KEY), or words of the field
    #[arg(value_name = "NAME", required_unless_present = "all", value_parser = NameParser(names), hide_possible_values = true)]
    names: Vec<String>,
    /// Print everything, as Markdown
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

fn names() -> Vec<&'static str> {
    reference::names().collect()
}

pub(super) fn run(arguments: ExplainArguments) -> Result<(), Error> {
    if arguments.all {
        return super::print::print(&reference::markdown());
    }
    // Words of the field are often several: `ablate explain causal tracing`.
    let together = arguments.names.join(" ");
    let several = arguments.names.len() > 1 && reference::synonym(&together).is_some();
    let names = if several { std::slice::from_ref(&together) } else { &arguments.names };
    let mut pages = Vec::new();
    for name in names {
        let found = reference::find(name).map_err(Error::refused("explain"))?;
        pages.extend(found.iter().map(reference::page));
    }
    super::print::print(&pages.join("\n"))
}
