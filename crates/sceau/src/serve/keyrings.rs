//! The host of keyrings, between actors and terminals on one side and the element on the other.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use sceau_accounts::callers::converse;
use sceau_element_api::Client;
use sceau_store::{Conversation, Entrance};
use serde_json::json;
use tokio::net::TcpListener;

use super::{asked_to_end, say_ready};
use crate::failure::{Exit, Failure};

/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 4096;
const BOUNDS: Conversation =
    Conversation { head_within: Duration::from_secs(20), streams: 64, read_ahead: None };

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
    let router = sceau_keyrings::routes(element);
    let each = |stream, _, entered| {
        let router = router.clone();
        tokio::spawn(async move {
            converse(stream, None, BOUNDS, router).await;
            drop(entered);
        });
    };
    // What stands in front of it is one address: it is the one that bounds each of its own.
    Entrance::new(CONNECTIONS, CONNECTIONS).accept(&listener, end, each).await;
    Ok(())
}
