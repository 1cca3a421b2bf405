//! Further passkeys over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::creation::{CreationOptions, NewCredential, RegisterOptions, User};
use super::{JsonBody, Prepared, ProblemResponse, Proven};
use crate::{Accounts, AnyPerson, Authorised};

/// What `navigator.credentials.create` answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdditionRequest {
    registration_id: String,
    credential: NewCredential,
}

/// What is to be proven.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdditionAnswer {
    #[serde(flatten)]
    prepared: Prepared,
    /// Whether a passkey that the account has must sign. If not, this is its first: the proof is `platform-asserted`.
    proof_required: bool,
}

/// First step of a further passkey.
#[utoipa::path(post, path = "/v1/passkeys/add/begin", security(("session" = [])),
    responses((status = OK, body = RegisterOptions), (status = 401), (status = 403), (status = 429)))]
pub(super) async fn begin(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
) -> Result<Json<RegisterOptions>, ProblemResponse> {
    let account = who.account;
    accounts.throttle_ceremonies(account.id)?;
    let options = accounts.begin_addition(&account).await?;
    let user = User::new(account.id, &account.email, &account.name);
    let public_key =
        CreationOptions::new(accounts.config(), user, account.role, &options.challenge, &options.known);
    Ok(Json(RegisterOptions { registration_id: options.registration_id, public_key }))
}

/// Second step: the document of the new passkey, which one that the account has must sign.
#[utoipa::path(post, path = "/v1/passkeys/add/prepare", security(("session" = [])), request_body = AdditionRequest,
    responses((status = OK, body = AdditionAnswer), (status = 401), (status = 403), (status = 409)))]
pub(super) async fn prepare(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
    JsonBody(body): JsonBody<AdditionRequest>,
) -> Result<Json<AdditionAnswer>, ProblemResponse> {
    let response = body.credential.response;
    let (client_data, object) = (&response.client_data_json, &response.attestation_object);
    let prepared =
        accounts.prepare_addition(&who.account, &body.registration_id, client_data, object).await?;
    Ok(Json(AdditionAnswer {
        prepared: Prepared::new(prepared.payload, prepared.nonce),
        proof_required: prepared.proof_required,
    }))
}

/// Third step: the passkey can be used.
#[utoipa::path(post, path = "/v1/passkeys/add", security(("session" = [])), request_body = Proven,
    responses((status = NO_CONTENT), (status = 401), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn confirm(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
    JsonBody(body): JsonBody<Proven>,
) -> Result<StatusCode, ProblemResponse> {
    accounts.confirm_addition(&who.account, &body.payload, body.proof).await?;
    Ok(StatusCode::NO_CONTENT)
}
