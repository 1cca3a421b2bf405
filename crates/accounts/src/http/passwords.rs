//! Passwords over HTTP; citizens only.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::sessions::{SessionStarted, started};
use super::{JsonBody, ProblemResponse, SameOrigin, Source};
use crate::email::Password;
use crate::people::RegistrationStart;
use crate::{Accounts, Email};

/// A new account with a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordRegistration {
    email: String,
    name: String,
    /// 12 characters or more.
    #[schema(value_type = String, min_length = 12)]
    password: Password,
    /// Staff must hold a passkey: an invitation is refused here.
    invitation: Option<String>,
}

/// An address and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordLogin {
    email: String,
    #[schema(value_type = String)]
    password: Password,
}

/// Makes an account with a password; its first session begins.
#[utoipa::path(post, path = "/v1/passwords/register", security(()), request_body = PasswordRegistration,
    responses((status = NO_CONTENT), (status = 403), (status = 422), (status = 429)))]
pub(super) async fn register(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
    JsonBody(body): JsonBody<PasswordRegistration>,
) -> Result<SessionStarted, ProblemResponse> {
    accounts.throttle_registration(source)?;
    let start = RegistrationStart {
        email: body.email.parse()?,
        name: body.name.parse()?,
        invitation: body.invitation,
    };
    let session = accounts.register_password(start, body.password).await?;
    Ok(started(&accounts, &session))
}

/// Signs in with a password.
#[utoipa::path(post, path = "/v1/passwords/login", security(()), request_body = PasswordLogin,
    responses((status = NO_CONTENT), (status = 401), (status = 403), (status = 429)))]
pub(super) async fn login(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
    JsonBody(body): JsonBody<PasswordLogin>,
) -> Result<SessionStarted, ProblemResponse> {
    accounts.throttle_login(source)?;
    let email: Email = body.email.parse()?;
    accounts.throttle("password", email.as_str(), accounts.config().limits.password_by_email)?;
    let session = accounts.password_login(&email, body.password).await?;
    Ok(started(&accounts, &session))
}
