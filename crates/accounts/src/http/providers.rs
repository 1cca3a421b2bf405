//! Providers of identities over HTTP. The provider sends the browser back to a page of ours, and the page posts here what it was given: no
//! route of ours is ever called by another origin.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JsonBody, Prepared, ProblemResponse, Proven, SameOrigin, Source};
use crate::oidc::Preset;
use crate::people::{Arrival, Departure};
use crate::roles::cookie;
use crate::token::Token;
use crate::{Accounts, AccountsError, AnyPerson, Authorised};

/// A provider by which people sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderView {
    /// In addresses.
    name: String,
    /// On its button.
    label: String,
    /// `franceconnect`, `proconnect`, `keycloak` or `standard`: those of the French State want a button of their own.
    preset: &'static str,
}

/// Where the browser goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct DepartureView {
    url: String,
}

/// What the provider gave the browser on its way back (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArrivalRequest {
    /// The provider whose return address it was.
    provider: String,
    state: String,
    /// Absent where the provider sent an error instead.
    code: Option<String>,
    iss: Option<String>,
}

/// A session began.
#[derive(Serialize, ToSchema)]
pub(crate) struct ArrivalView {
    /// Whether the account was made just now.
    first: bool,
}

impl From<ArrivalRequest> for Arrival {
    fn from(request: ArrivalRequest) -> Self {
        let ArrivalRequest { provider, state, code, iss } = request;
        Self { provider, state, code, issuer: iss }
    }
}

/// The token of the browser whose person was away.
pub(crate) struct Browser(Token);

impl<S> FromRequestParts<S> for Browser
where
    S: Send + Sync,
    Accounts: FromRef<S>,
{
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        let accounts = Accounts::from_ref(state);
        let token = cookie(parts, accounts.config().away_cookie().name());
        let token = token.as_deref().and_then(Token::parse);
        token.map(Self).ok_or_else(|| AccountsError::CeremonyOver.into())
    }
}

/// The providers by which people sign in.
#[utoipa::path(get, path = "/v1/providers", security(()), responses((status = OK, body = Vec<ProviderView>)))]
pub(super) async fn list(State(accounts): State<Accounts>) -> Json<Vec<ProviderView>> {
    let view = |party: &crate::oidc::RelyingParty| {
        let settings = party.settings();
        let preset = match settings.preset {
            Preset::Standard => "standard",
            Preset::Keycloak => "keycloak",
            Preset::ProConnect => "proconnect",
            Preset::FranceConnect => "franceconnect",
        };
        ProviderView { name: settings.name.to_string(), label: settings.label.clone(), preset }
    };
    Json(accounts.config().providers.all().iter().map(view).collect())
}

/// First step of a sign-in by a provider.
#[utoipa::path(post, path = "/v1/providers/{name}/begin", security(()), params(("name" = String, Path)),
    responses((status = OK, body = DepartureView), (status = 403), (status = 404), (status = 429), (status = 503)))]
pub(super) async fn begin(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
    Path(name): Path<String>,
) -> Result<Response, ProblemResponse> {
    accounts.throttle_login(source)?;
    Ok(departed(&accounts, accounts.leave_to_sign_in(source, &name).await?))
}

/// Second step: what the provider answered, from the page that it sent the browser to. A session begins; a citizen's account is made for
/// whoever has none.
#[utoipa::path(post, path = "/v1/providers/finish", security(()), request_body = ArrivalRequest,
    responses((status = OK, body = ArrivalView), (status = 401), (status = 403), (status = 409), (status = 422), (status = 429),
        (status = 503)))]
pub(super) async fn finish(
    State(accounts): State<Accounts>,
    _: SameOrigin,
    source: Source,
    Browser(browser): Browser,
    JsonBody(body): JsonBody<ArrivalRequest>,
) -> Result<Response, ProblemResponse> {
    accounts.throttle_login(source)?;
    let began = accounts.arrive_to_sign_in(&body.into(), &browser).await?;
    let config = accounts.config();
    let cookies = AppendHeaders([
        (SET_COOKIE, config.away_cookie().forget()),
        (SET_COOKIE, config.cookie().set(&began.session)),
        (CACHE_CONTROL, "no-store".to_owned()),
    ]);
    Ok((cookies, Json(ArrivalView { first: began.first })).into_response())
}

/// First step of binding an identity to the account that is signed in, which must have a passkey.
#[utoipa::path(post, path = "/v1/providers/{name}/link/begin", security(("session" = [])), params(("name" = String, Path)),
    responses((status = OK, body = DepartureView), (status = 401), (status = 403), (status = 404), (status = 429), (status = 503)))]
pub(super) async fn link_begin(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
    Path(name): Path<String>,
) -> Result<Response, ProblemResponse> {
    accounts.throttle_ceremonies(who.account.id)?;
    Ok(departed(&accounts, accounts.leave_to_link(&who.account, &name).await?))
}

/// Second step: the document that a passkey of the account must sign.
#[utoipa::path(post, path = "/v1/providers/link/prepare", security(("session" = [])), request_body = ArrivalRequest,
    responses((status = OK, body = Prepared), (status = 401), (status = 403), (status = 409), (status = 503)))]
pub(super) async fn link_prepare(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
    Browser(browser): Browser,
    JsonBody(body): JsonBody<ArrivalRequest>,
) -> Result<Json<Prepared>, ProblemResponse> {
    let (payload, nonce) = accounts.arrive_to_link(&who.account, &body.into(), &browser).await?;
    Ok(Json(Prepared::new(payload, nonce)))
}

/// First step of ending what binds an identity: the document that a passkey of the account must sign. The second is the one of binding.
#[utoipa::path(post, path = "/v1/providers/{name}/unlink", security(("session" = [])), params(("name" = String, Path)),
    responses((status = OK, body = Prepared), (status = 401), (status = 403), (status = 404), (status = 429)))]
pub(super) async fn unlink(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
    Path(name): Path<String>,
) -> Result<Json<Prepared>, ProblemResponse> {
    accounts.throttle_ceremonies(who.account.id)?;
    let (payload, nonce) = accounts.prepare_unlink(&who.account, &name).await?;
    Ok(Json(Prepared::new(payload, nonce)))
}

/// Last step: the identity opens the account, or does no more.
#[utoipa::path(post, path = "/v1/providers/link", security(("session" = [])), request_body = Proven,
    responses((status = NO_CONTENT), (status = 401), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn link_confirm(
    State(accounts): State<Accounts>,
    who: Authorised<AnyPerson>,
    JsonBody(body): JsonBody<Proven>,
) -> Result<StatusCode, ProblemResponse> {
    accounts.confirm_link(&who.account, &body.payload, body.proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn departed(accounts: &Accounts, departure: Departure) -> Response {
    let cookie = accounts.config().away_cookie().keep(&departure.browser);
    let headers = [(SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())];
    (headers, Json(DepartureView { url: departure.url.into() })).into_response()
}
