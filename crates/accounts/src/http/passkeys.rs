//! Passkeys over HTTP: the JSON of WebAuthn level 3, section 5.1.8 and following.

use axum::Json;
use axum::extract::State;
use sceau_element_api::Base64Url;
use sceau_element_api::proof::Assertion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::creation::{CreationOptions, KeyReference, NewCredential, RegisterOptions, User};
use super::sessions::{SessionStarted, started};
use super::{JsonBody, ProblemResponse, SameOrigin, Source};
use crate::pending::CEREMONY_MS;
use crate::people::RegistrationStart;
use crate::{Accounts, Email};

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterBegin {
    email: String,
    name: String,
    /// The token of an invitation, for staff.
    invitation: Option<String>,
}

/// What `navigator.credentials.create` answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterFinish {
    registration_id: String,
    credential: NewCredential,
}

/// Options for `navigator.credentials.get`.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginOptions {
    login_id: String,
    public_key: RequestOptions,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RequestOptions {
    /// Random bytes. What the passkey signs is SHA-256("sceau/passkey-login" ‖ 00 ‖ these): a page never signs a server's bytes as they came.
    challenge: String,
    rp_id: String,
    timeout: u64,
    user_verification: &'static str,
    /// Empty: the authenticator knows whose passkeys it holds.
    allow_credentials: [KeyReference; 0],
}

/// What `navigator.credentials.get` answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginFinish {
    login_id: String,
    credential: UsedCredential,
}

#[derive(Deserialize, ToSchema)]
struct UsedCredential {
    #[serde(rename = "rawId")]
    #[schema(value_type = String)]
    raw_id: Base64Url,
    response: UsedCredentialResponse,
}

#[derive(Deserialize, ToSchema)]
struct UsedCredentialResponse {
    #[serde(rename = "clientDataJSON")]
    #[schema(value_type = String)]
    client_data_json: Base64Url,
    #[serde(rename = "authenticatorData")]
    #[schema(value_type = String)]
    authenticator_data: Base64Url,
    #[schema(value_type = String)]
    signature: Base64Url,
    #[serde(rename = "userHandle")]
    #[schema(value_type = Option<String>)]
    user_handle: Option<Base64Url>,
}

/// First step of an account with a passkey.
#[utoipa::path(post, path = "/v1/passkeys/register/begin", security(()), request_body = RegisterBegin,
    responses((status = OK, body = RegisterOptions), (status = 403), (status = 404), (status = 422), (status = 429)))]
pub(super) async fn register_begin(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
    JsonBody(body): JsonBody<RegisterBegin>,
) -> Result<Json<RegisterOptions>, ProblemResponse> {
    accounts.throttle_registration(source)?;
    let email: Email = body.email.parse()?;
    let start = RegistrationStart { email, name: body.name.parse()?, invitation: body.invitation };
    let options = accounts.begin_registration(source, start).await?;
    let user = User::new(options.account, options.email.as_str(), options.name.as_str());
    let creation = CreationOptions::new(accounts.config(), user, options.role, &options.challenge, &[]);
    Ok(Json(RegisterOptions { registration_id: options.registration_id, public_key: creation }))
}

/// Second step: the account exists, and its first session begins.
#[utoipa::path(post, path = "/v1/passkeys/register/finish", security(()), request_body = RegisterFinish,
    responses((status = NO_CONTENT), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn register_finish(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    JsonBody(body): JsonBody<RegisterFinish>,
) -> Result<SessionStarted, ProblemResponse> {
    let response = body.credential.response;
    let session = accounts
        .finish_registration(&body.registration_id, &response.client_data_json, &response.attestation_object)
        .await?;
    Ok(started(&accounts, &session))
}

/// First step of a sign-in with a passkey.
#[utoipa::path(post, path = "/v1/passkeys/login/begin", security(()),
    responses((status = OK, body = LoginOptions), (status = 403), (status = 429)))]
pub(super) async fn login_begin(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
) -> Result<Json<LoginOptions>, ProblemResponse> {
    accounts.throttle_login(source)?;
    let (login_id, challenge) = accounts.begin_login(source).await?;
    Ok(Json(LoginOptions {
        login_id,
        public_key: RequestOptions {
            challenge: Base64Url(challenge.to_vec()).encode(),
            rp_id: accounts.config().rp_id.clone(),
            timeout: CEREMONY_MS,
            user_verification: "preferred",
            allow_credentials: [],
        },
    }))
}

/// Second step: a session begins.
#[utoipa::path(post, path = "/v1/passkeys/login/finish", security(()), request_body = LoginFinish,
    responses((status = NO_CONTENT), (status = 401), (status = 403), (status = 409), (status = 429)))]
pub(super) async fn login_finish(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
    JsonBody(body): JsonBody<LoginFinish>,
) -> Result<SessionStarted, ProblemResponse> {
    accounts.throttle_login(source)?;
    let response = &body.credential.response;
    let assertion = Assertion {
        credential_id: &body.credential.raw_id,
        authenticator_data: &response.authenticator_data,
        client_data_json: &response.client_data_json,
        signature: &response.signature,
    };
    let session = accounts.finish_login(&body.login_id, &assertion, response.user_handle.as_deref()).await?;
    Ok(started(&accounts, &session))
}
