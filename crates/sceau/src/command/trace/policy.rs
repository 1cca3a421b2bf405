//! A policy of witnesses (C2SP tlog-policy), and what it says of a checkpoint.

use std::path::Path;

use sceau_trace::{Cosignature, Fault, Policy, PolicyError, VerifiedCheckpoint, VerifierKey};
use serde_json::{Value, json};

use super::words;
use crate::command::input;
use crate::failure::{Exit, Failure};

/// Reads a policy file.
pub(super) fn read(path: &Path) -> Result<Policy, Failure> {
    let text = String::from_utf8_lossy(&input::read_small(path, 1 << 20, "a policy")?).into_owned();
    Policy::parse(&text).map_err(|error| {
        let words = format!("{} is no policy (C2SP tlog-policy): {error}", path.display());
        Failure::new(Exit::Usage, "policy", words)
    })
}

/// The log's key, where the policy names one log alone.
pub(super) fn only_log(policy: &Policy) -> Option<VerifierKey> {
    match policy.logs() {
        [log] => Some(log.clone()),
        _ => None,
    }
}

/// Checks that enough witnesses cosigned, and says who did.
pub(super) fn judge(
    policy: &Policy,
    log: &VerifierKey,
    checkpoint: &VerifiedCheckpoint,
    label: &str,
) -> Result<Vec<Cosignature>, Failure> {
    let judged = if policy.speaks_of(log) { policy.judge(checkpoint) } else { Err(PolicyError::OtherLog) };
    judged.map_err(|error| {
        let advice = match &error {
            PolicyError::NoQuorum { .. } => {
                ": where it is new, fetch it again in a minute; else ask who runs the log why witnesses do not cosign"
            }
            PolicyError::OtherLog => ": compare the policy with the log's key",
            _ => ": it proves nothing; keep it, and ask who gave it to you",
        };
        let exit = if error.fault() == Fault::Log { Exit::Proof } else { Exit::Input };
        Failure::new(exit, error.code(), format!("{label}: {error}{advice}"))
    })
}

/// Who cosigned, for people: a line for each.
pub(super) fn lines(witnesses: &[Cosignature]) -> Vec<String> {
    let said = |cosignature: &Cosignature| {
        let when = words::moment(cosignature.time.saturating_mul(1000));
        words::line("Witness", &format!("{}, on {when}", cosignature.witness.name()))
    };
    witnesses.iter().map(said).collect()
}

/// The same for scripts; nothing where no policy was given.
pub(super) fn json(witnesses: Option<&[Cosignature]>) -> Value {
    let said =
        |cosignature: &Cosignature| json!({"name": cosignature.witness.name(), "time": cosignature.time});
    witnesses.map_or(Value::Null, |witnesses| witnesses.iter().map(said).collect())
}
