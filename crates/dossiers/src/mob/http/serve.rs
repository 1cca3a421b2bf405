//! The routes, and the listener of their own.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;

use super::{MobHost, attachments, check, download, keys, requests, steps};

/// The largest JSON body, in bytes.
const MAX_JSON: usize = 256 * 1024;

/// Serves until `stop` resolves. Without `tls`, connections are taken as they are: for loopback alone.
pub async fn serve(
    host: MobHost,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    stop: impl Future<Output = ()>,
) {
    crate::intake::listen(router(host), listener, tls, stop).await;
}

fn router(host: MobHost) -> Router {
    let small = Router::new()
        .route("/check", get(check::check))
        .route("/v1/funders/{funder}/encryption_key", put(keys::put))
        .route("/v1/subscriptions", post(requests::create).get(requests::list))
        .route("/v1/subscriptions/timestamps", get(check::timestamps))
        .route("/v1/subscriptions/{id}", get(requests::one).patch(requests::change))
        .route("/v1/subscriptions/{id}/attachments/{filename}", get(download::fetch))
        .route("/v1/subscriptions/{id}/verify", post(steps::verify))
        .route("/v1/subscriptions/{id}/validate", post(steps::validate))
        .route("/v1/subscriptions/{id}/reject", post(steps::reject))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    // The body is streamed; each file is counted.
    let large = Router::new()
        .route("/v1/subscriptions/{id}/attachments", post(attachments::receive))
        .layer(DefaultBodyLimit::disable());
    small.merge(large).with_state(host)
}
