//! Calls that are tokens: carried to the element as they came, whose answer is carried back as it is. An encrypted one tells nothing here.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sceau_element_api::protect::{AskedByToken, LONGEST_CALL, SignedAnswer};

use super::http::whole;
use super::refusal::Refused;
use super::{Keyfront, is_of_rows};
use crate::carried::to_its_end;

const TOKEN: &str = "application/jwt";
/// How often a call is brought whose datum changed meanwhile: it was not used up.
const AGAIN: usize = 3;

/// The public keys of calls and answers.
pub(super) async fn keys(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Result<Response, Refused> {
    let _room = keyfront.enter(keyfront.place(peer.ip())?).await?;
    let keys = keyfront.0.element.published_keys().await?;
    Ok(answer(StatusCode::OK, "application/jwk-set+json", keys))
}

/// A call, answered by a token where it is its application's.
pub(super) async fn call(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    if kind != Some(TOKEN.as_bytes()) && kind != Some(b"application/jose") {
        return Err(Refused::malformed("a call is a compact JWS or JWE, of content type application/jwt"));
    }
    let place = keyfront.place(peer.ip())?;
    let body = whole(body, LONGEST_CALL).await?;
    let room = keyfront.enter(place).await?;
    let call = String::from_utf8(body).map_err(|_| Refused::malformed("a call is a compact JWS or JWE"))?;
    // Anybody can make one that has the keystore work: such calls take no more than a part of what there is for all.
    let sealed = if call.matches('.').count() == 4 {
        Some(keyfront.0.sealed.take(peer.ip()).ok_or_else(Refused::busy)?)
    } else {
        None
    };
    let address = Some(peer.ip().to_canonical());
    let carried = async move {
        let _rooms = (room, sealed);
        keyfront.carry_token(AskedByToken { call, address }).await
    };
    let signed = to_its_end("a call", carried).await??;
    let status = signed.refused.map_or(StatusCode::OK, |code| {
        StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    });
    Ok(answer(status, TOKEN, signed.token))
}

impl Keyfront {
    async fn carry_token(&self, asked: AskedByToken) -> Result<SignedAnswer, Refused> {
        let mut left = AGAIN;
        let signed = loop {
            left -= 1;
            let signed = self.0.element.protect_by_token(asked.clone()).await?;
            if left == 0 || !signed.refused.is_some_and(is_of_rows) {
                break signed;
            }
        };
        self.keep(signed.changed.as_ref()).await;
        Ok(signed)
    }
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response {
    (status, [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text).into_response()
}
