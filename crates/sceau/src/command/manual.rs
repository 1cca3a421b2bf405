//! `sceau manual`: pages for man(1), one for each command, as packages install them.

use std::path::PathBuf;

use crate::failure::Failure;

/// Where they go.
#[derive(Debug, clap::Args)]
pub(crate) struct ManualOptions {
    /// Folder that is there
    folder: PathBuf,
}

pub(super) fn run(options: &ManualOptions, program: clap::Command) -> Result<(), Failure> {
    clap_mangen::generate_to(program, &options.folder)
        .map_err(|cause| Failure::file("write manual pages to", &options.folder, &cause))
}
