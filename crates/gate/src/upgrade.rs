//! WebSockets: a request that becomes a connection of its own (RFC 6455 §4, RFC 9110 §7.8). Nothing else is upgraded: `h2c` would carry requests
//! that nobody judges.

use std::sync::Arc;

use hyper::{
    HeaderMap, Method, Request, Version,
    header::{CONNECTION, HeaderValue, UPGRADE},
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;

use crate::{
    forward::says,
    upstream::{LOOK, StaysOpen},
};

const WEBSOCKET: &str = "websocket";

/// The client's side, where the request asks for a WebSocket.
pub(crate) fn asked<T>(request: &mut Request<T>) -> Option<OnUpgrade> {
    let asks = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && says(request.headers(), &CONNECTION, "upgrade")
        && says(request.headers(), &UPGRADE, WEBSOCKET);
    asks.then(|| hyper::upgrade::on(request))
}

/// Says so to the next one.
pub(crate) fn say(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
}

/// Carries octets both ways until one side ends, or the client may no longer.
pub(crate) async fn carry(client: OnUpgrade, service: OnUpgrade, open: Arc<dyn StaysOpen>) {
    let (Ok(client), Ok(service)) = tokio::join!(client, service) else { return };
    let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
    let carrying = tokio::io::copy_bidirectional(&mut client, &mut service);
    tokio::pin!(carrying);
    let mut looking = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = &mut carrying => return,
            _ = looking.tick() => {
                if !open.may_go_on() {
                    tracing::info!("a WebSocket is ended: its client may no longer pass");
                    return;
                }
            }
        }
    }
}
