//! Invitations over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use sceau_element_api::{ApplicationId, OrganisationId, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JsonBody, Prepared, ProblemResponse, Proven, Source};
use crate::{Accounts, AccountsError, Authorised, Inviter};

/// What an invitation is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationView {
    role: String,
    organisation_name: Option<String>,
    email: Option<String>,
}

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationRequest {
    /// A platform administrator invites `organisation_admin`, `data_officer` (and `platform_admin`), an organisation administrator
    /// `case_officer`, `supervisor` and `data_officer`.
    #[schema(value_type = String)]
    role: Role,
    /// Where; an organisation administrator's own if left out.
    #[schema(value_type = Option<String>)]
    organisation: Option<OrganisationId>,
    /// Of a `data_officer`: the applications whose data are theirs, 1 to 100; all of the organisation's if left out.
    #[schema(value_type = Option<Vec<String>>)]
    applications: Option<Vec<ApplicationId>>,
    email: String,
}

/// The one-time link, shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationLink {
    link: String,
}

/// What an invitation is for; whoever holds the link may ask.
#[utoipa::path(get, path = "/v1/invitations/{token}", security(()), params(("token" = String, Path)),
    responses((status = OK, body = InvitationView), (status = 404), (status = 429)))]
pub(super) async fn view(
    State(accounts): State<Accounts>,
    source: Source,
    Path(token): Path<String>,
) -> Result<Json<InvitationView>, ProblemResponse> {
    accounts.throttle_login(source)?;
    let invitation = accounts.open_invitation(&token).await?;
    let organisation_name = match invitation.document.organisation {
        Some(id) => accounts.inner.directory.organisation_name(id).await,
        None => None,
    };
    Ok(Json(InvitationView {
        role: invitation.document.role.as_str().to_owned(),
        organisation_name,
        email: invitation.email.map(|email| email.as_str().to_owned()),
    }))
}

/// First step: the account document that the inviter's passkey will sign.
#[utoipa::path(post, path = "/v1/invitations/prepare", security(("session" = ["organisation_admin", "platform_admin"])), request_body = InvitationRequest,
    responses((status = OK, body = Prepared), (status = 401), (status = 403), (status = 422)))]
pub(super) async fn prepare(
    State(accounts): State<Accounts>,
    inviter: Authorised<Inviter>,
    JsonBody(body): JsonBody<InvitationRequest>,
) -> Result<Json<Prepared>, ProblemResponse> {
    let email = body.email.parse()?;
    let place = (body.organisation, body.applications);
    let prepared = accounts.prepare_invitation(&inviter.account, &inviter.key, body.role, place, email).await;
    let (payload, nonce) = prepared?;
    Ok(Json(Prepared::new(payload, nonce)))
}

/// Second step: the link.
#[utoipa::path(post, path = "/v1/invitations", security(("session" = ["organisation_admin", "platform_admin"])), request_body = Proven,
    responses((status = CREATED, body = InvitationLink), (status = 401), (status = 403), (status = 409)))]
pub(super) async fn confirm(
    State(accounts): State<Accounts>,
    inviter: Authorised<Inviter>,
    JsonBody(body): JsonBody<Proven>,
) -> Result<(StatusCode, Json<InvitationLink>), ProblemResponse> {
    let link = accounts.confirm_invitation(&inviter.account, &inviter.key, &body.payload, body.proof).await;
    let link = link.map_err(|error: AccountsError| ProblemResponse::from(error))?;
    Ok((StatusCode::CREATED, Json(InvitationLink { link })))
}
