//! `GET <base>/check`: whether a route would be served, for whoever watches it.

use hyper::{Response, StatusCode};
use serde_json::json;

use crate::{
    answer::{self, Body},
    clock,
    guard::Guard,
    upstream::Upstreams,
};

/// The answer to a caller who may ask: 200 `available` where a service takes connections and a current list of each authority speaks, else 503
/// with what is wrong. So it is where requests pass though no list speaks (`fail_open`): whoever watches must learn that.
pub(crate) async fn answer(upstreams: &Upstreams, guard: &Guard, now: u64) -> Response<Body> {
    if !upstreams.live().await {
        return unavailable("the service behind the gate takes no connection", &[]);
    }
    let stale: Vec<_> = guard
        .stale(now)
        .into_iter()
        .map(|one| json!({"list": one.list, "issuer": one.issuer, "ended": one.ended.map(clock::written)}))
        .collect();
    if stale.is_empty() {
        answer::status(StatusCode::OK, "available")
    } else {
        unavailable("no current revocation list speaks for some clients", &stale)
    }
}

fn unavailable(said: &str, stale: &[serde_json::Value]) -> Response<Body> {
    answer::status_of(StatusCode::SERVICE_UNAVAILABLE, said, stale)
}
