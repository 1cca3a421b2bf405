use crate::{AddCheckpoint, Checkpoint, Fault, VerifiedCheckpoint, VerifierKey, verify_consistency};
use thiserror::Error;

/// Why a witness does not cosign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WitnessRefusal {
    /// No request of the protocol.
    #[error("not a request to add a checkpoint (C2SP tlog-witness)")]
    Malformed,
    /// No log that this witness was told of.
    #[error("this witness does not know that log")]
    UnknownLog,
    /// No key of that log signed the checkpoint.
    #[error("the log did not sign this checkpoint with a key that this witness knows")]
    NotSigned,
    /// The old size is beyond the new one.
    #[error("the old size is larger than the checkpoint's")]
    Backwards,
    /// The last checkpoint that was cosigned had another size.
    #[error("the last checkpoint that was cosigned has {latest} entries")]
    Conflict {
        /// Its size; 0 where none was cosigned.
        latest: u64,
    },
    /// The same size, another root: the log shows two histories. Keep both checkpoints.
    #[error("the checkpoint that was cosigned at this size has another root: the log forked")]
    Forked {
        /// Its size.
        latest: u64,
    },
    /// The proof does not show that the new tree extends the old one.
    #[error("the proof does not show that the checkpoint extends the last one")]
    BadProof,
}

impl WitnessRefusal {
    /// The HTTP status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::Backwards => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } | Self::Forked { .. } => 409,
            Self::BadProof => 422,
        }
    }

    /// The size that the answer says (`text/x.tlog.size`), where it says one.
    pub fn latest(self) -> Option<u64> {
        match self {
            Self::Conflict { latest } | Self::Forked { latest } => Some(latest),
            _ => None,
        }
    }

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "witness.malformed",
            Self::UnknownLog => "witness.unknown_log",
            Self::NotSigned => "witness.not_signed",
            Self::Backwards => "witness.backwards",
            Self::Conflict { .. } => "witness.conflict",
            Self::Forked { .. } => "witness.forked",
            Self::BadProof => "witness.bad_proof",
        }
    }

    /// Who has to act.
    pub fn fault(self) -> Fault {
        match self {
            Self::Malformed | Self::UnknownLog | Self::Backwards | Self::Conflict { .. } => Fault::Sender,
            Self::NotSigned | Self::Forked { .. } | Self::BadProof => Fault::Log,
        }
    }
}

/// Judges a request, in the protocol's order: `known` are the keys of logs that the witness was told of, `latest` is the checkpoint of this log that it cosigned
/// last. What comes out may be remembered in its place, and cosigned once it is on disk.
///
/// # Errors
/// [`WitnessRefusal`].
pub fn admit(
    known: &[VerifierKey],
    latest: Option<&Checkpoint>,
    request: AddCheckpoint,
) -> Result<VerifiedCheckpoint, WitnessRefusal> {
    let AddCheckpoint { old_size, proof, checkpoint } = request;
    let origin = checkpoint.unverified().origin();
    let mut keys = known.iter().filter(|key| key.name() == origin).peekable();
    keys.peek().ok_or(WitnessRefusal::UnknownLog)?;
    let verified = keys.find_map(|key| checkpoint.clone().verify(key).ok());
    let new = verified.ok_or(WitnessRefusal::NotSigned)?;
    if old_size > new.size() {
        return Err(WitnessRefusal::Backwards);
    }
    let latest_size = latest.map_or(0, Checkpoint::size);
    if old_size != latest_size {
        return Err(WitnessRefusal::Conflict { latest: latest_size });
    }
    match latest {
        Some(old) if old.size() == new.size() && old.root() != new.root() => {
            Err(WitnessRefusal::Forked { latest: latest_size })
        }
        Some(old) => verify_consistency(old_size, new.size(), &proof, &old.root(), &new.root())
            .map_err(|_| WitnessRefusal::BadProof)
            .map(|()| new),
        None if proof.is_empty() => Ok(new),
        None => Err(WitnessRefusal::BadProof),
    }
}
