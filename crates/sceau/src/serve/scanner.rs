//! The process that a key manager starts for each document that it has examined.

use sceau_store::ClamdAddress;

use crate::failure::{Exit, Failure};

/// One document to examine, which comes on standard input.
#[derive(Debug, clap::Args)]
pub(crate) struct ScannerOptions {
    /// The antivirus, as unix:/run/clamav/clamd.ctl; once for each daemon
    #[arg(long, required = true)]
    antivirus: Vec<ClamdAddress>,
}

/// Examines it and says the verdict.
pub(crate) fn run(options: &ScannerOptions) -> Result<(), Failure> {
    sceau_keymanager::scan_one(&options.antivirus)
        .map_err(|error| Failure::new(Exit::System, "scanner", error.to_string()))
}
