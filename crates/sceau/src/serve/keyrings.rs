//! The host of keyrings, between actors and terminals on one side and the element on the other.

use std::net::SocketAddr;
use std::path::PathBuf;

use sceau_element_api::Client;
use serde_json::json;
use tokio::net::TcpListener;

use super::{asked_to_end, say_ready};
use crate::failure::{Exit, Failure};

/// How the host is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyringsOptions {
    /// Socket of the element, which must be started with --keyrings-officer
    #[arg(long)]
    element: PathBuf,
    /// Address to listen at, on loopback: messages are sealed to the element, but who sends them is seen
    #[arg(long, default_value = "127.0.0.1:8448")]
    listen: SocketAddr,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Serves until asked to end.
pub(crate) async fn run(options: KeyringsOptions) -> Result<(), Failure> {
    if !options.listen.ip().is_loopback() {
        let words = "this version serves keyrings on loopback alone: put what ends TLS in front of it";
        return Err(Failure::new(Exit::Usage, "keyrings", words));
    }
    let element = Client::new(&options.element);
    let about = element.keyrings_about().await.map_err(|error| Failure::role("element", &error))?;
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let address = listener.local_addr().map_err(|cause| Failure::system("read the address", &cause))?;
    let end = asked_to_end()?;
    say_ready(&json!({"ready": "keyrings", "url": format!("http://{address}"), "origin": about.origin}))?;
    let served = axum::serve(listener, sceau_keyrings::routes(element)).with_graceful_shutdown(end).await;
    served.map_err(|cause| Failure::system("serve keyrings", &cause))
}
