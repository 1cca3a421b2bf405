//! The intake's own listener: TLS ends here, in the privileged zone; small buffers, so that many slow uploads take little memory.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use sceau_accounts::callers::{Edge, converse};
use sceau_store::{Conversation, Entrance};
use tokio::net::TcpListener;

use super::{Intake, http};

/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 1024;
/// Of the requests at once on a connection of HTTP/2 each may hold a body; little is read ahead of them.
const BOUNDS: Conversation =
    Conversation { head_within: Duration::from_secs(20), streams: 32, read_ahead: Some(64 * 1024) };

/// Serves until `stop` resolves.
pub async fn serve(intake: Intake, listener: TcpListener, edge: Edge, stop: impl Future<Output = ()>) {
    let entrance = Entrance::new(CONNECTIONS, intake.0.settings.connections);
    accept((http::router(intake, edge.callers()), entrance), listener, edge, stop).await;
}

/// The same, for routes of another host of the privileged zone, where one address has at most a quarter of the connections. Each request knows its
/// peer's address.
pub(crate) async fn listen(
    router: Router,
    listener: TcpListener,
    edge: Edge,
    stop: impl Future<Output = ()>,
) {
    accept((router, Entrance::new(CONNECTIONS, CONNECTIONS / 4)), listener, edge, stop).await;
}

async fn accept(
    (router, entrance): (Router, Entrance),
    listener: TcpListener,
    edge: Edge,
    stop: impl Future<Output = ()>,
) {
    let each = |stream, peer, entered| {
        let (router, tls) = (router.clone().layer(Extension(ConnectInfo::<SocketAddr>(peer))), edge.config());
        tokio::spawn(async move {
            converse(stream, tls, BOUNDS, router).await;
            drop(entered);
        });
    };
    entrance.accept(&listener, stop, each).await;
}
