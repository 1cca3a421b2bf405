//! Who acts on keyrings of an organisation, as the security officer signs it.

use std::collections::BTreeSet;

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::policy::is_short_and_plain;
use crate::documents::{Document, DocumentError, field, version_one};
use crate::{Base64Url, KeyringActorId, Kind, OrganisationId, PolicyId, RowId};

/// Actors of one organisation.
const MOST_ACTORS: usize = 64;
/// The largest certificate, in bytes of DER.
const LARGEST_CERTIFICATE: usize = 4096;

/// The authorisation policy. Its row is the organisation; it is signed by the security officer (JWS typ `sceau-kr-access`), and by nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringAccess {
    /// Format version, 1.
    pub v: u32,
    /// The name of the log of the element that it is for: no other one takes it.
    pub origin: String,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Who acts, at most 64.
    pub actors: Vec<KeyringActor>,
    /// SHA-256 of the version before; none for the first. It is signed, so that nobody puts an old version back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// When it was signed, in Unix milliseconds.
    pub time: u64,
}

/// Somebody who acts on keyrings, by a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringActor {
    /// Who it is; the certificate may change.
    pub id: KeyringActorId,
    /// In which role.
    pub role: ActorRole,
    /// What holders are shown: plain, at most 120 characters.
    pub name: String,
    /// The certificate, DER.
    pub certificate: Base64Url,
    /// The policies whose keyrings it acts on.
    pub policies: Vec<PolicyId>,
    /// What a service provider may ask holders for.
    pub kinds: Vec<RequestKind>,
    /// Whether it acts.
    pub status: ActorStatus,
}

/// The role of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorRole {
    /// Makes keyrings and delivers them to who it identified.
    RegistrationAuthority,
    /// Asks holders to sign or to authenticate.
    ServiceProvider,
    /// Helps holders.
    Support,
}

/// What a holder is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// To sign.
    Sign,
    /// To say who it is.
    Authenticate,
    /// To have another terminal.
    Roam,
    /// To be that terminal.
    Join,
    /// To have a terminal taken away.
    Dissociate,
    /// To end the keyring.
    Destroy,
    /// To have a template made of their face.
    Face,
}

/// Whether an actor acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorStatus {
    /// It does.
    Active,
    /// No more.
    Ended,
}

impl Document for KeyringAccess {
    const KIND: Kind = Kind::KeyringAccess;

    fn row(&self) -> RowId {
        self.organisation.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(is_short_and_plain(&self.origin), "origin", "the name of a log")?;
        field(self.actors.len() <= MOST_ACTORS, "actors", "at most 64")?;
        let ids = self.actors.iter().map(|actor| actor.id).collect::<BTreeSet<_>>();
        field(ids.len() == self.actors.len(), "actors", "ids that differ")?;
        let certificates = self.actors.iter().map(|actor| &actor.certificate.0).collect::<BTreeSet<_>>();
        field(certificates.len() == self.actors.len(), "actors", "a certificate for each")?;
        self.actors.iter().try_for_each(KeyringActor::check)
    }
}

impl KeyringActor {
    fn check(&self) -> Result<(), DocumentError> {
        field(is_short_and_plain(&self.name), "actors.name", "plain text of 1 to 120 characters")?;
        let certificate = (1..=LARGEST_CERTIFICATE).contains(&self.certificate.len());
        field(certificate, "actors.certificate", "DER of at most 4,096 bytes")?;
        field(self.policies.len() <= 64, "actors.policies", "at most 64")?;
        let asks = self.role == ActorRole::ServiceProvider;
        field(asks != self.kinds.is_empty(), "actors.kinds", "present exactly for service providers")?;
        let once = self.kinds.iter().collect::<BTreeSet<_>>().len() == self.kinds.len();
        field(once, "actors.kinds", "each once")
    }
}
