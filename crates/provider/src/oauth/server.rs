//! Codes and tokens, from their making to their end.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_crypto::{random, sha256};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::authenticate::Assertions;
use super::{
    Asked, AuthenticatedClient, AuthorizationRequest, ClientId, Clients, Endpoint, ErrorCode, Full,
    OAuthError, Params, Redirectable, Shelf, Unanswerable,
};

/// How long what was pushed may be used, in seconds.
pub const PUSHED_SECONDS: u64 = 300;
/// What names what was pushed (RFC 9126 section 2.2).
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a code is good, in ms: it goes from the browser to its client at once.
const CODE: u64 = 60_000;
/// Each of them at once; of what is pushed, of one client.
const MOST_PUSHED: usize = 20_000;
const PUSHED_OF_ONE: usize = MOST_PUSHED / 10;
const MOST_CODES: usize = 50_000;
const MOST_TOKENS: usize = 200_000;

/// What the server supports besides what every one does.
#[derive(Debug, Clone, Default)]
pub struct Supports {
    /// Types of rich authorization requests (RFC 9396).
    pub details: Vec<&'static str>,
}

/// The endpoints' common part. `G` is what somebody agreed to: a login, or what else is built on this.
#[derive(Debug)]
pub struct Server<G> {
    issuer: String,
    clients: Clients,
    supports: Supports,
    token_life: u64,
    assertions: Assertions,
    pushed: Shelf<[u8; 32], Params>,
    codes: Shelf<[u8; 32], Code<G>>,
    tokens: Shelf<[u8; 32], AccessToken<G>>,
}

/// A code, until its end; one that was used is remembered, so that its second use takes the token back.
#[derive(Debug)]
enum Code<G> {
    New {
        client: ClientId,
        redirect_uri: String,
        challenge: String,
        scope: BTreeSet<String>,
        grant: G,
    },
    Used(Option<[u8; 32]>),
    /// It came twice.
    Over,
}

/// What a token stands for.
#[derive(Debug, Clone)]
pub struct AccessToken<G> {
    /// Who has it.
    pub client: ClientId,
    /// What it is good for.
    pub scope: BTreeSet<String>,
    /// What somebody agreed to.
    pub grant: G,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

/// A token as it is handed out (RFC 6749 section 5.1).
#[derive(Serialize)]
pub struct Issued {
    /// The token.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// For how long, in seconds.
    pub expires_in: u64,
    /// What it is good for.
    pub scope: String,
}

/// Shows no token.
impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<G: Clone> Server<G> {
    /// A server of this issuer, whose tokens are good for so many seconds. `now` is when the process began.
    #[must_use]
    pub fn new(issuer: String, clients: Clients, supports: Supports, token_seconds: u64, now: u64) -> Self {
        Self {
            issuer,
            clients,
            supports,
            token_life: token_seconds.saturating_mul(1000),
            assertions: Assertions::since(now),
            pushed: Shelf::shared(MOST_PUSHED, PUSHED_OF_ONE),
            codes: Shelf::new(MOST_CODES),
            tokens: Shelf::new(MOST_TOKENS),
        }
    }

    /// Its name: an https address without a slash at the end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who may ask.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Who calls an endpoint for clients; `paths` are that endpoint's and the token endpoint's.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidClient`].
    pub fn authenticate(
        &self,
        paths: [&str; 2],
        authorization: Option<&str>,
        form: &Params,
        now: u64,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let at = Endpoint { issuer: &self.issuer, paths };
        self.assertions.authenticate(&self.clients, at, authorization, form, now)
    }

    /// Keeps a request for the browser to name (RFC 9126): its `request_uri`. It is judged as it will be then.
    ///
    /// # Errors
    /// [`OAuthError`].
    pub fn push(&self, client: &AuthenticatedClient, form: Params, now: u64) -> Result<String, OAuthError> {
        let id = client.client().id.clone();
        let wrong = |why: String| OAuthError::new(ErrorCode::InvalidRequest, why);
        if form.get("request_uri").is_some() {
            return Err(wrong("request_uri is not pushed".to_owned()));
        }
        let form = form.with("client_id", id.as_str());
        let read = Redirectable::of(&self.clients, form).map_err(|error| wrong(error.to_string()))?;
        let kept = read.judge(&self.supports, true)?.params;
        let (text, name) = drawn();
        let ends = now + PUSHED_SECONDS * 1000;
        self.pushed.put_for(id.as_str(), name, kept, ends, now).map_err(full)?;
        Ok(format!("{PUSHED}{text}"))
    }

    /// What a browser brings, and whether it names what was pushed: its client and address, then what it asks for.
    ///
    /// # Errors
    /// [`Unanswerable`]: there is nowhere to send the person.
    pub fn asked(&self, params: Params, now: u64) -> Result<(Redirectable, Asked), Unanswerable> {
        let (params, pushed) = match params.get("request_uri") {
            None => (params, false),
            Some(uri) => {
                let name = uri.strip_prefix(PUSHED).map(|text| sha256(text.as_bytes()));
                let found = name.and_then(|name| self.pushed.with(&name, now, |form| form.clone()));
                let form = found.ok_or(Unanswerable::Pushed)?;
                if params.get("client_id") != form.get("client_id") {
                    return Err(Unanswerable::Pushed);
                }
                (form, true)
            }
        };
        let read = Redirectable::of(&self.clients, params)?;
        let asked = read.clone().judge(&self.supports, pushed);
        Ok((read, asked))
    }

    /// Takes away what was pushed, once somebody goes on with it. True of parameters that name nothing.
    #[must_use]
    pub fn used(&self, params: &Params, now: u64) -> bool {
        let Some(uri) = params.get("request_uri") else { return true };
        let name = uri.strip_prefix(PUSHED).map(|text| sha256(text.as_bytes()));
        name.is_some_and(|name| self.pushed.take(&name, now).is_some())
    }

    /// Where a person goes who agreed: with a code, which is good once, for a minute.
    ///
    /// # Errors
    /// [`ErrorCode::TemporarilyUnavailable`].
    pub fn agreed(&self, request: &AuthorizationRequest, grant: G, now: u64) -> Result<Url, OAuthError> {
        let (text, name) = drawn();
        let code = Code::New {
            client: request.client.id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scope: request.scope.clone(),
            grant,
        };
        self.codes.put(name, code, now + CODE, now).map_err(full)?;
        Ok(request.answer(&text, &self.issuer))
    }

    /// A token for a code (RFC 6749 section 4.1.3), and what was agreed to. A code that comes a second time, or with anything wrong, is over, and so is its token.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidGrant`] or [`ErrorCode::InvalidRequest`].
    pub fn redeem(
        &self,
        client: &AuthenticatedClient,
        form: &Params,
        now: u64,
    ) -> Result<(Issued, G), OAuthError> {
        let (code, verifier) = (form.need("code")?, form.need("code_verifier")?);
        let redirect_uri = form.need("redirect_uri")?;
        let name = sha256(code.as_bytes());
        let over = || {
            OAuthError::new(ErrorCode::InvalidGrant, "the code is unknown, used, over, or of another request")
        };
        // From here on it is used: whoever comes second, at the same moment too, finds that.
        let until = now + self.token_life;
        let code = self.codes.swap(&name, Code::Used(None), until, now).ok_or_else(over)?;
        let Code::New { client: owner, redirect_uri: asked, challenge, scope, grant } = code else {
            // Somebody else has it too: what was handed out for it ends (RFC 6749 section 4.1.2).
            self.codes.swap(&name, Code::Over, until, now);
            if let Code::Used(Some(token)) = code {
                self.tokens.take(&token, now);
            }
            return Err(over());
        };
        let told = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let proven = is_verifier(verifier) && bool::from(told.as_bytes().ct_eq(challenge.as_bytes()));
        if owner != client.client().id || asked != redirect_uri || !proven {
            return Err(over());
        }
        let (issued, token) = self.issue_named(client, scope, grant.clone(), now)?;
        let alone = self.codes.with(&name, now, |code| match code {
            Code::Used(first @ None) => {
                *first = Some(token);
                true
            }
            _ => false,
        });
        if alone == Some(true) {
            return Ok((issued, grant));
        }
        self.tokens.take(&token, now);
        Err(over())
    }

    /// A token for what was agreed to without a browser.
    ///
    /// # Errors
    /// [`ErrorCode::TemporarilyUnavailable`].
    pub fn issue(
        &self,
        client: &AuthenticatedClient,
        scope: BTreeSet<String>,
        grant: G,
        now: u64,
    ) -> Result<Issued, OAuthError> {
        self.issue_named(client, scope, grant, now).map(|(issued, _)| issued)
    }

    fn issue_named(
        &self,
        client: &AuthenticatedClient,
        scope: BTreeSet<String>,
        grant: G,
        now: u64,
    ) -> Result<(Issued, [u8; 32]), OAuthError> {
        let (text, name) = drawn();
        let ends = now + self.token_life;
        let words = scope.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let token = AccessToken { client: client.client().id.clone(), scope, grant, ends };
        self.tokens.put(name, token, ends, now).map_err(full)?;
        let expires_in = self.token_life / 1000;
        Ok((Issued { access_token: text, token_type: "Bearer", expires_in, scope: words }, name))
    }

    /// What a token stands for, where it is good.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidToken`].
    pub fn token(&self, token: &str, now: u64) -> Result<AccessToken<G>, OAuthError> {
        let found = self.tokens.with(&sha256(token.as_bytes()), now, |token| token.clone());
        found.ok_or_else(|| {
            OAuthError::new(ErrorCode::InvalidToken, "the token is unknown, over, or taken back")
        })
    }

    /// Takes a token back (RFC 7009). One that is not there, or another client's, is as well.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidRequest`] where none is named.
    pub fn revoke(&self, client: &AuthenticatedClient, form: &Params, now: u64) -> Result<(), OAuthError> {
        let name = sha256(form.need("token")?.as_bytes());
        let own = self.tokens.with(&name, now, |token| token.client == client.client().id);
        if own == Some(true) {
            self.tokens.take(&name, now);
        }
        Ok(())
    }
}

/// 256 bits in base64url, and what they are kept under: who reads memory or a dump of it has no token.
fn drawn() -> (String, [u8; 32]) {
    let text = URL_SAFE_NO_PAD.encode(random::<32>());
    let name = sha256(text.as_bytes());
    (text, name)
}

/// RFC 7636 section 4.1.
fn is_verifier(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(plain)
}

fn full(full: Full) -> OAuthError {
    OAuthError::new(ErrorCode::TemporarilyUnavailable, full.to_string())
}
