//! The keyfront, in the privileged zone, assembled: data keys pass it encrypted, and documents about data in clear, so it has a process and a
//! listener of its own.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sceau_element_api::Client;
use sceau_protect::{BodyLimits, Keyfront, PLACES, Rows, serve};
use sceau_store::SystemClock;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::callers::{self, CallersTable};
use super::settings::Settings;
use super::{asked_to_end, say_ready};
use crate::failure::{Exit, Failure};

/// The section `[protect]`: that there is a keyfront, and what it takes of bodies that it encrypts and decrypts itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtectTable {
    /// How many at once, 1 to 1024; 16 unless said. Each takes up to 16 MiB of memory.
    bodies: Option<NonZeroU16>,
    /// The longest, in bytes; a tebibyte unless said.
    longest_body: Option<u64>,
    /// The longest that is decrypted by the profile `cbc-rs256`, in bytes; a gibibyte unless said. It is kept on the disk, encrypted, until all of it is verified.
    longest_spooled: Option<u64>,
    /// How long a mebibyte may take either way, in seconds, 1 to 3600; 60 unless said.
    mebibyte_seconds: Option<NonZeroU16>,
    /// How long a body may take as a whole, in hours, 1 to 720; 24 unless said.
    body_hours: Option<NonZeroU16>,
    /// Whose certificates are judged; nobody's without it.
    clients: Option<CallersTable>,
}

impl ProtectTable {
    fn limits(&self) -> Result<BodyLimits, Failure> {
        let usage = |words: &str| Failure::new(Exit::Usage, "keyfront", words);
        let mut limits = BodyLimits::default();
        if let Some(bodies) = self.bodies {
            limits.at_once = usize::from(bodies.get());
        }
        if let Some(longest) = self.longest_body {
            limits.longest = longest;
        }
        if let Some(longest) = self.longest_spooled {
            limits.longest_spooled = longest;
        }
        if let Some(seconds) = self.mebibyte_seconds {
            limits.each_mebibyte = Duration::from_secs(seconds.get().into());
        }
        if let Some(hours) = self.body_hours {
            limits.whole = Duration::from_hours(hours.get().into());
        }
        if limits.whole > Duration::from_hours(720) {
            return Err(usage("[protect] body_hours: at most 720"));
        }
        if limits.at_once > 1024 {
            return Err(usage("[protect] bodies: at most 1024"));
        }
        if limits.each_mebibyte > Duration::from_hours(1) {
            return Err(usage("[protect] mebibyte_seconds: at most 3600"));
        }
        Ok(limits)
    }
}

/// How the keyfront is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyfrontOptions {
    /// The platform's settings, with a section [protect]
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The platform's data folder
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Where bodies are kept, encrypted and without a name, that are to be verified as a whole; the data folder unless said
    #[arg(long, value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// Socket of the element, which must be started with --protect-tenants
    #[arg(long)]
    element: PathBuf,
    /// Address to listen at
    #[arg(long, default_value = "127.0.0.1:8447")]
    listen: SocketAddr,
    /// Certificate chain and private key, in one PEM file that only this user reads; without it, loopback alone is served, in clear
    #[arg(long, value_name = "PEM")]
    tls: Option<PathBuf>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Serves until asked to end.
pub(crate) async fn run(options: KeyfrontOptions) -> Result<(), Failure> {
    let usage = |words: &str| Failure::new(Exit::Usage, "keyfront", words);
    let settings = Settings::read(Some(&options.config))?;
    let Some(protect) = &settings.protect else {
        return Err(usage(
            "the settings have no section [protect]: the protection of data is off without it",
        ));
    };
    let limits = protect.limits()?;
    if options.tls.is_none() && !options.listen.ip().is_loopback() {
        return Err(usage("what is said of data passes here in clear: give a certificate with --tls"));
    }
    let clients = protect
        .clients
        .is_some()
        .then(|| Settings::clients_of(options.config.clone(), PLACES, |settings| settings.protect?.clients));
    let edge = callers::edge("keyfront", options.tls.as_deref(), clients)?;
    let element = Client::new(&options.element);
    let hello = element.hello().await.map_err(|error| Failure::role("element", &error))?;
    let spool = options.spool.clone().unwrap_or_else(|| options.data.clone());
    let rows = Rows::new(settings.records(&options.data).await?);
    let keyfront = Keyfront::new(element, rows, limits, spool, Arc::new(SystemClock)).ok_or_else(|| {
        Failure::new(
            Exit::System,
            "keyfront",
            "no key can be drawn for the session: the system gives no randomness",
        )
    })?;
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let address = listener.local_addr().map_err(|cause| Failure::system("read the address", &cause))?;
    let end = asked_to_end()?;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    say_ready(
        &json!({"ready": "keyfront", "url": format!("{scheme}://{address}"), "audience": hello.origin}),
    )?;
    serve(keyfront, listener, edge, end).await;
    Ok(())
}
