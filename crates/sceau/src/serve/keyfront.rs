//! The keyfront, in the privileged zone, assembled: data keys pass it encrypted, and documents about data in clear, so it has a process and a
//! listener of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use sceau_element_api::Client;
use sceau_hsm::certificates;
use sceau_protect::{Keyfront, Rows, serve};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::settings::Settings;
use super::{asked_to_end, say_ready};
use crate::failure::{Exit, Failure};

/// The section `[protect]`: that there is a keyfront.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtectTable {}

/// How the keyfront is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyfrontOptions {
    /// The platform's settings, with a section [protect]
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The platform's data folder
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
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
    if settings.protect.is_none() {
        return Err(usage(
            "the settings have no section [protect]: the protection of data is off without it",
        ));
    }
    let tls = match &options.tls {
        Some(path) => {
            let identity = certificates::read_identity(path)?;
            let config =
                sceau_pki::server_config(&identity).map_err(|error| Failure::role("keyfront", &error))?;
            Some(Arc::new(config))
        }
        None if options.listen.ip().is_loopback() => None,
        None => {
            return Err(usage("what is said of data passes here in clear: give a certificate with --tls"));
        }
    };
    let element = Client::new(&options.element);
    let hello = element.hello().await.map_err(|error| Failure::role("element", &error))?;
    let rows = Rows::new(settings.records(&options.data).await?);
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let address = listener.local_addr().map_err(|cause| Failure::system("read the address", &cause))?;
    let end = asked_to_end()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    say_ready(
        &json!({"ready": "keyfront", "url": format!("{scheme}://{address}"), "audience": hello.origin}),
    )?;
    serve(Keyfront::new(element, rows), listener, tls, end).await;
    Ok(())
}
