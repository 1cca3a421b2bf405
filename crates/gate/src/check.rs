//! `GET <base>/check`: whether a route would be served, for whoever watches it.

use std::time::Duration;

use hyper::{Response, StatusCode, http::uri::Authority};
use tokio::net::TcpStream;

use crate::answer::{self, Body};

/// How long the upstream has to take a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// The answer to a caller who may ask: 200 `available` where the upstream takes connections, else 503 with what is wrong.
pub(crate) async fn answer(upstream: &Authority) -> Response<Body> {
    match tokio::time::timeout(PATIENCE, TcpStream::connect(upstream.as_str())).await {
        Ok(Ok(_)) => answer::status(StatusCode::OK, "available"),
        _ => {
            answer::status(StatusCode::SERVICE_UNAVAILABLE, "the service behind the gate takes no connection")
        }
    }
}
