//! The intake, in the privileged zone, assembled: it sees documents in clear for a moment, so it has a process, a key and a listener of its own.

mod table;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_client::Trust;
use sceau_crypto::{Secret, SigningKey, VerifyingKey};
use sceau_dossiers::intake::{Intake, IntakeSettings, serve};
use sceau_hsm::durable;
use sceau_store::{Antivirus, ClamdAddress, Patience, SystemClock};
use sceau_trace::VerifierKey;
use serde_json::json;
use tokio::net::TcpListener;

use self::table::Table;
use super::settings::authorities;
use super::{asked_to_end, callers, say_ready};
use crate::failure::{Exit, Failure};

/// Where it listens, unless something else is said.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8445);
/// The largest file, in MiB, and how many seconds it waits for the antivirus, unless something else is said.
const LARGEST: u64 = 1024;
const PATIENCE: u64 = 600;

/// How the intake is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct IntakeOptions {
    /// Settings (TOML; docs/deploy/antivirus.md); what the command line says goes before them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen at [else 127.0.0.1:8445]
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Certificate chain and private key, in one PEM file that only this user reads; without it, loopback alone is served, in clear
    #[arg(long, value_name = "PEM")]
    tls: Option<PathBuf>,
    /// Web origin of the platform, whose pages may send documents here
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    platform: Option<String>,
    /// Certificates (PEM) that vouch for the platform, in the place of the system's
    #[arg(long, value_name = "PEM")]
    platform_anchors: Option<PathBuf>,
    /// Verifier key of the platform's log: nothing is sealed that is not proven under it
    #[arg(long, value_name = "KEY", required_unless_present = "config")]
    log_key: Option<String>,
    /// File of the key that signs the intake's words; made at the first start
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    key: Option<PathBuf>,
    /// A ClamAV daemon: unix:/path, or tcp:127.0.0.1:port for the local end of a TLS tunnel; may be given more than once
    #[arg(long, value_name = "ADDRESS", required_unless_present = "config")]
    antivirus: Vec<ClamdAddress>,
    /// The largest file, in MiB; not more than the antivirus takes (StreamMaxLength) [else 1024]
    #[arg(long, value_name = "MIB")]
    largest: Option<u64>,
    /// Seconds that a file waits for the antivirus before its sender is asked to come back [else 600]
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Serves until asked to end.
pub(crate) async fn run(options: IntakeOptions) -> Result<(), Failure> {
    let (table, pool) = Table::read(options.config.as_deref())?;
    let listen = options.listen.or(table.intake.listen).unwrap_or(LISTEN);
    let tls = options.tls.as_deref().or(table.intake.tls.as_deref());
    if tls.is_none() && !listen.ip().is_loopback() {
        return Err(usage("documents pass here in clear: give a certificate with --tls"));
    }
    let clients = table.clients.is_some().then(|| options.config.clone()).flatten().map(Table::clients);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let edge = callers::edge("intake", tls, clients)?;
    let settings = settings(&options, table, pool)?;
    let public = text_of(&settings.key.verifying_key());
    let listener = TcpListener::bind(listen).await.map_err(|cause| Failure::listen(listen, &cause))?;
    let address = listener.local_addr().map_err(|cause| Failure::system("read the address", &cause))?;
    let intake = Intake::new(settings)?;
    let end = asked_to_end()?;
    let url = format!("{scheme}://depot.localhost:{}", address.port());
    say_ready(&json!({"ready": "intake", "url": url, "key": public}))?;
    serve(intake, listener, edge, end).await;
    Ok(())
}

fn usage(words: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, "intake", words)
}

/// What the command line says, else the file, else what is usual.
fn settings(
    options: &IntakeOptions,
    table: Table,
    pool: Vec<ClamdAddress>,
) -> Result<IntakeSettings, Failure> {
    let Table { intake, antivirus, limits, .. } = table;
    let missing = |name: &str| usage(format!("say --{name}, or {name} in the section [intake]"));
    let log_key = options.log_key.clone().or(intake.log_key).ok_or_else(|| missing("log-key"))?;
    let pool = if options.antivirus.is_empty() { pool } else { options.antivirus.clone() };
    let patience = options.patience.or(antivirus.patience_seconds).unwrap_or(PATIENCE);
    let anchors = options.platform_anchors.as_ref().or(intake.platform_anchors.as_ref());
    let anchors_pem = authorities(anchors.map(PathBuf::as_path))?;
    Ok(IntakeSettings {
        platform: options.platform.clone().or(intake.platform).ok_or_else(|| missing("platform"))?,
        platform_trust: Trust { anchors_pem, identity_pem: None },
        log_key: VerifierKey::parse(&log_key).map_err(|error| usage(format!("log_key: {error}")))?,
        key: key(options.key.as_ref().or(intake.key.as_ref()).ok_or_else(|| missing("key"))?)?,
        antivirus: Antivirus::new(pool, Patience::default()).map_err(|error| usage(error.to_string()))?,
        largest: options.largest.or(intake.largest_mib).unwrap_or(LARGEST).saturating_mul(1 << 20),
        at_once: limits.at_once,
        per_deposit: limits.per_deposit,
        per_address: limits.per_address,
        connections: limits.connections_per_address,
        grants: limits.grants(),
        slowest: limits.slowest(),
        patience: Duration::from_secs(patience),
        clock: Arc::new(SystemClock),
    })
}

/// The intake's key; made the first time.
pub(crate) fn key(path: &Path) -> Result<SigningKey, Failure> {
    if !path.exists() {
        let key = SigningKey::generate();
        durable::write_secret(path, URL_SAFE_NO_PAD.encode(key.seed().expose()).as_bytes())?;
    }
    durable::check_secret(path)?;
    let text = durable::read_secret(path, 64)?;
    let seed = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim_ascii()).unwrap_or_default());
    let seed = Secret::from_slice(&seed).map_err(|_| {
        Failure::new(Exit::Input, "intake_key", format!("{} holds no key of an intake", path.display()))
    })?;
    Ok(SigningKey::from_seed(seed))
}

/// A public key as `--intake-key` takes it.
pub(crate) fn text_of(key: &VerifyingKey) -> String {
    URL_SAFE_NO_PAD.encode(key.as_bytes())
}

/// The public key of a text, for the platform.
pub(crate) fn public_key(text: &str) -> Result<VerifyingKey, String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string())?;
    VerifyingKey::from_bytes(&bytes).map_err(|error| error.to_string())
}
