//! `GET <base>/check`: whether a route would be served, for whoever watches it.

use hyper::{Response, StatusCode};

use crate::{
    answer::{self, Body},
    upstream::Upstreams,
};

/// The answer to a caller who may ask: 200 `available` where a service takes connections, else 503 with what is wrong.
pub(crate) async fn answer(upstreams: &Upstreams) -> Response<Body> {
    if upstreams.live().await {
        answer::status(StatusCode::OK, "available")
    } else {
        answer::status(StatusCode::SERVICE_UNAVAILABLE, "the service behind the gate takes no connection")
    }
}
