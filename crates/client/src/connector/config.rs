//! What a connector is told of one organisation.

use std::path::PathBuf;
use std::time::Duration;

use sceau_element_api::OrganisationId;
use sceau_trace::VerifierKey;
use zeroize::Zeroizing;

use crate::{Credentials, Trust};

/// One organisation, and how its dossiers are handed over. Nothing of it opens anything of another organisation.
#[derive(Debug)]
pub struct Target {
    /// How messages call it.
    pub name: String,
    /// Web origin of the platform.
    pub platform: String,
    /// How the platform's server is proven.
    pub platform_trust: Trust,
    /// The organisation there.
    pub organisation: OrganisationId,
    /// The connector's own client, of the scope `dossiers.receive`.
    pub credentials: Credentials,
    /// The key of the platform's log, from another channel than the platform.
    pub log_key: VerifierKey,
    /// Where the key manager is: `https://host[:port]`.
    pub key_manager: String,
    /// How its server is proven, and the connector's certificate.
    pub key_manager_trust: Trust,
    /// The folder of the journal, for this organisation alone.
    pub state: PathBuf,
    /// Where dossiers go.
    pub handover: Handover,
    /// How long a call waits for news, and the longest time between two looks for decisions.
    pub poll: Duration,
    /// When a dossier that met trouble is tried again.
    pub grace: Grace,
    /// How long the feed may be behind the log before a manifest counts as withheld.
    pub overdue: Duration,
}

/// Where dossiers go.
#[derive(Debug)]
pub enum Handover {
    /// A folder for each dossier appears, whole, in this one.
    Folder(PathBuf),
    /// A program is run for each dossier, with its folder as the last argument; what it prints may be a decision.
    Program {
        /// Where the folders are.
        folder: PathBuf,
        /// The program and its arguments.
        command: Vec<String>,
        /// How long it may take.
        patience: Duration,
    },
    /// Each dossier is posted, whole, to a server of the organisation; what it answers may be a decision.
    Post {
        /// Where the folders are while they are sent.
        folder: PathBuf,
        /// The address.
        url: url::Url,
        /// Sent as a bearer token.
        token: Option<Zeroizing<String>>,
        /// Authorities of the server, in PEM; the system's if none.
        anchors_pem: Option<Vec<u8>>,
    },
}

impl Handover {
    /// The folder in which folders of dossiers appear.
    pub(super) fn folder(&self) -> &PathBuf {
        match self {
            Self::Folder(folder) | Self::Program { folder, .. } | Self::Post { folder, .. } => folder,
        }
    }
}

/// When to try again.
#[derive(Debug, Clone, Copy)]
pub struct Grace {
    /// After the first failure; doubled at each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(300) }
    }
}

impl Grace {
    pub(super) fn after(self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.longest)
    }
}
