//! What the rules need to know of each attested document.

use std::sync::Arc;

use sceau_crypto::jose::KeySet;
use sceau_crypto::{Fingerprint, KeyId, VerifyingKey};
use sceau_element_api::documents::{
    AccountDocument, ApplicationDocument, CredentialDocument, CredentialStatus, DossierState, KeyStatement,
    KeyUse,
};
use sceau_element_api::proof::CoseKey;
use sceau_element_api::wire::Version;
use sceau_element_api::{AccountId, Nonce, OrganisationId, RowId};
use sceau_trace::Hash;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its public name.
    pub name: String,
    /// The fingerprint of its root.
    pub root: Fingerprint,
}

/// The keys that an organisation stated for one use. Those that a root stated count while that root is the enrolled one.
#[derive(Debug, Clone)]
pub struct KeyChain {
    /// The last one.
    pub current: StatedKey,
    /// The one before.
    pub previous: Option<StatedKey>,
}

/// A stated key.
#[derive(Debug, Clone)]
pub struct StatedKey {
    /// Its id.
    pub id: KeyId,
    /// The root that stated it.
    pub root: Option<Fingerprint>,
    /// The number of its statement.
    pub serial: u64,
    /// From when it may be used, in Unix milliseconds.
    pub not_before: u64,
    /// Until when it may be used, in Unix milliseconds.
    pub not_after: u64,
    /// When the element attested it, in Unix milliseconds.
    pub attested: u64,
    /// The key itself, when it signs.
    pub signing: Option<VerifyingKey>,
}

impl StatedKey {
    /// What a statement says, attested at `time`.
    #[must_use]
    pub fn new(statement: &KeyStatement, time: u64) -> Self {
        Self {
            id: statement.key_id,
            root: statement.root(),
            serial: statement.serial,
            not_before: statement.not_before,
            not_after: statement.not_after,
            attested: time,
            signing: (statement.key_use == KeyUse::Sign).then(|| statement.signing_key()).flatten(),
        }
    }

    /// Whether it may be used at `time`.
    #[must_use]
    pub fn is_valid_at(&self, time: u64) -> bool {
        (self.not_before..self.not_after).contains(&time)
    }
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// What was attested.
    pub document: AccountDocument,
    /// Whether a passkey may be enrolled without another one.
    pub enrolment: Enrolment,
    /// Passkeys in use.
    pub active_credentials: u32,
    /// Since when it is what it is, in Unix milliseconds: enrolled, of this role and these applications, in use, and invited for the last time.
    pub since: u64,
    /// The accounts whose passkeys enrolled, changed or invited it.
    pub vouched: Vec<AccountId>,
}

/// Whether an account may enrol a passkey on first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// It may: it never had one, or an administrator's passkey invited it again.
    Open,
    /// Only one of its passkeys can enrol another.
    Closed,
}

/// A passkey.
#[derive(Debug, Clone)]
pub struct Credential {
    /// What was attested.
    pub document: CredentialDocument,
    /// When its first version was, in Unix milliseconds.
    pub since: u64,
    /// Its public key.
    pub key: CoseKey,
}

impl Credential {
    /// Whether it is in use.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.document.status == CredentialStatus::Active
    }
}

/// A scheme.
#[derive(Debug, Clone)]
pub struct Scheme {
    /// The organisation that publishes it.
    pub organisation: OrganisationId,
    /// Its versions, the current one last: an open draft answers the form that it was shown.
    pub versions: Vec<SchemeVersion>,
}

/// A version of a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemeVersion {
    /// SHA-256 of its bytes.
    pub hash: Hash,
    /// The intake whose word each file needs; none where depositors seal.
    pub intake: Option<VerifyingKey>,
}

/// A dossier.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// What was attested.
    pub document: DossierState,
    /// Log index of the attestation of its first version.
    pub begun: u64,
}

/// What is known of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestFact {
    /// SHA-256 of its bytes.
    pub hash: Hash,
}

/// An application.
#[derive(Debug, Clone)]
pub struct Application {
    /// What was attested.
    pub document: Arc<ApplicationDocument>,
    /// The keys that its calls verify under; none where it has none in use.
    pub keys: Option<Arc<KeySet>>,
    /// The keys that its users' ID tokens verify under; none where it asserts its users.
    pub provider_keys: Option<Arc<KeySet>>,
    /// The version that says so.
    pub version: Version,
}

/// Who asks for an attestation, once the proof has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// A passkey signed the payload and a fresh nonce.
    Passkey {
        /// The row of the credential.
        credential: RowId,
        /// The account that it belongs to.
        account: AccountId,
        /// The nonce, to be used up.
        nonce: Nonce,
        /// Whether the authenticator verified its user.
        user_verified: bool,
    },
    /// A key of an organisation signed the payload.
    Organisation {
        /// The organisation.
        organisation: OrganisationId,
        /// The root or the signing key.
        signer: Fingerprint,
    },
    /// The security officer signed the payload.
    Officer {
        /// SHA-256 of the certificate.
        certificate: Hash,
    },
    /// The platform says so.
    Platform,
}

/// What is known of what is on record about a datum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Accessed {
    /// Index of the last one that changed nothing.
    pub(super) last: u64,
    /// How often the datum was opened.
    pub(super) opened: u64,
}
