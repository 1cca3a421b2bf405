//! Logins in browsers, from the question to the way back. One is of the browser that began it: another that has its address sees nothing of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_crypto::{random, sha256};
use sceau_element_api::KeyringId;
use tokio::sync::watch;
use url::Url;

use crate::asking::{Asks, Counted, Lang, Question, State, TOLD_AFTER, Whom, Words};
use crate::grant::{Grant, Login};
use crate::oauth::{AuthorizationRequest, ErrorCode, OAuthError, Shelf};
use crate::provider::Inner;

/// Logins under way, and those of browsers that nobody knows, or that are remembered.
const MOST: usize = 20_000;
const OF_ONE_KIND: usize = 15_000;
/// How long an ended one is still shown, in ms.
const AFTERWARDS: u64 = 300_000;

/// Logins under way, by the hash of their names.
#[derive(Debug)]
pub(crate) struct Logins(Shelf<[u8; 32], Kept>);

impl Default for Logins {
    fn default() -> Self {
        Self(Shelf::shared(MOST, OF_ONE_KIND))
    }
}

#[derive(Debug)]
struct Kept {
    request: Arc<AuthorizationRequest>,
    /// Hash of what the browser keeps.
    browser: [u8; 32],
    number: String,
    lang: Lang,
    ends: u64,
    state: watch::Receiver<State>,
    counted: Counted,
    remember: Option<String>,
    /// Who it must be, where the site said so.
    expected: Option<String>,
    over: Option<Over>,
}

/// How a login ended.
#[derive(Debug, Clone)]
pub(crate) enum Over {
    /// They agreed: where they go, and what the browser is to remember.
    Agreed(Url, Option<(String, KeyringId)>),
    /// They said no on the terminal.
    Refused(Url),
    /// Nobody answered.
    Silent(Url),
    /// They gave up here.
    Cancelled(Url),
    /// Somebody else agreed than the site asked for.
    Other(Url),
    /// What is needed is away.
    Away(Url),
}

/// A login as its page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) site: String,
    pub(crate) lang: Lang,
    pub(crate) number: String,
    /// How many seconds are left.
    pub(crate) left: u64,
    pub(crate) over: Option<Over>,
}

/// What a browser begins a login with.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) request: AuthorizationRequest,
    pub(crate) browser: [u8; 32],
    pub(crate) whom: Whom,
    pub(crate) asks: Asks,
    pub(crate) lang: Lang,
    pub(crate) remember: bool,
    pub(crate) expected: Option<String>,
}

impl Inner {
    /// Begins a login; its name, or none where too much is under way.
    pub(crate) fn login_began(&self, begin: Beginning) -> Option<String> {
        let Beginning { request, browser, whom, asks, lang, remember, expected } = begin;
        let (seconds, now) = (self.plan.login_seconds, self.now());
        let turn = self.asker.turn(&whom, asks, seconds)?;
        let id = URL_SAFE_NO_PAD.encode(random::<16>());
        let (number, ends) = (number(), now + seconds * 1000);
        let (tell, state) = watch::channel(State::Waiting);
        let kept = Kept {
            request: Arc::new(request),
            browser,
            number: number.clone(),
            lang,
            ends,
            state,
            counted: turn.counted(),
            remember: remember.then(|| whom.hint.clone()),
            expected,
            over: None,
        };
        let request = Arc::clone(&kept.request);
        // Its place first: nobody is asked for a login that has none.
        let kind = if asks.is_stranger() { "unknown" } else { "remembered" };
        self.logins.0.put_for(kind, sha256(id.as_bytes()), kept, ends + AFTERWARDS, now).ok()?;
        let site = &request.client;
        let words = Words { number: Some(&number), ..Words::of(lang, &site.name, &request.scope) };
        self.asker.ask(Question { turn, whom: &whom, client: &site.id, words, seconds }, tell);
        Some(id)
    }

    /// A login of this browser, as it is now; none of any other's.
    pub(crate) fn login_seen(&self, id: &str, browser: [u8; 32]) -> Option<Seen> {
        let now = self.now();
        let look = |kept: &mut Kept| {
            (kept.browser == browser).then(|| {
                if kept.over.is_none() {
                    kept.over = self.over(kept, now);
                }
                Seen {
                    site: kept.request.client.name.clone(),
                    lang: kept.lang,
                    number: kept.number.clone(),
                    left: kept.ends.saturating_sub(now) / 1000,
                    over: kept.over.clone(),
                }
            })
        };
        self.logins.0.with(&sha256(id.as_bytes()), now, look).flatten()
    }

    /// What tells of its end; none of any other browser's.
    pub(crate) fn login_news(&self, id: &str, browser: [u8; 32]) -> Option<watch::Receiver<State>> {
        let look = |kept: &mut Kept| (kept.browser == browser).then(|| kept.state.clone());
        self.logins.0.with(&sha256(id.as_bytes()), self.now(), look).flatten()
    }

    /// Gives one up. What its holder answers afterwards counts for nothing.
    pub(crate) fn login_cancelled(&self, id: &str, browser: [u8; 32]) -> bool {
        let look = |kept: &mut Kept| {
            let own = kept.browser == browser;
            if own && kept.over.is_none() {
                self.asker.bounds.given_up(kept.counted);
                kept.over =
                    Some(Over::Cancelled(self.no(&kept.request, ErrorCode::AccessDenied, "given up")));
            }
            own
        };
        self.logins.0.with(&sha256(id.as_bytes()), self.now(), look) == Some(true)
    }

    fn over(&self, kept: &Kept, now: u64) -> Option<Over> {
        let request = &*kept.request;
        let denied = |why: &'static str| self.no(request, ErrorCode::AccessDenied, why);
        let state = kept.state.borrow().clone();
        Some(match state {
            State::Waiting if now < kept.ends.saturating_add(told_after()) => return None,
            State::Waiting | State::Silent => Over::Silent(denied("nobody answered in time")),
            State::Refused => Over::Refused(denied("the holder said no")),
            State::Away => {
                Over::Away(self.no(request, ErrorCode::TemporarilyUnavailable, "the way to holders is away"))
            }
            State::Agreed(agreed) => {
                let nonce = request.params.get("nonce");
                let login = Login::of(&agreed, &request.client, &self.secret, nonce, &self.plan.acr);
                if kept.expected.as_ref().is_some_and(|subject| *subject != login.subject) {
                    let words = "somebody else logged in than id_token_hint names";
                    return Some(Over::Other(self.no(request, ErrorCode::LoginRequired, words)));
                }
                match self.server.agreed(request, Grant::Login(login.into()), now) {
                    Ok(to) => Over::Agreed(to, kept.remember.clone().map(|hint| (hint, agreed.keyring))),
                    Err(error) => Over::Away(request.refusal(&error, self.server.issuer())),
                }
            }
        })
    }

    fn no(&self, request: &AuthorizationRequest, error: ErrorCode, why: &'static str) -> Url {
        request.refusal(&OAuthError::new(error, why), self.server.issuer())
    }
}

fn told_after() -> u64 {
    u64::try_from(TOLD_AFTER.as_millis()).unwrap_or(u64::MAX)
}

/// Four digits, the first no zero: it is read aloud, too.
fn number() -> String {
    let drawn = u32::from_be_bytes(random::<4>());
    format!("{}", 1000 + drawn % 9000)
}

#[cfg(test)]
#[path = "logins_tests.rs"]
mod tests;
