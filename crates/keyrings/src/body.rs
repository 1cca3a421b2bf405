//! Bodies as they arrive: of one address some at once, each within some seconds, and all together in so much memory.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use sceau_element_api::wire::Code;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::code::Code as Own;
use crate::host::{Host, Room};
use crate::refusal::Refused;

/// The largest body, in bytes: a document of 256 KiB in base64url, and what is around it.
const LARGEST: usize = 384 * 1024;
/// How long a body may take to arrive.
const WITHIN: Duration = Duration::from_secs(10);

/// What a request holds whose body is there, until it is answered: its place among requests, and memory.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "held")] (Room, OwnedSemaphorePermit));

/// A body in JSON that arrived.
pub(crate) struct Arrived<T>(pub(crate) T, pub(crate) Held);

impl<T: DeserializeOwned> FromRequest<Host> for Arrived<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, host: &Host) -> Result<Self, Refused> {
        let (body, held) = arrive(request, "application/json", LARGEST, host).await?;
        let read = serde_json::from_slice(&body);
        Ok(Self(read.map_err(|_| Refused::malformed("the body is not what is taken here"))?, held))
    }
}

/// Reads a body of this content type. Its request takes its place once it is there: who sends one slowly keeps nobody else waiting, and no more than the share of its address
/// arrives at once.
///
/// # Errors
/// [`Refused`]: another content type, too long, too slow, or more of this address or of all than may.
pub(crate) async fn arrive(
    request: Request,
    kind: &str,
    most: usize,
    host: &Host,
) -> Result<(Vec<u8>, Held), Refused> {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let said = request.headers().get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    if !said.eq_ignore_ascii_case(kind) {
        return Err(Refused::malformed(format!("a body here is of content type {kind}")));
    }
    let _arriving = host.arriving(from)?;
    let read = timeout(WITHIN, read(request.into_body(), most, host)).await;
    let (body, memory) = read.map_err(|_| Own::BodySlow)??;
    Ok((body, Held((host.room(from)?, memory))))
}

/// Reads to the end. Memory is counted as it is taken: what is announced and not sent takes none.
async fn read(mut body: Body, most: usize, host: &Host) -> Result<(Vec<u8>, OwnedSemaphorePermit), Refused> {
    let (mut whole, mut memory) = (Vec::new(), host.memory(0)?);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Refused::malformed("the body breaks off"))?;
        let Ok(piece) = frame.into_data() else { continue };
        if whole.len() + piece.len() > most {
            let words = format!("a body here has at most {} KiB", most >> 10);
            return Err(Refused::new(Code::TooLarge, words));
        }
        memory.merge(host.memory(piece.len())?);
        whole.extend_from_slice(&piece);
    }
    Ok((whole, memory))
}
