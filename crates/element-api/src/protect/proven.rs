//! What the record of a granted call says of its answer: a hash, so that whoever has the log's key holds an answer to it.

use sceau_crypto::{Label, Sha256};
use sceau_trace::{ActorKind, Asserted, Evidence, EvidenceError, Hash, Outcome, VerifierKey};

use super::DatumId;
use crate::ApplicationId;

/// The detail of a record that has the hash, in hexadecimal.
pub const ANSWER: &str = "answer";

/// The parts of an answer that the element answers for.
#[derive(Debug, Clone, Copy)]
pub struct AnswerParts<'a> {
    /// The call, as it was signed: SHA-256 of the compact JWS.
    pub call: &'a [u8; 32],
    /// The datum.
    pub datum: &'a DatumId,
    /// The data key under the datum's key.
    pub wrapped_key: Option<&'a [u8]>,
    /// The data key, a compact JWE.
    pub data_key: Option<&'a str>,
    /// SHA-256 of the document's bytes.
    pub document: Option<&'a [u8; 32]>,
    /// The accesses, JSON as it came.
    pub accesses: Option<&'a str>,
    /// The certificate of erasure, JSON as it came.
    pub erasure: Option<&'a str>,
}

/// Why an answer is not taken for the element's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnprovenAnswer {
    /// It came without.
    #[error("the answer came without the log's proof of it")]
    Missing,
    /// The proof does not hold.
    #[error("the proof of the answer does not hold: {0}")]
    Evidence(#[from] EvidenceError),
    /// It proves something else.
    #[error("what the log has is not that the element answered this call so")]
    Other,
}

impl AnswerParts<'_> {
    /// `SHA-256("sceau/protect-answer" ‖ 00 ‖ call ‖ datum ‖ wrapped_key ‖ data_key ‖ document ‖ accesses ‖ erasure)`. Call and datum are 32 octets; before each of the
    /// others is its length (4 octets, big-endian), and of one that is not there `ffffffff` is all.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut hash = Label::ProtectAnswer.hasher();
        hash.update(self.call);
        hash.update(self.datum.as_bytes());
        part(&mut hash, self.wrapped_key);
        part(&mut hash, self.data_key.map(str::as_bytes));
        part(&mut hash, self.document.map(<[u8; 32]>::as_slice));
        part(&mut hash, self.accesses.map(str::as_bytes));
        part(&mut hash, self.erasure.map(str::as_bytes));
        Hash::new(hash.finish())
    }

    /// Holds the answer, said to be recorded at `index`, to its proof, under the log's key.
    ///
    /// # Errors
    /// [`UnprovenAnswer`].
    pub fn verify(
        &self,
        proof: Option<&Evidence>,
        (application, index): (ApplicationId, u64),
        log_key: &VerifierKey,
    ) -> Result<(), UnprovenAnswer> {
        let proven = proof.ok_or(UnprovenAnswer::Missing)?.verify(Some(log_key))?;
        let record = &proven.record;
        let by = (record.actor().kind, record.actor().id.as_str());
        let is = record.asserted() == Asserted::Application
            && by == (ActorKind::Application, application.to_string().as_str())
            && record.outcome() == Outcome::Granted
            && proven.index == index
            && record.detail().get(ANSWER) == Some(&self.digest().to_string());
        if is { Ok(()) } else { Err(UnprovenAnswer::Other) }
    }
}

fn part(hash: &mut Sha256, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return hash.update(&[0xff; 4]) };
    // Parts are bounded far below 4 GiB.
    hash.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX - 1).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `printf`, `xxd` and `sha256sum`, so that other languages can be held to the same bytes.
    #[test]
    fn the_hash_of_an_answer_is_the_documented_one() {
        let parts = AnswerParts {
            call: &[1; 32],
            datum: &[2; 32].into(),
            wrapped_key: Some(&[3, 3]),
            data_key: Some("a.b"),
            document: None,
            accesses: None,
            erasure: Some(""),
        };
        assert_eq!(
            parts.digest().to_string(),
            "798de34d812f13e48485f1ecf527c72eee5c76e360a458f1f9997816cf7a96d9"
        );
    }
}
