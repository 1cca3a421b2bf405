//! `sceau completions`: what a shell needs to complete our commands.

use clap_complete::Shell;

use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau completions bash > ~/.local/share/bash-completion/completions/sceau
  sceau completions fish > ~/.config/fish/completions/sceau.fish
  sceau completions zsh  > ~/.zfunc/_sceau";

/// For which shell.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsOptions {
    /// Your shell
    shell: Shell,
}

pub(super) fn run(options: &CompletionsOptions, mut program: clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut program, "sceau", &mut script);
    say::bytes(&script)
}
