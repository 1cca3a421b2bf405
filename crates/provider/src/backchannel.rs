//! Logins without a browser: CIBA, which a site polls.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_crypto::{random, sha256};
use sceau_store::{RateLimiter, Rule};
use tokio::sync::watch;

use crate::asking::{Agreed, Asks, Lang, Question, State, Whom, Words, binding_is_legible};
use crate::grant::{Grant, Login};
use crate::oauth::{AuthenticatedClient, ClientId, ErrorCode, GrantKind, Issued, OAuthError, Params, Shelf};
use crate::provider::Inner;

/// How often a site may ask, in seconds.
const INTERVAL: u64 = 5;
/// Logins under way, of all sites and of one; and how often one may begin.
const MOST: usize = 10_000;
const MOST_OF_CLIENT: usize = 2_000;
const OF_CLIENT: Rule = Rule::per_hour(60, 1_200);
/// How long an answer waits for its site, in ms.
const AFTERWARDS: u64 = 120_000;

/// Logins under way.
#[derive(Debug)]
pub(crate) struct BackChannel {
    kept: Shelf<[u8; 32], Pending>,
    begins: RateLimiter<String>,
}

impl Default for BackChannel {
    fn default() -> Self {
        Self { kept: Shelf::shared(MOST, MOST_OF_CLIENT), begins: RateLimiter::new(1_000) }
    }
}

#[derive(Debug)]
struct Pending {
    client: ClientId,
    scope: BTreeSet<String>,
    state: watch::Receiver<State>,
    ends: u64,
    interval: u64,
    /// When its site may ask next.
    next: u64,
}

/// What a site is told of one that began (CIBA Core section 7.3).
#[derive(Debug, serde::Serialize)]
pub(crate) struct Began {
    auth_req_id: String,
    expires_in: u64,
    interval: u64,
}

impl Inner {
    /// Begins a login for a site that proved who it is. Somebody who is not known here is asked as long as somebody who does not answer.
    pub(crate) async fn began(
        &self,
        client: &AuthenticatedClient,
        form: &Params,
    ) -> Result<Began, OAuthError> {
        let wrong = |error: ErrorCode, why: &'static str| Err(OAuthError::new(error, why));
        let site = client.client();
        if !site.grants.contains(&GrantKind::Ciba) {
            return wrong(
                ErrorCode::UnauthorizedClient,
                "this client is not registered for the back channel",
            );
        }
        if form.get("request").is_some() {
            return wrong(ErrorCode::InvalidRequest, "requests are not taken as JWT");
        }
        if form.get("id_token_hint").is_some() || form.get("login_hint_token").is_some() {
            return wrong(ErrorCode::InvalidRequest, "whom it is about is said by login_hint");
        }
        let asked: BTreeSet<String> = form.words("scope").map(str::to_owned).collect();
        let scope: BTreeSet<String> = asked.intersection(&site.scopes).cloned().collect();
        if !scope.contains("openid") {
            return wrong(ErrorCode::InvalidScope, "scope has openid, and the client is registered for it");
        }
        let seconds = form.number("requested_expiry")?.unwrap_or(self.plan.login_seconds);
        let seconds = seconds.clamp(30, self.plan.login_seconds);
        let lang = Lang::choose(form.get("ui_locales"), None, self.plan.lang);
        let words = Words { binding: form.get("binding_message"), ..Words::of(lang, &site.name, &scope) };
        if !binding_is_legible(&words) {
            return wrong(
                ErrorCode::InvalidBindingMessage,
                "binding_message is one line of at most 100 characters that reads as one thing alone",
            );
        }
        let whom = self.whom(form.need("login_hint")?).await?;
        let now = self.now();
        let often =
            || OAuthError::new(ErrorCode::TemporarilyUnavailable, "asked too often: wait, then ask again");
        self.back.begins.take(site.id.as_str(), OF_CLIENT, now).map_err(|_| often())?;
        let turn = self.asker.turn(&whom, Asks::site(site.id.as_str()), seconds).ok_or_else(often)?;
        let ends = now + seconds * 1000;
        let id = URL_SAFE_NO_PAD.encode(random::<32>());
        let (tell, state) = watch::channel(State::Waiting);
        let pending = Pending { client: site.id.clone(), scope, state, ends, interval: INTERVAL, next: now };
        // Its place first: nobody is asked for a login that has none.
        let name = sha256(id.as_bytes());
        let kept = self.back.kept.put_for(site.id.as_str(), name, pending, ends + AFTERWARDS, now);
        kept.map_err(|full| OAuthError::new(ErrorCode::TemporarilyUnavailable, full.to_string()))?;
        self.asker.ask(Question { turn, whom: &whom, client: &site.id, words, seconds }, tell);
        Ok(Began { auth_req_id: id, expires_in: seconds, interval: INTERVAL })
    }

    /// What became of it, once: a token, and the login that it is of.
    pub(crate) fn polled(
        &self,
        client: &AuthenticatedClient,
        form: &Params,
    ) -> Result<(Issued, Grant), OAuthError> {
        let wrong = |error: ErrorCode, why: &'static str| Err(OAuthError::new(error, why));
        let site = client.client();
        let (name, now) = (sha256(form.need("auth_req_id")?.as_bytes()), self.now());
        let looked = self.back.kept.with(&name, now, |pending| {
            if pending.client != site.id {
                return None;
            }
            let early = now + 500 < pending.next;
            if early {
                pending.interval += INTERVAL;
            }
            pending.next = now + pending.interval * 1000;
            let state = pending.state.borrow().clone();
            Some((early, state, now >= pending.ends))
        });
        let Some((early, state, over)) = looked.flatten() else {
            return wrong(ErrorCode::InvalidGrant, "auth_req_id is unknown, used, over, or another client's");
        };
        match state {
            _ if early => wrong(ErrorCode::SlowDown, "asked too soon: wait five seconds longer each time"),
            State::Waiting if over => self.ended(&name, ErrorCode::ExpiredToken, "nobody answered in time"),
            State::Waiting => wrong(ErrorCode::AuthorizationPending, "nobody answered yet"),
            State::Silent => self.ended(&name, ErrorCode::ExpiredToken, "nobody answered in time"),
            State::Refused => self.ended(&name, ErrorCode::AccessDenied, "the holder said no"),
            State::Away => self.ended(
                &name,
                ErrorCode::TemporarilyUnavailable,
                "the way to holders is away: begin again",
            ),
            State::Agreed(agreed) => {
                let gone = || OAuthError::new(ErrorCode::InvalidGrant, "auth_req_id was used");
                let pending = self.back.kept.take(&name, now).ok_or_else(gone)?;
                let grant = self.login(&agreed, client, None);
                Ok((self.server.issue(client, pending.scope, grant.clone(), now)?, grant))
            }
        }
    }

    fn ended<T>(&self, name: &[u8; 32], error: ErrorCode, why: &'static str) -> Result<T, OAuthError> {
        self.back.kept.take(name, self.now());
        Err(OAuthError::new(error, why))
    }

    fn login(&self, agreed: &Agreed, client: &AuthenticatedClient, nonce: Option<&str>) -> Grant {
        Grant::Login(Login::of(agreed, client.client(), &self.secret, nonce, &self.plan.acr).into())
    }

    /// Whom somebody means: an alias, or a keyring's id.
    pub(crate) async fn whom(&self, hint: &str) -> Result<Whom, OAuthError> {
        let hint = hint.trim();
        let keyring = match (hint.parse().ok(), crate::records::Alias::parse(hint)) {
            (Some(keyring), _) => Some(keyring),
            (None, Ok(alias)) => self.records.keyring(&alias).await.map_err(|error| {
                tracing::error!(%error, "the directory of holders does not answer");
                OAuthError::new(ErrorCode::ServerError, "the directory of holders does not answer")
            })?,
            (None, Err(_)) => None,
        };
        let hint = hint.to_lowercase().chars().take(64).collect();
        Ok(Whom { hint, keyring })
    }
}
