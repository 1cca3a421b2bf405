//! Who am I, and goodbye.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sceau_element_api::{ApplicationId, Base64Url};
use sceau_store::params;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ProblemResponse, SameOrigin, Source};
use crate::schema::statements;
use crate::session::NewSession;
use crate::{Accounts, AccountsError, AnyPerson, Authorised};

/// Whoever is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    account: MyAccount,
}

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
struct MyAccount {
    id: String,
    email: String,
    name: String,
    /// `citizen`, `case_officer`, `supervisor`, `organisation_admin`, `data_officer` or `platform_admin`.
    role: String,
    organisation: Option<String>,
    /// Of a data officer, the applications whose data are theirs; null: all of the organisation's.
    applications: Option<Vec<String>>,
    has_passkey: bool,
    has_password: bool,
    /// The providers of identities that open it, by name.
    providers: Vec<String>,
}

impl std::fmt::Debug for MyAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MyAccount({} {})", self.id, self.role)
    }
}

/// A response that begins a session.
pub(super) type SessionStarted = (StatusCode, [(HeaderName, String); 2]);

/// No content, and the cookie.
pub(super) fn started(accounts: &Accounts, session: &NewSession) -> SessionStarted {
    let cookie = accounts.config().cookie().set(session);
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())])
}

fn ids(applications: Vec<ApplicationId>) -> Vec<String> {
    applications.iter().map(ToString::to_string).collect()
}

/// Who is signed in.
#[utoipa::path(get, path = "/v1/me", security(("session" = [])), responses((status = OK, body = Me), (status = 401)))]
pub(super) async fn me(
    State(accounts): State<Accounts>,
    authorised: Authorised<AnyPerson>,
) -> Result<Json<Me>, ProblemResponse> {
    let account = authorised.account;
    let database = &accounts.inner.database;
    let id = account.id.to_string();
    let passkeys = accounts.credential_ids(account.id).await?;
    let providers = accounts.linked_providers(account.id).await?;
    let password = database.fetch_optional(statements::ACCOUNT_PASSWORD, params![&id]).await;
    Ok(Json(Me {
        account: MyAccount {
            id,
            email: account.email,
            name: account.name,
            role: account.role.as_str().to_owned(),
            organisation: account.organisation.map(|id| id.to_string()),
            applications: account.remit.and_then(|remit| remit.applications).map(ids),
            has_passkey: !passkeys.is_empty(),
            has_password: password.map_err(AccountsError::from)?.is_some(),
            providers,
        },
    }))
}

/// Where the person is still signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedOut {
    /// Where the browser goes to sign out of the provider of identities, too.
    continue_at: String,
}

/// Ends the session. Where a provider of identities began it and has a place to sign out at, the answer says where.
#[utoipa::path(post, path = "/v1/logout", security(("session" = [])),
    responses((status = NO_CONTENT), (status = OK, body = SignedOut), (status = 401), (status = 403)))]
pub(super) async fn logout(
    State(accounts): State<Accounts>,
    authorised: Authorised<AnyPerson>,
) -> Result<Response, ProblemResponse> {
    let away = accounts.departure_from_provider(authorised.session, &authorised.key).await;
    // Ended first: a session must not outlive a trace that cannot be written, or a provider that does not answer.
    accounts.end_session(authorised.session).await?;
    accounts.record_logout(&authorised.account).await?;
    let forget = [(SET_COOKIE, accounts.config().cookie().forget())];
    Ok(match away? {
        Some(url) => (forget, Json(SignedOut { continue_at: url.into() })).into_response(),
        None => (StatusCode::NO_CONTENT, forget).into_response(),
    })
}

/// A nonce of the element.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NonceAnswer {
    /// 32 bytes, base64url without padding; good for one proof within five minutes.
    nonce: String,
}

/// A nonce of the element, for the challenge of a proof.
#[utoipa::path(post, path = "/v1/element/nonce", security(()), responses((status = OK, body = NonceAnswer), (status = 403), (status = 429)))]
pub(super) async fn nonce(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
) -> Result<Json<NonceAnswer>, ProblemResponse> {
    accounts.throttle_login(source)?;
    let nonce = accounts.element().nonce().await.map_err(AccountsError::from)?;
    Ok(Json(NonceAnswer { nonce: Base64Url(nonce.0.to_vec()).encode() }))
}
