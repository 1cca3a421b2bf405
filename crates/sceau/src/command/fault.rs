//! Errors of other rooms, in the command line's words: who is at fault, what to do, which exit code.

use std::path::Path;

use sceau_crypto::envelope::{OpenError, SealError};
use sceau_crypto::stream::StreamError;
use sceau_pki::StampRefusal;
use sceau_trace::{CheckpointError, EvidenceError, Fault};

use crate::failure::{Exit, Failure};

/// A stream from `input` to `output` that failed.
pub(super) fn stream(error: &StreamError, input: &str, output: &str) -> Failure {
    let (exit, words) = match error {
        StreamError::Read(cause) => (Exit::System, format!("cannot read {input}: {cause}")),
        StreamError::Write(cause) => (Exit::System, format!("cannot write {output}: {cause}")),
        StreamError::Open(error) => return open(error, input),
        StreamError::Seal(error) => return seal(error),
        error => (Exit::System, error.to_string()),
    };
    Failure::new(exit, error.code(), words)
}

/// A time stamp that is not believed, or not given.
pub(super) fn stamp(error: StampRefusal, label: &str) -> Failure {
    let exit = match error {
        StampRefusal::Malformed | StampRefusal::TooLong => Exit::Input,
        StampRefusal::NotGranted { .. } | StampRefusal::NotNow => Exit::System,
        _ => Exit::Proof,
    };
    Failure::new(exit, error.code(), format!("{label}: {error}"))
}

/// An envelope that is refused.
pub(super) fn open(error: &OpenError, input: &str) -> Failure {
    let exit = if *error == OpenError::NotARecipient { Exit::Key } else { Exit::Input };
    Failure::new(exit, error.code(), format!("{input}: {error}"))
}

/// An envelope that cannot be made: the command's to correct.
pub(super) fn seal(error: &SealError) -> Failure {
    Failure::new(Exit::Usage, error.code(), error.to_string())
}

/// A key file that does not open.
pub(super) fn wrong_passphrase(key: &Path) -> Failure {
    let words = format!("{} does not open: the passphrase is wrong, or the file was altered", key.display());
    Failure::new(Exit::Key, "key_passphrase", words)
}

/// An evidence file that proves nothing.
pub(super) fn evidence(error: &EvidenceError, input: &str) -> Failure {
    let advice = match error {
        EvidenceError::OtherLog => ": compare the key that you gave with the log's",
        EvidenceError::UnknownVersion => ": upgrade this program",
        error if error.fault() == Fault::Log => ": it proves nothing; keep it, and ask who gave it to you",
        _ => ": the file is damaged, or something else; fetch it again",
    };
    Failure::new(exit_of(error.fault()), error.code(), format!("{input}: {error}{advice}"))
}

/// A checkpoint that does not hold.
pub(super) fn checkpoint(error: &CheckpointError, input: &str) -> Failure {
    let advice = match error {
        CheckpointError::NotAnExtension(_) => {
            ": the log was rewritten. Keep both checkpoints: together they prove it"
        }
        error if error.fault() == Fault::Log => ": compare the key that you gave with the log's",
        _ => ": the file is damaged, or something else",
    };
    Failure::new(exit_of(error.fault()), error.code(), format!("{input}: {error}{advice}"))
}

/// A log whose content is not what its checkpoint says.
pub(super) fn log(code: &str, words: impl Into<String>) -> Failure {
    Failure::new(Exit::Proof, code, words)
}

fn exit_of(fault: Fault) -> Exit {
    if fault == Fault::Log { Exit::Proof } else { Exit::Input }
}
