//! What a client believes, and why: nothing that the platform says without a proof under the log key that the client pinned.

use sceau_crypto::{Fingerprint, RecipientKey, RecipientSuite};
use sceau_element_api::documents::{Document, KeyStatement, KeySuite, KeyUse};
use sceau_element_api::{DossierId, Kind, OrganisationId, RowId, SchemeId};
use sceau_trace::{Asserted, Evidence, Hash, Outcome, Record, Subject, VerifierKey};
use serde::{Deserialize, Serialize};

use crate::{ClientError, Server};

/// Evidence that verified, of an attestation of one row.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The record in the log.
    pub record: Record,
    /// Its log index.
    pub index: u64,
    /// Size of the log that the checkpoint commits to.
    pub size: u64,
}

impl Attestation {
    /// Whether an actor proved it, or the platform alone says so.
    pub fn asserted(&self) -> Asserted {
        self.record.asserted()
    }

    /// Whether this is how `dossier` began: of this depositor, scheme and organisation.
    pub(crate) fn begins(
        &self,
        dossier: DossierId,
        depositor: &str,
        scheme: SchemeId,
        organisation: OrganisationId,
    ) -> bool {
        let record = &self.record;
        let first = record.attested().is_some_and(|row| {
            row.kind == Kind::Dossier.as_str() && row.id == dossier.to_string() && row.version == 1
        });
        let answers = |it: &Subject| it.kind == "scheme" && it.id == scheme.to_string();
        first
            && record.outcome() == Outcome::Granted
            && record.actor().id == depositor
            && record.organisation() == Some(organisation.to_string().as_str())
            && record.subjects().iter().any(answers)
    }
}

/// Verifies that `evidence` is of the attestation of row `id` with a document of `hash`, in the log of `log_key`.
///
/// # Errors
/// [`ClientError::Unproven`], saying what does not hold.
pub fn attested(
    evidence: &serde_json::Value,
    log_key: &VerifierKey,
    kind: Kind,
    id: &RowId,
    hash: Hash,
) -> Result<Attestation, ClientError> {
    let verified = verify(evidence, log_key)?;
    let names_it = verified.record.attested().is_some_and(|attested| {
        attested.kind == kind.as_str() && attested.id == id.as_str() && attested.hash == hash
    });
    if !names_it || verified.record.outcome() != Outcome::Granted {
        return Err(ClientError::Unproven(format!("the evidence is not of this {kind}")));
    }
    Ok(verified)
}

/// Verifies an evidence file under the log key that the caller pinned.
///
/// # Errors
/// [`ClientError::Unproven`], saying what does not hold.
pub fn verify(evidence: &serde_json::Value, log_key: &VerifierKey) -> Result<Attestation, ClientError> {
    let unproven = |error: sceau_trace::EvidenceError| ClientError::Unproven(error.to_string());
    let evidence = Evidence::parse(evidence.to_string().as_bytes()).map_err(unproven)?;
    let verified = evidence.verify(Some(log_key)).map_err(unproven)?;
    Ok(Attestation { record: verified.record, index: verified.index, size: verified.size })
}

/// The log key that the platform names: what the caller pins at first sight, or else the one that it knows already.
///
/// # Errors
/// [`ClientError::Unproven`] when it is another than `known`.
pub async fn log_key(server: &Server, known: Option<&VerifierKey>) -> Result<VerifierKey, ClientError> {
    let config: Config = server.get("/v1/config").await?;
    let offered = VerifierKey::parse(&config.log_key).map_err(|_| ClientError::Answer)?;
    match known {
        Some(known) if *known != offered => {
            Err(ClientError::Unproven("the log has another key than before".to_owned()))
        }
        _ => Ok(offered),
    }
}

#[derive(Deserialize)]
struct Config {
    log_key: String,
}

/// A recipient key as the platform hands it out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfferedKey {
    /// The statement, a JWS under the organisation's root.
    pub statement_jws: String,
    /// The evidence file of its entry in the log.
    pub evidence: serde_json::Value,
    /// Fingerprint of the root that the platform says it enrolled.
    pub root_fingerprint: Fingerprint,
}

/// A recipient key that an organisation's root states and the log holds.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    /// The statement.
    pub statement: KeyStatement,
    /// The key to seal to.
    pub key: RecipientKey,
    /// Log index of the statement.
    pub index: u64,
}

impl OfferedKey {
    /// Checks the whole chain: root, statement, log, suite, key id, dates at `now` (Unix milliseconds).
    ///
    /// The element appends such an entry only for a statement that the enrolled root signed, so the evidence under the pinned log
    /// key is what a swapped key cannot have.
    ///
    /// # Errors
    /// [`ClientError::Unproven`], saying what does not hold. Nothing may then be sealed.
    pub fn verify(
        &self,
        organisation: OrganisationId,
        log_key: &VerifierKey,
        now: u64,
    ) -> Result<TrustedKey, ClientError> {
        let unproven = |what: &str| ClientError::Unproven(what.to_owned());
        let verified = KeyStatement::verify(&self.statement_jws, &self.root_fingerprint)
            .map_err(|_| unproven("the organisation’s root did not sign this key"))?;
        let hash = verified.hash();
        let statement = verified.into_document();
        if statement.organisation != organisation || statement.key_use != KeyUse::Encrypt {
            return Err(unproven("the key is another organisation’s, or is not for sealing"));
        }
        let attestation = attested(&self.evidence, log_key, Kind::KeyStatement, &statement.row(), hash)?;
        if attestation.asserted() != Asserted::Organisation {
            return Err(unproven("the log does not say that the organisation stated this key"));
        }
        if !(statement.not_before..statement.not_after).contains(&now) {
            return Err(unproven("the key is not valid now"));
        }
        let suite = match statement.suite {
            KeySuite::XWing => RecipientSuite::HpkeXWing,
            KeySuite::RsaOaep256 => RecipientSuite::RsaOaep256,
            KeySuite::Ed25519 => return Err(unproven("the key is not for sealing")),
        };
        let key = RecipientKey::parse(suite, &statement.public_key)
            .map_err(|_| unproven("the key is not one of its suite"))?;
        if key.key_id() != statement.key_id {
            return Err(unproven("the key has another id than stated"));
        }
        Ok(TrustedKey { statement, key, index: attestation.index })
    }
}
