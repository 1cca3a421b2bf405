//! The provider's own listener.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use sceau_accounts::callers::{Edge, converse};
use sceau_store::{Conversation, Entrance};
use tokio::net::TcpListener;

/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 4096;
/// Of these, of one address.
const OF_ONE_ADDRESS: usize = CONNECTIONS / 4;
const BOUNDS: Conversation =
    Conversation { head_within: Duration::from_secs(20), streams: 64, read_ahead: None };

/// Serves these routes until `stop` resolves: [`crate::routes`], and what else this process answers.
pub async fn serve(router: Router, listener: TcpListener, edge: Edge, stop: impl Future<Output = ()>) {
    let each = |stream, peer, entered| {
        let router = router.clone().layer(Extension(ConnectInfo::<SocketAddr>(peer)));
        let tls = edge.config();
        tokio::spawn(async move {
            converse(stream, tls, BOUNDS, router).await;
            drop(entered);
        });
    };
    Entrance::new(CONNECTIONS, OF_ONE_ADDRESS).accept(&listener, stop, each).await;
}
