//! Bodies: JSON in, with problems instead of the framework's own words; and the two steps of what needs a proof.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use sceau_element_api::Base64Url;
use sceau_element_api::problem::Problem;
use sceau_element_api::proof::Proof;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ProblemResponse;
use crate::{AccountsError, Code};

/// A JSON body; what cannot be read is answered with a problem that does not repeat it.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ProblemResponse> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refuse(&rejection)),
        }
    }
}

fn refuse(rejection: &JsonRejection) -> ProblemResponse {
    // serde's messages may quote what was sent: say where to look instead.
    let why = match rejection {
        JsonRejection::JsonDataError(_) => "The fields are not those that this call takes.",
        JsonRejection::JsonSyntaxError(_) => "The body is not JSON.",
        JsonRejection::MissingJsonContentType(_) => "Send Content-Type: application/json.",
        _ if rejection.status() == 413 => {
            return Problem::from(Code::TooLarge).into();
        }
        _ => "The body could not be read.",
    };
    AccountsError::Body(why.into()).into()
}

/// First step of a call that needs a proof: the exact bytes to sign, and the element's nonce for the challenge.
#[derive(Debug, Serialize, ToSchema)]
pub struct Prepared {
    /// The document's bytes, base64url without padding.
    pub payload: String,
    /// 32 bytes, base64url without padding.
    pub nonce: String,
}

impl Prepared {
    /// The answer to a first step.
    pub fn new(payload: Vec<u8>, nonce: sceau_element_api::Nonce) -> Self {
        Self { payload: Base64Url(payload).encode(), nonce: Base64Url(nonce.0.to_vec()).encode() }
    }
}

/// Second step: the same bytes, and the proof over them. Whatever else is sent along says nothing: the bytes do.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Proven {
    /// The document's bytes, base64url without padding.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// The passkey's answer to the challenge.
    #[schema(value_type = Object)]
    pub proof: Proof,
}
