//! `sceau keymanager`: what the owner of the machine does at a key manager, most of it once, and while it is stopped.

use std::path::{Path, PathBuf};

use sceau_client::Credentials;
use sceau_crypto::Fingerprint;
use sceau_element_api::OrganisationId;
use sceau_hsm::durable::{check_secret, write_secret};
use sceau_keymanager::{Connection, KeyManager, NewCertificate, Setup};
use sceau_pki::CertificateRole;
use sceau_trace::VerifierKey;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::serve::keymanager::{KeyManagerState, clock};
use crate::{custody, rotation, say};

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Owner {
    /// Make the keystore and the organisation's root; prints the fingerprint to give to the platform's administrator
    Init {
        #[command(flatten)]
        state: KeyManagerState,
        /// Name of the organisation, for certificates and pages
        #[arg(long)]
        organisation_name: String,
        /// Where the organisation's people will open documents: https://host[:port], internal
        #[arg(long)]
        address: String,
    },
    /// Connect to a platform with what its administrator gave
    Connect {
        #[command(flatten)]
        state: KeyManagerState,
        /// Web origin of the platform
        #[arg(long)]
        platform: String,
        /// The organisation's id there
        #[arg(long)]
        organisation: OrganisationId,
        /// Client id of the key manager
        #[arg(long)]
        client_id: String,
        /// File with the client secret, readable by this user only
        #[arg(long)]
        client_secret_file: PathBuf,
        /// Verifier key of the platform's log, from another channel than the platform
        #[arg(long)]
        log_key: String,
        /// Authorities of the platform's server certificate (PEM)
        #[arg(long)]
        anchors: Option<PathBuf>,
    },
    /// Make the organisation's next root, because the present one is known to somebody; prints the fingerprint to give to the platform's
    /// administrator. It takes over when the platform's log shows that it was enrolled
    NewRoot {
        #[command(flatten)]
        state: KeyManagerState,
    },
    /// Show every key of the organisation and what is due; the key manager is stopped meanwhile, or named with --at
    Keys(rotation::KeysOptions),
    /// Change the recipient key now; with --now, withdraw the keys in use because somebody may know them
    Rotate(rotation::RotateOptions),
    /// Seal what was deposited to the key in use: each dossier that is sealed to an older one
    Rewrap(rotation::RewrapOptions),
    /// Back everything up into one sealed file, whose key is split between custodians; the key manager is stopped meanwhile
    Backup(custody::BackupOptions),
    /// Make a key manager anew from a backup and enough of its custodians' shares, in an empty folder
    Restore(custody::RestoreOptions),
    /// Go on with a folder that was put back by hand, though the platform's log shows that it is an old copy; the key manager is stopped meanwhile
    TakeUp(custody::TakeUpOptions),
    /// Issue a client certificate: as PKCS#12 for a browser, as PEM for a connector
    Certificate {
        #[command(flatten)]
        state: KeyManagerState,
        /// Name of the person or machine
        #[arg(long)]
        name: String,
        /// What the certificate is for: case-officer, administrator or connector
        #[arg(long, value_parser = role)]
        role: CertificateRole,
        /// File to write: PEM for a connector, or where its name ends in .pem; else PKCS#12, whose password is printed once
        #[arg(long)]
        out: PathBuf,
    },
}

/// Does it.
pub(crate) async fn run(owner: Owner) -> Result<(), Failure> {
    match owner {
        Owner::Keys(options) => rotation::keys(options).await,
        Owner::Rotate(options) => rotation::rotate(options).await,
        Owner::Rewrap(options) => rotation::rewrap(options).await,
        Owner::Backup(options) => custody::back_up(options).await,
        Owner::Restore(options) => custody::restore(options).await,
        Owner::TakeUp(options) => custody::take_up(options).await,
        Owner::Init { state, organisation_name, address } => {
            say_root(init(&state, &organisation_name, &address).await?.root_fingerprint())
        }
        Owner::NewRoot { state } => say_root(state.open().await?.new_root().await?),
        Owner::Connect { state, platform, organisation, client_id, client_secret_file, log_key, anchors } => {
            check_secret(&client_secret_file)
                .map_err(|error| Failure::new(Exit::Usage, "client_secret", error.to_string()))?;
            let secret = read_text(&client_secret_file)?;
            let credentials = Credentials { client_id, client_secret: secret.trim().to_owned().into() };
            let log_key = VerifierKey::parse(&log_key)
                .map_err(|error| Failure::new(Exit::Usage, "log_key", error.to_string()))?;
            let anchors_pem = anchors.as_deref().map(read_text).transpose()?;
            let connection = Connection { platform, organisation, credentials, log_key, anchors_pem };
            state.open().await?.connect(&connection).await?;
            say::json(&json!({"connected": true}))
        }
        Owner::Certificate { state, name, role, out } => {
            let issued = certificate(&state.open().await?, &name, role).await?;
            let machine =
                role == CertificateRole::Connector || out.extension().is_some_and(|end| end == "pem");
            write_secret(&out, if machine { issued.pem.as_bytes() } else { &issued.pkcs12 })?;
            let password = Some(issued.password.as_str()).filter(|_| !machine);
            say::json(&json!({"fingerprint": issued.fingerprint, "password": password}))
        }
    }
}

fn say_root(fingerprint: Fingerprint) -> Result<(), Failure> {
    say::json(&json!({"root_fingerprint": fingerprint.to_string(), "for_people": fingerprint.grouped()}))
}

/// Makes a key manager.
pub(crate) async fn init(state: &KeyManagerState, name: &str, address: &str) -> Result<KeyManager, Failure> {
    let setup = Setup { organisation_name: name.to_owned(), address: address.to_owned() };
    Ok(KeyManager::init(&state.data, &setup, &state.unlock()?, state.settings()?, clock()).await?)
}

/// Issues a client certificate.
pub(crate) async fn certificate(
    key_manager: &KeyManager,
    name: &str,
    role: CertificateRole,
) -> Result<NewCertificate, Failure> {
    let issued = key_manager.issue_certificate(name, role).await;
    issued.map_err(|error| Failure::new(Exit::Usage, "certificate", error.to_string()))
}

fn role(text: &str) -> Result<CertificateRole, String> {
    CertificateRole::parse(text).ok_or_else(|| "case-officer, administrator or connector".to_owned())
}

fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))
}
