//! From a request to a proven claim: read the document, look up what the proof must verify under, verify. The look-up needs
//! the state for an instant; the reading and the signatures, which cost time, need it not.

use std::sync::Arc;

use sceau_crypto::{Fingerprint, Typ, VerifyingKey, jws};
use sceau_element_api::documents::{AccountStatus, CredentialDocument, KeyStatement, KeyUse};
use sceau_element_api::proof::{CoseKey, Expected, Proof, passkey_challenge, verify_assertion};
use sceau_element_api::wire::{Attest, Code, Refusal, Version};
use sceau_element_api::{AccountId, Kind, OrganisationId, RowId};

use crate::document::AnyDocument;
use crate::state::{Authority, Certified, State};

/// Which web pages may ask for passkeys.
#[derive(Debug, Clone)]
pub struct WebIdentity {
    /// The relying party.
    pub rp_id: String,
    /// Origins that count besides the one that a passkey was made at.
    pub origins: Vec<String>,
}

/// An attestation as asked for, its document read but its proof not verified.
#[derive(Debug)]
pub struct Claim {
    /// The kind of the row.
    pub kind: Kind,
    /// The row.
    pub id: RowId,
    /// The version that the caller believes current.
    pub previous: Option<Version>,
    /// The exact bytes of the document.
    pub payload: Vec<u8>,
    /// The document.
    pub document: AnyDocument,
    proof: Proof,
}

/// A claim whose proof verified under keys of the state as it was. The rules judge it against the state as it is.
#[derive(Debug)]
pub struct ProvenClaim {
    /// What is asked.
    pub claim: Claim,
    /// Who asks.
    pub authority: Authority,
}

impl ProvenClaim {
    /// The organisation whose data it acts on.
    pub(crate) fn organisation(&self) -> Option<OrganisationId> {
        match &self.claim.document {
            AnyDocument::ProtectAct(act) => Some(act.organisation),
            _ => None,
        }
    }
}

/// What a proof must verify under.
#[derive(Debug)]
pub enum ProofKey {
    /// A passkey.
    Passkey {
        /// The account that it belongs to.
        account: AccountId,
        /// Its row.
        credential: RowId,
        /// Its public key.
        key: CoseKey,
        /// Where it was made.
        origin: String,
        /// Whether its user must be verified: staff must.
        user_verification: bool,
    },
    /// An organisation's root, known by its fingerprint.
    Root(OrganisationId, Fingerprint),
    /// An organisation's signing key.
    Signing(OrganisationId, VerifyingKey),
    /// The security officer's certificate.
    Officer(Arc<Certified>),
    /// Nothing: the platform says so.
    None,
}

impl Claim {
    /// Reads a request.
    ///
    /// # Errors
    /// When the payload is not a document of the kind, or of another row.
    pub fn read(attest: Attest) -> Result<Self, Refusal> {
        let document = AnyDocument::parse(attest.kind, &attest.payload)?;
        if document.row() != attest.id {
            return Err(Refusal::new(Code::RowMismatch, "the payload names another row than the request"));
        }
        if let AnyDocument::ProtectAct(act) = &document
            && !act.is_in_words_of_today(&attest.payload)
        {
            return Err(Refusal::new(Code::DocumentMalformed, "field does: hold, release or erase"));
        }
        let Attest { kind, id, previous, payload, proof } = attest;
        Ok(Self { kind, id, previous, payload: payload.0, document, proof })
    }

    /// Finds what the proof must verify under.
    ///
    /// # Errors
    /// When the passkey or the organisation is unknown.
    pub fn proof_key(&self, state: &State) -> Result<ProofKey, Refusal> {
        match &self.proof {
            Proof::Passkey { credential_id, .. } => passkey(state, credential_id),
            Proof::PlatformAsserted => Ok(ProofKey::None),
            Proof::Jws { .. } => match &self.document {
                AnyDocument::KeyStatement(statement) => {
                    let id = statement.organisation;
                    let known = state.organisation(id).ok_or_else(organisation_unknown)?;
                    Ok(ProofKey::Root(id, known.root))
                }
                AnyDocument::Decision(decision) => {
                    let id = decision.organisation;
                    let current = state.current_key(id, KeyUse::Sign).ok_or_else(signing_key_unknown)?;
                    let key = current.signing.ok_or_else(signing_key_unknown)?;
                    Ok(ProofKey::Signing(id, key))
                }
                AnyDocument::KeyringPolicy(_)
                | AnyDocument::KeyringAccess(_)
                | AnyDocument::KeyringOfficer(_) => {
                    let words = "this element has no keyrings: start it with --keyrings-officer";
                    let officer = state.keyrings().officer().map(Arc::clone);
                    officer.map(ProofKey::Officer).ok_or_else(|| Refusal::new(Code::KindNotServed, words))
                }
                _ => Err(Refusal::new(
                    Code::ProofRequired,
                    format!("a JWS proves nothing for a row of kind {}", self.kind),
                )),
            },
        }
    }

    /// Verifies the proof over the exact payload.
    ///
    /// # Errors
    /// When it does not verify.
    pub fn prove(self, key: &ProofKey, web: &WebIdentity) -> Result<ProvenClaim, Refusal> {
        let authority = match key {
            ProofKey::None => Authority::Platform,
            ProofKey::Passkey { .. } => self.prove_passkey(key, web)?,
            ProofKey::Root(organisation, root) => {
                let statement = KeyStatement::verify(self.jws()?, root).map_err(invalid)?;
                self.same_bytes(statement.hash())?;
                Authority::Organisation { organisation: *organisation, signer: *root }
            }
            ProofKey::Signing(organisation, key) => {
                let payload = jws::verify(self.jws()?, Typ::Decision, key).map_err(invalid)?;
                self.same_bytes(sceau_trace::sha256(&payload))?;
                Authority::Organisation { organisation: *organisation, signer: key.fingerprint() }
            }
            ProofKey::Officer(officer) => {
                let typ = match self.kind {
                    Kind::KeyringAccess => Typ::KeyringAccess,
                    Kind::KeyringOfficer => Typ::KeyringOfficer,
                    _ => Typ::KeyringPolicy,
                };
                let payload = sceau_keyring::verify_jws(self.jws()?, typ, &officer.spki)?;
                self.same_bytes(sceau_trace::sha256(&payload))?;
                Authority::Officer { certificate: officer.certificate }
            }
        };
        Ok(ProvenClaim { claim: self, authority })
    }

    fn prove_passkey(&self, key: &ProofKey, web: &WebIdentity) -> Result<Authority, Refusal> {
        let ProofKey::Passkey { account, credential, key, origin, user_verification } = key else {
            return Err(Refusal::new(Code::ProofRequired, "a passkey is needed"));
        };
        let Some((assertion, nonce)) = self.proof.assertion() else {
            return Err(Refusal::new(Code::ProofRequired, "a passkey is needed"));
        };
        let origins: Vec<&str> = web.origins.iter().map(String::as_str).chain([origin.as_str()]).collect();
        let expected = Expected {
            challenge: &passkey_challenge(&nonce, self.kind, &self.payload),
            rp_id: &web.rp_id,
            origins: &origins,
            user_verification: *user_verification,
        };
        let verified = verify_assertion(&assertion, key, &expected).map_err(invalid)?;
        Ok(Authority::Passkey {
            credential: credential.clone(),
            account: *account,
            nonce,
            user_verified: verified.user_verified,
        })
    }

    fn jws(&self) -> Result<&str, Refusal> {
        match &self.proof {
            Proof::Jws { jws } => Ok(jws),
            Proof::Passkey { .. } | Proof::PlatformAsserted => {
                Err(Refusal::new(Code::ProofRequired, "a JWS of the organisation is needed"))
            }
        }
    }

    fn same_bytes(&self, signed: sceau_trace::Hash) -> Result<(), Refusal> {
        if signed == sceau_trace::sha256(&self.payload) {
            Ok(())
        } else {
            Err(Refusal::new(Code::ProofInvalid, "the JWS signs other bytes than the payload"))
        }
    }
}

fn passkey(state: &State, credential_id: &[u8]) -> Result<ProofKey, Refusal> {
    let row = CredentialDocument::row_of(credential_id);
    let unknown =
        || Refusal::new(Code::CredentialUnknown, "the passkey is not enrolled, or proves nothing any more");
    let credential =
        state.credential(&row).filter(|credential| credential.is_active()).ok_or_else(unknown)?;
    let account = state.account(credential.document.account).ok_or_else(unknown)?;
    if account.document.status != AccountStatus::Active {
        return Err(unknown());
    }
    Ok(ProofKey::Passkey {
        account: account.document.account,
        credential: row,
        key: credential.key.clone(),
        origin: credential.document.origin.clone(),
        user_verification: account.document.role.is_staff(),
    })
}

fn organisation_unknown() -> Refusal {
    Refusal::new(Code::OrganisationUnknown, "enrol the organisation first")
}

fn signing_key_unknown() -> Refusal {
    Refusal::new(Code::KeyUnknown, "the organisation has stated no signing key")
}

fn invalid(error: impl std::error::Error) -> Refusal {
    Refusal::new(Code::ProofInvalid, error.to_string())
}
