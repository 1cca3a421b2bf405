//! C2SP tlog-cosignature: a witness's word that it saw this checkpoint, and that it extends all it saw before.

use crate::{CheckpointError, KeyKind, NoteError, NoteSignature, VerifiedCheckpoint, VerifierKey};

/// A cosignature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's key.
    pub witness: VerifierKey,
    /// When it cosigned, in unix seconds, by its own clock.
    pub time: u64,
}

impl VerifiedCheckpoint {
    /// The bytes that a witness signs at `time` (unix seconds).
    pub fn cosigned_text(&self, time: u64) -> String {
        format!("cosignature/v1\ntime {time}\n{}", self.note().text())
    }

    /// A witness's cosignature, which `sign` makes with its key over [`cosigned_text`](Self::cosigned_text)'s bytes: the line that it answers, without
    /// its line feed. It is verified before it is returned, so that a faulty signer is noticed at once.
    pub fn cosign<E: From<CheckpointError>>(
        &self,
        witness: &VerifierKey,
        time: u64,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<NoteSignature, E> {
        let signature = sign(self.cosigned_text(time).as_bytes())?;
        let line = NoteSignature::new(witness, [time.to_be_bytes().as_slice(), &signature].concat());
        self.check_cosignature(&line, witness).map_err(CheckpointError::from)?;
        Ok(line)
    }

    /// Adds a witness's signature over [`cosigned_text`](Self::cosigned_text), once it verifies.
    pub fn with_cosignature(
        self,
        witness: &VerifierKey,
        time: u64,
        signature: [u8; 64],
    ) -> Result<Self, CheckpointError> {
        let blob = [time.to_be_bytes().as_slice(), &signature].concat();
        self.with_witness_line(NoteSignature::new(witness, blob), witness)
    }

    /// Adds a signature line as a witness answers it, once it verifies. The line is given without its line feed.
    pub fn with_cosignature_line(self, line: &str, witness: &VerifierKey) -> Result<Self, CheckpointError> {
        self.with_witness_line(NoteSignature::parse(line)?, witness)
    }

    /// The cosignatures of those witnesses, one each at most. One that is wrong makes the whole checkpoint suspect, and
    /// is an error; how many are enough is the caller's policy.
    pub fn cosignatures(&self, witnesses: &[VerifierKey]) -> Result<Vec<Cosignature>, NoteError> {
        let mut found: Vec<Cosignature> = Vec::new();
        for witness in witnesses {
            // A witness listed under two names still is one witness.
            if found.iter().any(|known| known.witness.public() == witness.public()) {
                continue;
            }
            match self.note().signature_of(witness) {
                Ok(line) => found.push(self.check_cosignature(line, witness)?),
                Err(NoteError::NotSigned) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn with_witness_line(self, line: NoteSignature, witness: &VerifierKey) -> Result<Self, CheckpointError> {
        if line.name() != witness.name() || line.id() != witness.id() {
            return Err(NoteError::NotSigned.into());
        }
        self.check_cosignature(&line, witness)?;
        Ok(self.with_line(line)?)
    }

    fn check_cosignature(
        &self,
        line: &NoteSignature,
        witness: &VerifierKey,
    ) -> Result<Cosignature, NoteError> {
        if witness.kind() != KeyKind::Cosignature {
            return Err(NoteError::BadKey("it is not a cosignature key"));
        }
        let (time, signature) = line.blob().split_first_chunk::<8>().ok_or(NoteError::BadSignature)?;
        let time = u64::from_be_bytes(*time);
        if time > i64::MAX as u64 {
            return Err(NoteError::BadSignature);
        }
        witness.verify_raw(self.cosigned_text(time).as_bytes(), signature)?;
        Ok(Cosignature { witness: witness.clone(), time })
    }
}
