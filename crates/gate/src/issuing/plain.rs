//! The plain listener of http-01 (RFC 8555 §8.3): it answers challenges, and sends everything else on to https.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::obtained::Obtained;
use crate::{
    crowd::block,
    door::{At, Door, Taken},
    holding::Stream,
    live::Live,
};

/// Who is answered at once, at most.
const CALLERS: usize = 256;
/// Of one address: whoever says nothing leaves places to the authority, which waits ten seconds.
const OF_ONE: usize = 16;
/// For the one request of a connection.
const WITHIN: Duration = Duration::from_secs(10);
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Answers until the door is dropped.
pub(crate) fn open(taken: Taken, live: Arc<Live>) -> Door {
    let (at, callers) = (taken.at().clone(), Arc::<Callers>::default());
    taken.open(
        CALLERS,
        || async { Some(()) },
        move |visitor| {
            let place = visitor.from.map_or(Some(None), |from| Callers::enter(&callers, from).map(Some));
            let (at, live) = (at.clone(), Arc::clone(&live));
            async move {
                if let Some(_place) = place {
                    attend(visitor.stream, at, live).await;
                }
            }
        },
    )
}

/// How many are here from each address.
#[derive(Default)]
struct Callers(Mutex<HashMap<IpAddr, usize>>);

/// One of them, until it is dropped.
struct Caller {
    callers: Arc<Callers>,
    of: IpAddr,
}

impl Callers {
    /// None where its address has enough.
    fn enter(callers: &Arc<Self>, from: IpAddr) -> Option<Caller> {
        let of = block(from);
        let mut here = callers.here();
        let count = here.entry(of).or_default();
        if *count >= OF_ONE {
            return None;
        }
        *count += 1;
        Some(Caller { callers: Arc::clone(callers), of })
    }

    fn here(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut here = self.callers.here();
        if let Some(count) = here.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                here.remove(&self.of);
            }
        }
    }
}

async fn attend(stream: Box<dyn Stream>, at: At, live: Arc<Live>) {
    let service = service_fn(|request: Request<Incoming>| {
        let plan = live.plan();
        let here: Vec<_> =
            plan.obtained.iter().filter(|one| one.http().map(At::Tcp).as_ref() == Some(&at)).collect();
        let response = respond(&request, &here);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(WITHIN).keep_alive(false).max_buf_size(16 << 10);
    drop(tokio::time::timeout(WITHIN, builder.serve_connection(TokioIo::new(stream), service)).await);
}

fn respond<B>(request: &Request<B>, here: &[&Arc<Obtained>]) -> Response<Full<Bytes>> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(token) = request.uri().path().strip_prefix(CHALLENGES).filter(|_| reads) {
        let answer =
            here.iter().filter_map(|one| one.challenges()).find_map(|challenges| challenges.of_token(token));
        return match answer {
            Some(answer) => said(StatusCode::OK, "application/octet-stream", answer),
            None => said(
                StatusCode::NOT_FOUND,
                "text/plain",
                "no authority is expected with this token\n".to_owned(),
            ),
        };
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let known = here.iter().any(|one| one.names.contains(&name));
    match HeaderValue::try_from(format!("https://{name}{path}")) {
        // Only to names of ours: a request's own word leads nobody elsewhere.
        Ok(there) if known && path.starts_with('/') => {
            let mut response =
                said(StatusCode::PERMANENT_REDIRECT, "text/plain", "this is spoken over https\n".to_owned());
            response.headers_mut().insert(LOCATION, there);
            response
        }
        _ => said(StatusCode::MISDIRECTED_REQUEST, "text/plain", "no such host is here\n".to_owned()),
    }
}

fn said(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
