//! What handlers read of a request, with problems instead of the framework's own words.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::octets::content_digest;
use super::refusal::Refusal;
use crate::{Code, Fault};

/// The ids in a path. What is not an id names nothing here.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(at)) => Ok(Self(at)),
            Err(_) => Err(Fault::not_found().into()),
        }
    }
}

/// The fields of a query.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(fields)) => Ok(Self(fields)),
            Err(_) => Err(Fault::malformed("The query has not the numbers that this call takes.").into()),
        }
    }
}

/// A binary body whose SHA-256 is the one that its sender computed.
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) digest: [u8; 32],
}

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let digest = content_digest(request.headers())?;
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Fault::from(Code::PartTooLarge)
            } else {
                Fault::malformed("The body was cut off. Send it again.")
            }
        })?;
        if sceau_crypto::sha256(&bytes) == digest {
            Ok(Self { bytes, digest })
        } else {
            Err(Fault::from(Code::DigestMismatch).into())
        }
    }
}
