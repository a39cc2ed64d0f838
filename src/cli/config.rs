//! `ablate config`: the resolved spec, with where each value came from.

use super::arguments::SpecArguments;
use crate::counted::counted;
use crate::spec::{Loaded, nearest};
use crate::{Error, check};
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate config experiments/quickstart.toml
  ablate config experiments/paper/fig02-effects.toml --set model.source=models/pythia-70m
  ablate config mine.toml --plain > whole.toml   # one file that stands alone, with every default")]
pub(super) struct ConfigArguments {
    #[command(flatten)]
    spec: SpecArguments,
    /// Print this variant of the spec's matrix: `dtype=bf16,sample=50`
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Leave out the comments that say where each value comes from
    #[arg(long)]
    plain: bool,
    /// Ignore the model, so that no profile of a known model applies
    #[arg(long)]
    no_profile: bool,
}

pub(super) fn run(arguments: ConfigArguments) -> Result<(), Error> {
    let mut loaded = arguments.spec.load()?;
    if !arguments.no_profile {
        loaded = check::settle(&loaded, false)?;
    }
    if let Some(name) = &arguments.variant {
        loaded = one(&loaded, name)?;
    }
    if let Some(sweep) = loaded.sweep() {
        let count = sweep.variants.len();
        super::print::print(&format!(
            "# {}; this is the first (--variant NAME prints another):\n",
            counted(count, "variant")
        ))?;
        for variant in &sweep.variants {
            super::print::print(&format!("#   {}\n", variant.name))?;
        }
        super::print::print("\n")?;
    }
    if let Some(recognised) = loaded.recognised() {
        super::print::print(&format!("# {recognised}\n\n"))?;
    }
    super::print::print(&if arguments.plain { loaded.to_toml() } else { loaded.to_toml_with_origins() })
}

/// The spec of one variant.
fn one(loaded: &Loaded, name: &str) -> Result<Loaded, Error> {
    let Some(sweep) = loaded.sweep() else {
        return Err(Error::refused(format!("--variant {name}"))("the spec has no [matrix]"));
    };
    let named = sweep.variants.iter().find(|variant| variant.name == name).map(|variant| variant.loaded.clone());
    named.ok_or_else(|| {
        let names: Vec<&str> = sweep.variants.iter().map(|variant| variant.name.as_str()).collect();
        let advice = match nearest(name, names.iter().copied()) {
            Some(near) => format!("no such variant; write '{near}'"),
            None => format!("no such variant; there are {}", names.join("; ")),
        };
        Error::refused(format!("--variant {name}"))(advice)
    })
}
