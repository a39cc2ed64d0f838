//! `ablate completions`: for shells.

use crate::Error;
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate completions bash > ~/.local/share/bash-completion/completions/ablate
  ablate completions zsh > ~/.zfunc/_ablate   # with fpath+=~/.zfunc before compinit in ~/.zshrc
  ablate completions fish > ~/.config/fish/completions/ablate.fish")]
pub(super) struct CompletionsArguments {
    /// Your shell
    shell: Shell,
}

/// `program` is the whole command line.
pub(super) fn run(arguments: CompletionsArguments, mut program: Command) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "ablate", &mut script);
    super::print::print(&String::from_utf8_lossy(&script))
}
