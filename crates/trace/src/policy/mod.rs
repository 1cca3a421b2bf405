//! C2SP tlog-policy: which logs are believed, and which of their witnesses must have cosigned a checkpoint.

mod parse;

use crate::{Cosignature, Fault, NoteError, SignedCheckpoint, VerifiedCheckpoint, VerifierKey};
use thiserror::Error;

/// A policy, read from its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    witnesses: Vec<PolicyWitness>,
    quorum: Quorum,
    text: String,
}

/// A witness that a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it.
    pub name: String,
    /// Its key, of the kind that cosigns.
    pub key: VerifierKey,
    /// Where it takes checkpoints (its submission prefix), where the policy says so.
    pub url: Option<String>,
}

/// Who must have cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Quorum {
    /// Nobody.
    None,
    /// One witness, by its number in the policy.
    Witness(usize),
    /// So many of these.
    Group { least: usize, members: Vec<Quorum> },
}

/// A policy file that is none. Whoever wrote it corrects it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct PolicySyntax {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// A checkpoint that a policy does not accept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// No log of the policy signed it.
    #[error("the checkpoint is of no log that the policy names")]
    OtherLog,
    /// Too few witnesses cosigned it.
    #[error("{found} of the policy's {known} witnesses cosigned this checkpoint, which is no quorum")]
    NoQuorum {
        /// How many did.
        found: usize,
        /// How many the policy names.
        known: usize,
    },
    /// A signature in the name of the log or of a witness does not hold.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl PolicyError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PolicyError::OtherLog => "policy.other_log",
            PolicyError::NoQuorum { .. } => "policy.no_quorum",
            PolicyError::Note(error) => error.code(),
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            PolicyError::OtherLog | PolicyError::NoQuorum { .. } => Fault::Log,
            PolicyError::Note(error) => error.fault(),
        }
    }
}

impl Policy {
    /// Reads a policy file. Of each key, the type must be the one of its use: a log's signs, a witness's cosigns.
    ///
    /// # Errors
    /// [`PolicySyntax`], with the line.
    pub fn parse(text: &str) -> Result<Self, PolicySyntax> {
        parse::policy(text)
    }

    /// The logs that it names; without any, the caller knows the log from elsewhere.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses that it names.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The same policy without its comments and addresses: what anybody may be shown, and reads as this one.
    pub fn to_text(&self) -> &str {
        &self.text
    }

    /// Whether it may be used for the log whose key this is: it names that one, or none.
    pub fn speaks_of(&self, log: &VerifierKey) -> bool {
        self.logs.is_empty() || self.logs.contains(log)
    }

    /// Verifies a checkpoint under one of the policy's logs, and its quorum.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn verify(&self, checkpoint: SignedCheckpoint) -> Result<VerifiedCheckpoint, PolicyError> {
        let verified = self.logs.iter().find_map(|key| checkpoint.clone().verify(key).ok());
        let verified = verified.ok_or(PolicyError::OtherLog)?;
        self.judge(&verified)?;
        Ok(verified)
    }

    /// Checks that enough witnesses cosigned a checkpoint that its log signed, and says who did.
    ///
    /// # Errors
    /// [`PolicyError::NoQuorum`]; [`PolicyError::Note`] for one wrong cosignature in the name of a witness of the policy.
    pub fn judge(&self, checkpoint: &VerifiedCheckpoint) -> Result<Vec<Cosignature>, PolicyError> {
        let keys: Vec<VerifierKey> = self.witnesses.iter().map(|witness| witness.key.clone()).collect();
        let found = checkpoint.cosignatures(&keys)?;
        let cosigned: Vec<bool> =
            keys.iter().map(|key| found.iter().any(|cosignature| cosignature.witness == *key)).collect();
        if self.quorum.is_met(&cosigned) {
            Ok(found)
        } else {
            Err(PolicyError::NoQuorum { found: found.len(), known: keys.len() })
        }
    }
}

impl Quorum {
    fn is_met(&self, cosigned: &[bool]) -> bool {
        match self {
            Quorum::None => true,
            Quorum::Witness(number) => cosigned.get(*number).copied().unwrap_or(false),
            Quorum::Group { least, members } => {
                members.iter().filter(|member| member.is_met(cosigned)).count() >= *least
            }
        }
    }
}
