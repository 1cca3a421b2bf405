//! Terminals that visit: heard where the key of a terminal that the keyring's row names signed the visit, over a nonce of this host.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use sceau_element_api::keyring::{Keyring, KeyringPhase};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{KeyringRequestId, TerminalId};
use sceau_keyring::{
    LONGEST_WAIT, Request, RequestState, Statement as _, Visit, VisitAsk, Visited, Visiting, key_of,
};
use tokio::time::timeout;

use crate::code::Code as Own;
use crate::host::Host;
use crate::nonces::Taken;
use crate::refusal::Refused;
use crate::requests::{Kept, Settled};

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
    key: [u8; 32],
    ask: VisitAsk,
}

/// Whether this row has the terminal of this name and key. One that only tries to be a terminal of it is shown nothing.
fn names(row: &Keyring, terminal: TerminalId, key: [u8; 32]) -> bool {
    let mut terminals = row.bound();
    terminals.any(|it| it.terminal == terminal && it.thumbprint.0 == key)
}

fn unknown() -> Refusal {
    Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed the visit")
}

fn not_in_use() -> Refusal {
    let words = "the keyring is not in use now: what waits at its host is not told, nor answered";
    Refusal::new(Code::KeyringPhase, words)
}

impl Visitor {
    /// Judges a visit.
    pub(crate) async fn of(host: &Host, name: &str, visiting: &Visiting) -> Result<Self, Refused> {
        let device = key_of(Visit::TYP, &visiting.device)?;
        let Visit { aud, host: named, keyring, terminal, nonce, ask, .. } =
            Visit::verify_by(&visiting.visit, &device)?;
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
        match host.nonces().take(&nonce, host.now()).await? {
            Taken::First => {}
            Taken::Before => {
                return Err(Refused::new(Code::NonceInvalid, "the nonce was used: ask for another"));
            }
            Taken::Full => return Err(Refused::busy()),
        }
        let key = *device.thumbprint().as_bytes();
        let own = |row: &Keyring| names(row, terminal, key);
        let found = async || Ok::<_, Refused>(host.rows().keyring(keyring).await?.filter(own));
        let mut row = found().await?.filter(|row| row.phase == KeyringPhase::Active);
        if row.is_none() || matches!(ask, VisitAsk::Reject { .. } | VisitAsk::Report { .. }) {
            // It may be new, or go on; and who was stopped a moment ago says *no* to nothing more.
            host.feed().freshen().await?;
            row = found().await?;
        }
        let keyring = row.ok_or_else(unknown)?;
        // What is handed over is the element's word, whatever became of the keyring since.
        if keyring.phase != KeyringPhase::Active && !matches!(ask, VisitAsk::Deposit { .. }) {
            return Err(not_in_use().into());
        }
        Ok(Self { keyring, terminal, key, ask })
    }

    /// What it asks.
    pub(crate) fn ask(&self) -> &VisitAsk {
        &self.ask
    }

    /// Does what it asks.
    pub(crate) async fn served(self, host: &Host) -> Result<Visited, Refused> {
        let id = self.keyring.keyring;
        match &self.ask {
            VisitAsk::List {} => {
                Ok(Visited::Waiting { requests: host.rows().waiting(id, host.now()).await? })
            }
            VisitAsk::Wait { known } => self.waited(host, known).await,
            VisitAsk::Fetch { request } => {
                let kept = self.own(host, *request).await?;
                match kept.state(host.now()) {
                    RequestState::Pending => Ok(Visited::Request { jws: kept.jws }),
                    _ => Err(Own::RequestSettled.into()),
                }
            }
            VisitAsk::Deposit { request, outcome } => {
                let kept = self.own(host, *request).await?;
                // What is not the element's word is kept for nobody: the provider would refuse it, and the holder's answer be lost.
                let asked = asked(&kept)?;
                outcome.proves(&kept.jws, &asked, host.word())?;
                self.settle(host, kept, Settled::Signed(outcome.clone())).await
            }
            VisitAsk::Reject { request } => {
                let kept = self.own(host, *request).await?;
                self.settle(host, kept, Settled::Rejected).await
            }
            VisitAsk::Report { request, why } => {
                let kept = self.own(host, *request).await?;
                self.settle(host, kept, Settled::Reported(*why)).await
            }
            _ => Err(Refused::malformed("this version does not know what is asked")),
        }
    }

    /// A request of this keyring, and of no other.
    async fn own(&self, host: &Host, request: KeyringRequestId) -> Result<Kept, Refused> {
        let kept = host.rows().request(request).await?;
        kept.filter(|kept| kept.keyring == self.keyring.keyring).ok_or_else(|| Own::RequestUnknown.into())
    }

    async fn settle(&self, host: &Host, kept: Kept, answer: Settled) -> Result<Visited, Refused> {
        let state = answer.state();
        // Signed before it ended, deposited after: it is signed all the same.
        if kept.state(host.now()) == RequestState::Expired && state != RequestState::Signed {
            return Err(Own::RequestSettled.into());
        }
        host.rows().settle(&kept, self.terminal, &answer, host.now()).await?;
        host.bell().ring(kept.id.to_string());
        Ok(Visited::Settled { request: kept.id, state })
    }

    /// What waits, once it is more than is known; or as it is, after a while.
    async fn waited(&self, host: &Host, known: &[KeyringRequestId]) -> Result<Visited, Refused> {
        let id = self.keyring.keyring;
        let _place = host.waiting_place(id, self.terminal)?;
        let looks = async {
            loop {
                let heard = host.bell().heard(id.to_string());
                let requests = host.rows().waiting(id, host.now()).await?;
                if requests.iter().any(|one| !known.contains(&one.request)) {
                    return Ok::<_, Refused>(requests);
                }
                heard.await;
            }
        };
        let requests = match timeout(LONGEST_WAIT, looks).await {
            Ok(requests) => requests?,
            Err(_) => host.rows().waiting(id, host.now()).await?,
        };
        self.still(host).await?;
        Ok(Visited::Waiting { requests })
    }

    /// That it is a terminal of the keyring now, which is in use: it waited, and may have been taken off meanwhile.
    async fn still(&self, host: &Host) -> Result<(), Refused> {
        let row = host.rows().keyring(self.keyring.keyring).await?;
        let row = row.filter(|row| names(row, self.terminal, self.key)).ok_or_else(unknown)?;
        if row.phase == KeyringPhase::Active { Ok(()) } else { Err(not_in_use().into()) }
    }
}

/// What a kept request says: it was verified as it came.
fn asked(kept: &Kept) -> Result<Request, Refused> {
    let asked = Request::unverified(&kept.jws).filter(|asked| asked.check().is_ok());
    asked.ok_or_else(|| Refused::malformed("the request is damaged"))
}
