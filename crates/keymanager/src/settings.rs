//! What an organisation decides about its key manager. Everything has a default.

use std::path::PathBuf;

use sceau_crypto::RecipientSuite;
use sceau_hsm::VaultSettings;
use sceau_hsm::pkcs11::Pkcs11Uri;
use sceau_pki::RoleNames;

use crate::letters::LetterSettings;
use crate::mob::MobSettings;
use crate::scanning::ScannerSettings;
use crate::transit::TransitSettings;

const DAY: u64 = 24 * 3600 * 1000;

/// Policy of a key manager.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The suite of recipient keys. Changing it makes the next [`tick`](crate::KeyManager::tick) change the key.
    pub suite: RecipientSuite,
    /// How long a key is valid, in milliseconds.
    pub period_ms: u64,
    /// How long before its expiry the next key is made and published, in milliseconds.
    pub lead_ms: u64,
    /// How long after its expiry a recipient key is kept at least, in milliseconds, whatever the platform says.
    pub retention_ms: u64,
    /// How old the last backup may be before the calendar says so, in milliseconds.
    pub backup_age_ms: u64,
    /// How many content keys an officer may have.
    pub quota: Quota,
    /// Authorities of client certificates; with none, the embedded one.
    pub anchors: Vec<PathBuf>,
    /// Authorities between those anchors and clients, which a client may then leave out, and whose lists are taken.
    pub client_intermediates: Vec<PathBuf>,
    /// Revocation lists of the issuers of client certificates, read again when they change; with none, nothing is asked.
    pub client_crls: Vec<PathBuf>,
    /// Which organizational unit in a certificate stands for which role.
    pub role_names: RoleNames,
    /// The server's certificate and key (PEM); with none, the embedded authority issues and renews one.
    pub server_identity: Option<PathBuf>,
    /// What is answered as a Vault does; nothing, by default.
    pub transit: Option<TransitSettings>,
    /// The Vault that keeps the keys; a keystore of files, by default. Decided when the key manager is made.
    pub vault: Option<VaultSettings>,
    /// The token that keeps the keys, whose `object` names the keystore; a keystore of files, by default. Keys in files are moved into one by
    /// [`sceau_hsm::pkcs11::move_to_token`].
    pub token: Option<Pkcs11Uri>,
    /// The MOB that keys are published to; none, by default.
    pub mob: Option<MobSettings>,
    /// Who is told of what is due; nobody, by default.
    pub letters: Option<LetterSettings>,
    /// What examines documents before their keys leave; nothing, by default.
    pub scanner: Option<ScannerSettings>,
}

/// A token bucket: so many at once, refilled evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// At once.
    pub burst: u32,
    /// Per hour.
    pub per_hour: u32,
}

impl Default for Settings {
    /// HPKE-X-Wing, six months, two weeks, one year, a backup a month, 100 at once and 400 an hour, the embedded authority.
    fn default() -> Self {
        Self {
            suite: RecipientSuite::HpkeXWing,
            period_ms: 183 * DAY,
            lead_ms: 14 * DAY,
            retention_ms: 365 * DAY,
            backup_age_ms: 31 * DAY,
            quota: Quota { burst: 100, per_hour: 400 },
            anchors: Vec::new(),
            client_intermediates: Vec::new(),
            client_crls: Vec::new(),
            role_names: RoleNames::default(),
            server_identity: None,
            transit: None,
            vault: None,
            token: None,
            mob: None,
            letters: None,
            scanner: None,
        }
    }
}
