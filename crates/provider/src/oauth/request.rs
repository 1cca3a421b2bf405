//! What a client asks a person for: read, and held to what is registered, before anybody is shown anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::{Client, Clients, ErrorCode, GrantKind, OAuthError, Params, Supports};

/// The longest state and the longest scope, in characters.
const LONGEST_STATE: usize = 2048;
/// The longest request, in bytes, without its details: many of them wait for people.
const LONGEST: usize = 4096;
/// What is read of a request here, and by what builds on this. Nothing else of it is kept.
const READ: [&str; 17] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    DETAILS,
    "request",
    "registration",
    "nonce",
    "prompt",
    "max_age",
    "ui_locales",
    "login_hint",
    "id_token_hint",
];
const DETAILS: &str = "authorization_details";
/// Details of what is asked for (RFC 9396), at most.
const MOST_DETAILS: usize = 10;

/// Parameters whose client and address are registered: what is wrong in them may be told at that address.
#[derive(Debug, Clone)]
pub struct Redirectable {
    client: Arc<Client>,
    redirect_uri: String,
    state: Option<String>,
    params: Params,
}

/// It cannot be told where the client says: that would send people to anywhere (RFC 6749 section 4.1.2.1). They are shown a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswerable {
    /// No such client.
    #[error("no site of this client_id is registered here")]
    Client,
    /// The address is not one of its own.
    #[error("redirect_uri is not one that is registered for this client, character by character")]
    Redirect,
    /// What was pushed is over, used, or another client's.
    #[error("request_uri is unknown, over, or another client's")]
    Pushed,
    /// The parameters cannot be read at all.
    #[error("{0}")]
    Params(OAuthError),
}

/// A request that may be shown to a person.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the person goes back to.
    pub redirect_uri: String,
    /// What the client wants back with them.
    pub state: Option<String>,
    /// What it asks for, of what it may.
    pub scope: BTreeSet<String>,
    /// PKCE's challenge (RFC 7636), S256: 43 characters.
    pub challenge: String,
    /// Rich authorization requests (RFC 9396): each an object of a type that is supported. What it means is for who supports it.
    pub details: Vec<Value>,
    /// All that is read of it, for what builds on this.
    pub params: Params,
}

/// What a client asks for, or why it is told no at its own address.
pub type Asked = Result<AuthorizationRequest, OAuthError>;

impl Redirectable {
    /// Finds client and address. `of` is who pushed the parameters, where they were.
    ///
    /// # Errors
    /// [`Unanswerable`].
    pub(super) fn of(clients: &Clients, params: Params) -> Result<Self, Unanswerable> {
        let params = params.only(&READ);
        let client = params.get("client_id").and_then(|id| clients.find(id)).ok_or(Unanswerable::Client)?;
        let registered = |address: &&str| client.redirect_uris.iter().any(|own| own == address);
        let redirect_uri = params.get("redirect_uri").filter(registered).ok_or(Unanswerable::Redirect)?;
        let state = params.get("state").filter(|state| state.len() <= LONGEST_STATE);
        let (redirect_uri, state) = (redirect_uri.to_owned(), state.map(str::to_owned));
        Ok(Self { client, redirect_uri, state, params })
    }

    /// Judges the rest.
    ///
    /// # Errors
    /// [`OAuthError`], for the client.
    pub(super) fn judge(self, supports: &Supports, pushed: bool) -> Asked {
        let wrong = |error: ErrorCode, why: &'static str| Err(OAuthError::new(error, why));
        let params = &self.params;
        if !self.client.grants.contains(&GrantKind::Code) {
            return wrong(ErrorCode::UnauthorizedClient, "this client is not registered for codes");
        }
        if self.client.pushed_only && !pushed {
            return wrong(
                ErrorCode::InvalidRequest,
                "this client pushes its requests: ask at the endpoint for that",
            );
        }
        if params.len_without(DETAILS) > LONGEST {
            return wrong(ErrorCode::InvalidRequest, "a request has at most 4 KiB without its details");
        }
        if params.get("request").is_some() {
            return wrong(ErrorCode::RequestNotSupported, "requests are not taken as JWT: push them");
        }
        if params.get("registration").is_some() {
            return wrong(ErrorCode::RegistrationNotSupported, "clients are registered by the operator");
        }
        if params.get("response_type") != Some("code") {
            let named = params.get("response_type").is_some();
            let error = if named { ErrorCode::UnsupportedResponseType } else { ErrorCode::InvalidRequest };
            return wrong(error, "response_type is code");
        }
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return wrong(ErrorCode::InvalidRequest, "response_mode is query");
        }
        if params.get("state").is_some() && self.state.is_none() {
            return wrong(ErrorCode::InvalidRequest, "state has at most 2048 characters");
        }
        let challenge = params.get("code_challenge").filter(|challenge| is_challenge(challenge));
        let Some(challenge) = challenge.filter(|_| params.get("code_challenge_method") == Some("S256"))
        else {
            return wrong(ErrorCode::InvalidRequest, "code_challenge by S256 is needed (RFC 7636)");
        };
        let asked: BTreeSet<String> = params.words("scope").map(str::to_owned).collect();
        let scope = asked.intersection(&self.client.scopes).cloned().collect();
        let details = details(params, supports)?;
        let challenge = challenge.to_owned();
        let Self { client, redirect_uri, state, params } = self;
        Ok(AuthorizationRequest { client, redirect_uri, state, scope, challenge, details, params })
    }

    /// What people read of who asks.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.client.name
    }

    /// Where an error is told.
    #[must_use]
    pub fn refusal(&self, error: &OAuthError, issuer: &str) -> Url {
        answer(
            &self.redirect_uri,
            self.state.as_deref(),
            issuer,
            &[("error", error.error.as_str()), ("error_description", &error.description)],
        )
    }
}

impl AuthorizationRequest {
    /// Where the person goes with a code.
    #[must_use]
    pub fn answer(&self, code: &str, issuer: &str) -> Url {
        answer(&self.redirect_uri, self.state.as_deref(), issuer, &[("code", code)])
    }

    /// Where they go without one.
    #[must_use]
    pub fn refusal(&self, error: &OAuthError, issuer: &str) -> Url {
        answer(
            &self.redirect_uri,
            self.state.as_deref(),
            issuer,
            &[("error", error.error.as_str()), ("error_description", &error.description)],
        )
    }
}

/// The registered address with these parameters behind its own, the client's state, and who answers (RFC 9207).
fn answer(to: &str, state: Option<&str>, issuer: &str, with: &[(&str, &str)]) -> Url {
    // It was read as an address when the client was registered.
    #[expect(clippy::expect_used, reason = "it is one of the registered addresses, each of which was parsed")]
    let mut url = Url::parse(to).expect("an address");
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(with);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer);
    }
    url
}

/// SHA-256 in base64url.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn details(params: &Params, supports: &Supports) -> Result<Vec<Value>, OAuthError> {
    let Some(text) = params.get(DETAILS) else { return Ok(Vec::new()) };
    let wrong = |why: &'static str| OAuthError::new(ErrorCode::InvalidAuthorizationDetails, why);
    let all: Vec<Value> =
        serde_json::from_str(text).map_err(|_| wrong("authorization_details is a JSON array of objects"))?;
    if all.is_empty() || all.len() > MOST_DETAILS {
        return Err(wrong("authorization_details has 1 to 10 objects"));
    }
    let known = |one: &Value| {
        let named = one.as_object().and_then(|object| object.get("type")).and_then(Value::as_str);
        named.is_some_and(|named| supports.details.contains(&named))
    };
    if all.iter().all(known) {
        Ok(all)
    } else {
        Err(wrong("a type of authorization_details is not supported here"))
    }
}
