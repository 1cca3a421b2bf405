//! The intake, in the privileged zone, assembled: it sees documents in clear for a moment, so it has a process, a key and a listener of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_crypto::{Secret, SigningKey, VerifyingKey};
use sceau_dossiers::intake::{Intake, IntakeSettings, serve};
use sceau_hsm::{certificates, durable};
use sceau_store::{Antivirus, ClamdAddress, Patience, SystemClock};
use sceau_trace::VerifierKey;
use serde_json::json;
use tokio::net::TcpListener;

use super::{asked_to_end, say_ready};
use crate::failure::{Exit, Failure};

/// Files received at once: each takes about a mebibyte and a quarter.
const AT_ONCE: usize = 112;

/// How the intake is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct IntakeOptions {
    /// Address to listen at
    #[arg(long, default_value = "127.0.0.1:8445")]
    listen: SocketAddr,
    /// Certificate chain and private key, in one PEM file that only this user reads; without it, loopback alone is served, in clear
    #[arg(long, value_name = "PEM")]
    tls: Option<PathBuf>,
    /// Web origin of the platform, whose pages may send documents here
    #[arg(long, value_name = "URL")]
    platform: String,
    /// Verifier key of the platform's log: nothing is sealed that is not proven under it
    #[arg(long, value_name = "KEY")]
    log_key: String,
    /// File of the key that signs the intake's words; made at the first start
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A ClamAV daemon, unix:/path or tcp:host:port; may be given more than once
    #[arg(long, value_name = "ADDRESS", required = true)]
    antivirus: Vec<ClamdAddress>,
    /// The largest file, in MiB; not more than the antivirus takes (StreamMaxLength)
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    largest: u64,
    /// Seconds that a file waits for the antivirus before its sender is asked to come back
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Serves until asked to end.
pub(crate) async fn run(options: IntakeOptions) -> Result<(), Failure> {
    let usage = |words: String| Failure::new(Exit::Usage, "intake", words);
    let tls = match &options.tls {
        Some(path) => {
            let identity = certificates::read_identity(path)?;
            let config =
                sceau_pki::server_config(&identity).map_err(|error| Failure::role("intake", &error))?;
            Some(Arc::new(config))
        }
        None if options.listen.ip().is_loopback() => None,
        None => return Err(usage("documents pass here in clear: give a certificate with --tls".into())),
    };
    let key = key(&options.key)?;
    let public = text_of(&key.verifying_key());
    let settings = IntakeSettings {
        platform: options.platform.clone(),
        log_key: VerifierKey::parse(&options.log_key).map_err(|error| usage(error.to_string()))?,
        key,
        antivirus: Antivirus::new(options.antivirus.clone(), Patience::default())
            .map_err(|error| usage(error.to_string()))?,
        largest: options.largest.saturating_mul(1 << 20),
        at_once: AT_ONCE,
        patience: Duration::from_secs(options.patience),
        clock: Arc::new(SystemClock),
    };
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let address = listener.local_addr().map_err(|cause| Failure::system("read the address", &cause))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let intake = Intake::new(settings)?;
    let end = asked_to_end()?;
    let url = format!("{scheme}://depot.localhost:{}", address.port());
    say_ready(&json!({"ready": "intake", "url": url, "key": public}))?;
    serve(intake, listener, tls, end).await;
    Ok(())
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
