//! One question to a server that publishes lists: conditional, bounded in size and time, on a connection that ends with it.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{
    Request, StatusCode, Uri,
    body::Incoming,
    header::{
        CONNECTION, ETAG, HOST, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
        USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::cache::Note;

/// How much is taken, and how long all of it may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) octets: usize,
    pub(crate) time: Duration,
}

/// What a server answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A list, and what to ask with next time.
    Body(Vec<u8>, Note),
    /// None newer than the one that was asked with.
    NotModified,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("the server does not speak HTTP, or stopped amid its answer: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the address cannot be asked for")]
    Address,
    #[error("the server answers {0}, and redirections are not followed")]
    Status(StatusCode),
    #[error("the list is larger than `largest` in [lists]")]
    TooLarge,
    #[error("the server takes longer than `time_out` in [lists]")]
    TooSlow,
}

/// Asks for a list, unless it is the one that `known` speaks of.
pub(crate) async fn fetch(uri: &Uri, known: &Note, limits: Limits) -> Result<Answer, Failure> {
    tokio::time::timeout(limits.time, ask(uri, known, limits.octets)).await.map_err(|_| Failure::TooSlow)?
}

async fn ask(uri: &Uri, known: &Note, octets: usize) -> Result<Answer, Failure> {
    let authority = uri.authority().ok_or(Failure::Address)?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(CONNECTION, "close")
        .header(USER_AGENT, concat!("sceau-gate/", env!("CARGO_PKG_VERSION")));
    for (name, value) in [(IF_NONE_MATCH, &known.tag), (IF_MODIFIED_SINCE, &known.modified)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|_| Failure::Address)?;
    let is_conditional = known.tag.is_some() || known.modified.is_some();
    let answer = read(sender.send_request(request).await?, octets, is_conditional).await;
    driving.abort();
    answer
}

async fn read(
    response: hyper::Response<Incoming>,
    octets: usize,
    is_conditional: bool,
) -> Result<Answer, Failure> {
    match response.status() {
        // Of a list that was not asked with there is nothing that could be the same (RFC 9110 §15.4.5).
        StatusCode::NOT_MODIFIED if is_conditional => return Ok(Answer::NotModified),
        StatusCode::OK => {}
        other => return Err(Failure::Status(other)),
    }
    let note = Note {
        fetched: None,
        tag: text(response.headers(), &ETAG),
        modified: text(response.headers(), &LAST_MODIFIED),
    };
    match Limited::new(response.into_body(), octets).collect().await {
        Ok(body) => Ok(Answer::Body(body.to_bytes().to_vec(), note)),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge),
        Err(error) => Err(match error.downcast::<hyper::Error>() {
            Ok(error) => Failure::Broken(*error),
            Err(error) => Failure::Unreachable(io::Error::other(error)),
        }),
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
