//! The key manager's link to its platform: credentials kept sealed, answers believed under the pinned log key only.

use sceau_client::{Credentials, Machine, Trust, trust};
use sceau_crypto::Fingerprint;
use sceau_element_api::documents::Document as _;
use sceau_element_api::{Kind, OrganisationId};
use sceau_trace::{Asserted, VerifierKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Error;
use crate::keyring::ManagedKey;
use crate::roots::Roots;

/// What an administrator enters to connect a key manager: the organisation's id and client come from the platform's administrator,
/// the log key over a channel that is not the platform.
#[derive(Debug)]
pub struct Connection {
    /// Origin of the platform.
    pub platform: String,
    /// The organisation's id there.
    pub organisation: OrganisationId,
    /// Its confidential client.
    pub credentials: Credentials,
    /// The key of the platform's log (C2SP vkey), to pin.
    pub log_key: VerifierKey,
    /// Authorities of the platform's server certificate, in PEM; none for a platform over plain HTTP on this machine.
    pub anchors_pem: Option<String>,
}

/// The same, as kept sealed.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Kept {
    platform: String,
    organisation: String,
    client_id: String,
    client_secret: String,
    log_key: String,
    anchors_pem: Option<String>,
}

/// Name in the vault.
pub(crate) const CONNECTION: &str = "connection";

impl From<&Connection> for Kept {
    fn from(connection: &Connection) -> Self {
        Self {
            platform: connection.platform.clone(),
            organisation: connection.organisation.to_string(),
            client_id: connection.credentials.client_id.clone(),
            client_secret: connection.credentials.client_secret.to_string(),
            log_key: connection.log_key.to_string(),
            anchors_pem: connection.anchors_pem.clone(),
        }
    }
}

/// The link, ready to be used.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) platform: String,
    pub(crate) organisation: OrganisationId,
    pub(crate) log_key: VerifierKey,
    pub(crate) machine: Machine,
}

impl Link {
    pub(crate) fn open(kept: &Kept) -> Result<Self, Error> {
        let tampered = || Error::Tampered(CONNECTION);
        let credentials = Credentials {
            client_id: kept.client_id.clone(),
            client_secret: kept.client_secret.clone().into(),
        };
        let trust =
            Trust { anchors_pem: kept.anchors_pem.clone().map(String::into_bytes), ..Trust::default() };
        let machine = Machine::new(&kept.platform, &kept.organisation, credentials, &trust)?;
        Ok(Self {
            platform: machine.server().origin(),
            organisation: kept.organisation.parse().map_err(|_| tampered())?,
            log_key: kept.log_key.parse().map_err(|_| tampered())?,
            machine,
        })
    }

    /// Checks that the platform enrolled our root for this organisation: the one in force, or the one that waits.
    pub(crate) async fn check_root(&self, roots: &Roots) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct View {
            root_fingerprint: Fingerprint,
        }
        let path = format!("/v1/organisations/{}", self.organisation);
        let View { root_fingerprint } = self.machine.server().get(&path).await?;
        let ours = roots.in_force().fingerprint;
        let waits = roots.next().is_some_and(|next| next.fingerprint == root_fingerprint);
        if root_fingerprint == ours || waits {
            Ok(())
        } else {
            Err(Error::OtherRoot { ours: ours.grouped(), found: root_fingerprint.grouped() })
        }
    }

    /// Publishes a statement; the answer is its index in the log, proven under the pinned key.
    pub(crate) async fn publish(&self, key: &ManagedKey) -> Result<u64, Error> {
        let answer = self.machine.publish_key(&key.jws).await?;
        let id = key.statement.row();
        let unproven = |error: sceau_client::ClientError| Error::Acknowledgement(error.to_string());
        let attestation = trust::attested(&answer.evidence, &self.log_key, Kind::KeyStatement, &id, key.hash)
            .map_err(unproven)?;
        if attestation.asserted() != Asserted::Organisation {
            return Err(Error::Acknowledgement(
                "the log does not say that the organisation stated it".to_owned(),
            ));
        }
        Ok(attestation.index)
    }
}
