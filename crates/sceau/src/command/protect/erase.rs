//! Erasing a datum, and its certificate.

use std::io::Write as _;
use std::path::PathBuf;

use sceau_client::protect::{Application, User};
use sceau_element_api::protect::{DatumId, Erasure, NotCovered, VerifiedErasure};
use sceau_trace::VerifierKey;
use serde_json::json;

use super::super::output::{Access, Output};
use super::super::trace::words;
use super::owner::DatumOptions;
use super::{CallerOptions, wait_for};
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau erase --application hr.toml --user alice payslip.pdf.sceau --certificate payslip.erasure
  sceau erase --application hr.toml --user alice --datum DATUM --certificate payslip.erasure --force
  sceau trace verify payslip.erasure --log-key @log.vkey

There is no way back. The element refuses the key at once; with the next epoch it destroys the last key that a copy of its state could have \
opened it with: ask again then, and the certificate says so. Keys that were given out before are not called back.";

/// What to erase.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EraseOptions {
    #[command(flatten)]
    by: CallerOptions,
    #[command(flatten)]
    which: DatumOptions,
    /// Write the certificate of erasure there; where the datum was erased before, that is all that is done
    #[arg(long, value_name = "OUT")]
    certificate: Option<PathBuf>,
    /// Overwrite an older certificate
    #[arg(long, requires = "certificate")]
    force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn erase(options: &EraseOptions) -> Result<(), Failure> {
    let (application, user) = options.by.read()?;
    // What could not be written must not be found out afterwards.
    let output = options.certificate.as_deref();
    let output = output.map(|path| Output::file(path, Access::Shared, options.force)).transpose()?;
    let (datum, what) = which(options, &application, &user)?;
    let changed = wait_for(async { Ok(application.erase(&user, datum).await?) })?;
    let certified = output.map(|output| write(output, &application, &user, datum)).transpose();
    let certified =
        certified.map_err(|failure| failure.and("it is erased: run this again for its certificate"))?;
    if options.json {
        return say::json(&json!({"datum": datum, "record": changed.index, "certificate": certified}));
    }
    say::remark(&format!("Erased {what}: nobody gets its key again"));
    if let Some(erasure) = &certified {
        say::remark(&lines(erasure).join("\n"));
    }
    Ok(())
}

/// What is erased is what a file is truly under. Of one that was erased before, nothing opens the file any more, and nothing is left to lose.
fn which(
    options: &EraseOptions,
    application: &Application,
    user: &User,
) -> Result<(DatumId, String), Failure> {
    match options.which.proven(application, user) {
        Err(failure) if failure.code == "datum_erased" => {
            let datum = options.which.said()?;
            Ok((datum, format!("datum {datum}")))
        }
        proven => proven,
    }
}

fn write(
    mut output: Output,
    application: &Application,
    user: &User,
    datum: DatumId,
) -> Result<Erasure, Failure> {
    let erasure = wait_for(async { Ok(application.erasure(user, datum).await?) })?.erasure;
    let text = serde_json::to_vec_pretty(&erasure).map_err(std::io::Error::other);
    let written = text.and_then(|text| output.write_all(&text));
    written.map_err(|cause| Failure::system("write the certificate", &cause))?;
    output.commit()?;
    Ok(erasure)
}

/// Verifies a certificate, without any network.
pub(in super::super) fn verify(
    bytes: &[u8],
    label: &str,
    log_key: Option<&VerifierKey>,
    as_json: bool,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Proof, "erasure_unproven", format!("{label}: {error}"))
    };
    let erasure = Erasure::parse(bytes).map_err(|error| failed(&error))?;
    let VerifiedErasure { erasure, log_key, key_pinned } =
        erasure.verify(log_key).map_err(|error| failed(&error))?;
    if as_json {
        return say::json(&json!({
            "verified": true, "key_pinned": key_pinned, "log_key": log_key.to_string(), "erasure": erasure,
        }));
    }
    let mut all = lines(&erasure);
    all.push(words::line("Datum", &erasure.datum.to_string()));
    all.push(words::line("Log", log_key.name()));
    all.push(String::new());
    all.push(if key_pinned {
        "Verified: the log signed these records, under the key that you gave.".to_owned()
    } else {
        words::not_pinned(&log_key)
    });
    say::result(&all.join("\n"))
}

/// What a certificate says, in words.
fn lines(erasure: &Erasure) -> Vec<String> {
    let (epoch, at) = (erasure.epoch, say::count(erasure.erased.index));
    let mut lines = vec![format!("Erased on {} (record {at}).", words::moment(erasure.erased.time))];
    lines.push(match erasure.destroyed {
        Some(destroyed) => format!(
            "The key of epoch {epoch}, with which a copy of the element's state could have opened it, had been destroyed on {} (record {}).",
            words::moment(destroyed.time),
            say::count(destroyed.index)
        ),
        None => {
            let by = erasure.due.map_or_else(
                || "the element does not say by when it is to be destroyed".to_owned(),
                |due| format!("it is to be destroyed by {}", words::moment(due)),
            );
            format!("The key of epoch {epoch}, with which a copy of the element's state could open it, is there still: {by}.")
        }
    });
    lines.extend(erasure.not_covered.iter().map(|what| match what {
        NotCovered::KeysHandedOut => "Not covered: keys that were given out before, and what was opened with them.".to_owned(),
        NotCovered::KeystoreCopies => {
            "Not covered: copies of the element's keystore from before that key was destroyed; its keys are in files, or were, as far as the log knows.".to_owned()
        }
        NotCovered::TokenBackups => {
            "Not covered: backups of the element's token from before that key was destroyed, which the token's own tools made.".to_owned()
        }
        _ => "Not covered: something that this program has no words for.".to_owned(),
    }));
    lines
}

/// Whether a file is a certificate of erasure.
pub(in super::super) fn is_certificate(bytes: &[u8]) -> bool {
    Erasure::is_one(bytes)
}
