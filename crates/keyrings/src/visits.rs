//! Terminals that visit: heard where the key of a terminal that the keyring's row names signed the visit, over a nonce of this host.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use sceau_element_api::keyring::{Keyring, KeyringPhase};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringRequestId, TerminalId};
use sceau_keyring::{Request, Statement as _, Visit, VisitAsk, thumbprint};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::code::Code as Own;
use crate::host::{Host, WAITS};
use crate::refusal::Refused;
use crate::requests::{Kept, Settled, State, Waiting};

/// A visit as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Visiting {
    /// JWS typ `sceau-kr-visit`.
    visit: String,
    /// The public key that signed it, a SubjectPublicKeyInfo: rows have its thumbprint alone.
    device: Base64Url,
}

/// The name that a request came for, as it says itself: `host`, or `host:port`; empty where it says none.
pub(crate) struct CameFor(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for CameFor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let said = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        // Over HTTP/2 it is in the address (RFC 9113 section 8.3.1).
        let name = parts.uri.authority().map(|authority| authority.as_str()).or(said);
        Ok(Self(name.unwrap_or_default().to_owned()))
    }
}

/// The proof that a terminal which this keyring's row names signed the visit. Its nonce is used up.
#[derive(Debug)]
pub(crate) struct Visitor {
    keyring: Keyring,
    terminal: TerminalId,
    ask: VisitAsk,
}

/// What a terminal is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Told {
    /// What waits.
    Waiting {
        /// Ids, and nothing else.
        requests: Vec<Waiting>,
    },
    /// A request.
    Request {
        /// JWS typ `sceau-kr-request`, as its provider signed it.
        jws: String,
    },
    /// It is settled.
    Settled {
        /// Which.
        request: KeyringRequestId,
        /// How.
        state: State,
    },
}

impl Visitor {
    /// Judges a visit.
    pub(crate) async fn of(host: &Host, name: &str, visiting: &Visiting) -> Result<Self, Refused> {
        let Visit { aud, host: named, keyring, terminal, nonce, ask, .. } =
            Visit::verify(&visiting.visit, &visiting.device)?;
        if aud != host.origin() || !host.is_called(&named, name) {
            return Err(Refused::new(
                Code::CallElsewhere,
                "the visit is to another host, or of another element",
            ));
        }
        if !host.nonces().knows(&nonce, host.now()) {
            let words = "the nonce is none of this host, or has ended: ask for another";
            return Err(Refused::new(Code::NonceInvalid, words));
        }
        // Before anything is asked for it: who has a nonce has one visit.
        if !host.nonces().take(&nonce).await? {
            return Err(Refused::new(Code::NonceInvalid, "the nonce was used: ask for another"));
        }
        let key = thumbprint(&visiting.device);
        let names = |row: &Keyring| {
            // One that only tries to be a terminal of it is shown nothing.
            let mut terminals = row.bound();
            terminals.any(|it| it.terminal == terminal && key.is_some_and(|key| it.thumbprint.0 == key))
        };
        let found = async || Ok::<_, Refused>(host.rows().keyring(keyring).await?.filter(names));
        let mut row = found().await?.filter(|row| row.phase == KeyringPhase::Active);
        if row.is_none() || matches!(ask, VisitAsk::Reject { .. } | VisitAsk::Report { .. }) {
            // It may be new, or go on; and who was stopped a moment ago says *no* to nothing more.
            host.feed().freshen().await?;
            row = found().await?;
        }
        let unknown = || Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed the visit");
        let keyring = row.ok_or_else(unknown)?;
        // What is handed over is the element's word, whatever became of the keyring since.
        if keyring.phase != KeyringPhase::Active && !matches!(ask, VisitAsk::Deposit { .. }) {
            let words = "the keyring is not in use now: what waits at its host is not told, nor answered";
            return Err(Refused::new(Code::KeyringPhase, words));
        }
        Ok(Self { keyring, terminal, ask })
    }

    /// What it asks.
    pub(crate) fn ask(&self) -> &VisitAsk {
        &self.ask
    }

    /// Does what it asks.
    pub(crate) async fn served(self, host: &Host) -> Result<Told, Refused> {
        let id = self.keyring.keyring;
        match &self.ask {
            VisitAsk::List {} => Ok(Told::Waiting { requests: host.rows().waiting(id, host.now()).await? }),
            VisitAsk::Wait { known } => self.waited(host, known).await,
            VisitAsk::Fetch { request } => {
                let kept = self.own(host, *request).await?;
                match kept.state(host.now()) {
                    State::Pending => Ok(Told::Request { jws: kept.jws }),
                    _ => Err(Own::RequestSettled.into()),
                }
            }
            VisitAsk::Deposit { request, outcome } => {
                let kept = self.own(host, *request).await?;
                // What is not the element's word is kept for nobody: the provider would refuse it, and the holder's answer be lost.
                let asked = asked(&kept)?;
                outcome.proves(&kept.jws, &asked, host.word())?;
                self.settle(host, kept, Settled::Signed(outcome.clone()), State::Signed).await
            }
            VisitAsk::Reject { request } => {
                let kept = self.own(host, *request).await?;
                self.settle(host, kept, Settled::Rejected, State::Rejected).await
            }
            VisitAsk::Report { request, why } => {
                let kept = self.own(host, *request).await?;
                self.settle(host, kept, Settled::Reported(*why), State::Rejected).await
            }
            _ => Err(Refused::malformed("this version does not know what is asked")),
        }
    }

    /// A request of this keyring, and of no other.
    async fn own(&self, host: &Host, request: KeyringRequestId) -> Result<Kept, Refused> {
        let kept = host.rows().request(request).await?;
        kept.filter(|kept| kept.keyring == self.keyring.keyring).ok_or_else(|| Own::RequestUnknown.into())
    }

    async fn settle(&self, host: &Host, kept: Kept, answer: Settled, state: State) -> Result<Told, Refused> {
        // Signed before it ended, deposited after: it is signed all the same.
        if kept.state(host.now()) == State::Expired && state != State::Signed {
            return Err(Own::RequestSettled.into());
        }
        host.rows().settle(&kept, self.terminal, &answer, host.now()).await?;
        host.bell().ring(kept.id.to_string());
        Ok(Told::Settled { request: kept.id, state })
    }

    /// What waits, once it is more than is known; or as it is, after a while.
    async fn waited(&self, host: &Host, known: &[KeyringRequestId]) -> Result<Told, Refused> {
        let id = self.keyring.keyring;
        let _place = host.waiting_place(id)?;
        let looks = async {
            loop {
                let heard = host.bell().heard(id.to_string());
                let requests = host.rows().waiting(id, host.now()).await?;
                if requests.iter().any(|one| !known.contains(&one.request)) {
                    return Ok(Told::Waiting { requests });
                }
                heard.await;
            }
        };
        match timeout(WAITS, looks).await {
            Ok(told) => told,
            Err(_) => Ok(Told::Waiting { requests: host.rows().waiting(id, host.now()).await? }),
        }
    }
}

/// What a kept request says: it was verified as it came.
fn asked(kept: &Kept) -> Result<Request, Refused> {
    let payload = kept.jws.split('.').nth(1).and_then(|part| Base64Url::decode(part).ok());
    let payload = payload.ok_or_else(|| Refused::malformed("the request is damaged"))?;
    Ok(Request::parse(&payload)?)
}
