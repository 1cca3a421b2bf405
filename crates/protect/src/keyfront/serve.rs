//! The keyfront's own listener: TLS ends here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ConnectInfo;
use sceau_accounts::callers::{Edge, converse};
use sceau_store::{Conversation, Entrance};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::{Keyfront, http};

/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 1024;
/// Of these, of one address.
const OF_ONE_ADDRESS: usize = CONNECTIONS / 4;
const BOUNDS: Conversation =
    Conversation { head_within: Duration::from_secs(20), streams: 64, read_ahead: None };

/// A connection, for whoever must end it. Clones are of the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Connection(Arc<Notify>);

impl Connection {
    /// Ends it, with all that is under way on it.
    pub(super) fn end(&self) {
        self.0.notify_one();
    }
}

/// Serves until `stop` resolves. In clear, for loopback alone, HTTP/2 is heard of who begins with its preface, HTTP/1.1 of everybody else.
pub async fn serve(keyfront: Keyfront, listener: TcpListener, edge: Edge, stop: impl Future<Output = ()>) {
    let router = http::router(keyfront, edge.callers());
    let each = |stream, peer, entered| {
        let ends = Connection::default();
        let of_it = (Extension(ConnectInfo::<SocketAddr>(peer)), Extension(ends.clone()));
        let (router, tls) = (router.clone().layer(of_it), edge.config());
        tokio::spawn(async move {
            tokio::select! {
                () = converse(stream, tls, BOUNDS, router) => {}
                () = ends.0.notified() => tracing::info!("a caller did not take its answer: its connection is ended"),
            }
            drop(entered);
        });
    };
    Entrance::new(CONNECTIONS, OF_ONE_ADDRESS).accept(&listener, stop, each).await;
}
