//! What a terminal does at the host of its keyring: it learns which requests wait, fetches each, and says what its holder answered. The host is believed of nothing.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sceau_element_api::{Base64Url, KeyringRequestId, Nonce};
use sceau_keyring::{
    Answered, GivenNonce, Outcome, ReportReason, Signs as _, Statement as _, Visit, VisitAsk, Visited,
    Visiting, Waiting, places,
};
use serde_json::json;

use super::keeps::DeviceKey;
use super::storage::{Kept, Storage};
use super::{Agreed, Authenticated, Signed};
use crate::keyring::now;
use crate::{ClientError, Server};

/// How long a nonce is kept that came with an answer: less than it is good for, by no clock that is set.
const KEPT: Duration = Duration::from_secs(90);

/// What the host says of an outcome that it will never take from this terminal.
const FINAL: [&str; 3] = ["request_unknown", "request_settled", "proof_invalid"];

impl From<&Signed> for Outcome {
    fn from(signed: &Signed) -> Self {
        let mut certificates = signed.certificates.iter().cloned();
        Self {
            signatures: signed.signatures.clone(),
            proof: signed.proof.clone(),
            certificate: certificates.next(),
            chain: certificates.collect(),
            index: signed.index,
        }
    }
}

impl From<&Authenticated> for Outcome {
    fn from(told: &Authenticated) -> Self {
        let (signatures, chain) = (Vec::new(), Vec::new());
        Self { signatures, proof: told.proof.clone(), certificate: None, chain, index: told.index }
    }
}

/// What a host says of itself, of requests and of terminals' visits, and what stands in front of it says. Whatever else it says is the element's to say, sealed, or nobody's: a host that
/// says that a keyring is blocked or was copied would have its holder throw it away.
const OF_HOSTS: [&str; 14] = [
    "actor_unknown",
    "body_slow",
    "busy",
    "call_elsewhere",
    "keyring_phase",
    "malformed",
    "nonce_invalid",
    "not_a_sceau_server",
    "not_found",
    "proof_invalid",
    "request_settled",
    "request_unknown",
    "too_large",
    "unavailable",
];

/// The word of a host, where it is its own: never the element's, whose refusals come sealed.
fn of_host(error: ClientError) -> ClientError {
    match error {
        ClientError::Refused { status, code, detail } if OF_HOSTS.contains(&code.as_str()) => {
            ClientError::InClear { status, code, detail }
        }
        ClientError::Refused { detail, .. } => {
            let words = "the host of the keyring refused in words that are not its to say: believe the keyring's own state";
            ClientError::Unproven(format!("{words} (it says: {detail})"))
        }
        error => error,
    }
}

impl From<&Agreed> for Outcome {
    fn from(agreed: &Agreed) -> Self {
        match agreed {
            Agreed::Signed(signed) => Self::from(signed),
            Agreed::Authenticated(told) => Self::from(told),
        }
    }
}

/// A terminal at its host.
#[derive(Debug)]
pub struct Visitor<'a> {
    storage: &'a Storage,
    host: &'a Server,
    kept: Kept,
    device: DeviceKey,
    /// For the next visit, and since when it is here.
    next: Mutex<Option<(Nonce, Instant)>>,
}

impl<'a> Visitor<'a> {
    /// The terminal of this folder, at this host. What a visit before could not hand over is handed over first.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where the folder is no terminal here.
    pub async fn at(storage: &'a Storage, host: &'a Server) -> Result<Self, ClientError> {
        let visitor = Self::to(storage, host)?;
        for (request, outcome) in visitor.storage.undelivered()? {
            // What is asked next fails too where the host is away.
            drop(visitor.hand_over(request, outcome).await);
        }
        Ok(visitor)
    }

    /// The same, which asks the host nothing yet.
    ///
    /// # Errors
    /// As [`Visitor::at`].
    pub fn to(storage: &'a Storage, host: &'a Server) -> Result<Self, ClientError> {
        let (kept, device, _) = storage.load()?;
        Ok(Self { storage, host, kept, device, next: Mutex::default() })
    }

    /// What waits for the holder.
    ///
    /// # Errors
    /// [`ClientError::InClear`] with the host's code; [`ClientError::Unproven`] where it says what is not its to say; as [`Server::post`].
    pub async fn waiting(&self) -> Result<Vec<Waiting>, ClientError> {
        self.listed(VisitAsk::List {}).await
    }

    /// The same, once something waits that is none of these; after some seconds as it is.
    ///
    /// # Errors
    /// As [`Visitor::waiting`].
    pub async fn news(&self, known: Vec<KeyringRequestId>) -> Result<Vec<Waiting>, ClientError> {
        self.listed(VisitAsk::Wait { known }).await
    }

    /// A request, as its provider signed it: [`super::sign`] judges it.
    ///
    /// # Errors
    /// As [`Visitor::waiting`].
    pub async fn fetch(&self, request: KeyringRequestId) -> Result<String, ClientError> {
        match self.visit(VisitAsk::Fetch { request }).await? {
            Visited::Request { jws } => Ok(jws),
            _ => Err(ClientError::Answer),
        }
    }

    /// Hands over what the holder agreed to, for the provider: kept before ([`Storage::keep_undelivered`]), it is brought by the next visit where it does not arrive, and
    /// forgotten once the host has it, or says that it never will.
    ///
    /// # Errors
    /// As [`Visitor::waiting`].
    pub async fn hand_over(&self, request: KeyringRequestId, outcome: Outcome) -> Result<(), ClientError> {
        match self.settled(VisitAsk::Deposit { request, outcome: Box::new(outcome) }).await {
            // The host has it from another try, or never will. Whatever else is said on the way, by a gate or a host that is slow, it is kept for the next visit.
            Err(refused) if refused.code().is_some_and(|code| FINAL.contains(&code)) => {
                self.storage.forget_undelivered(request)?;
                Err(refused)
            }
            Err(error) => Err(error),
            Ok(()) => self.storage.forget_undelivered(request),
        }
    }

    /// Says that the holder does not agree.
    ///
    /// # Errors
    /// As [`Visitor::waiting`].
    pub async fn reject(&self, request: KeyringRequestId) -> Result<(), ClientError> {
        self.settled(VisitAsk::Reject { request }).await
    }

    /// Says that the holder does not agree, and should not have been asked.
    ///
    /// # Errors
    /// As [`Visitor::waiting`].
    pub async fn report(&self, request: KeyringRequestId, why: ReportReason) -> Result<(), ClientError> {
        self.settled(VisitAsk::Report { request, why }).await
    }

    async fn listed(&self, ask: VisitAsk) -> Result<Vec<Waiting>, ClientError> {
        match self.visit(ask).await? {
            Visited::Waiting { requests } => Ok(requests),
            _ => Err(ClientError::Answer),
        }
    }

    async fn settled(&self, ask: VisitAsk) -> Result<(), ClientError> {
        match self.visit(ask).await? {
            Visited::Settled { .. } => Ok(()),
            _ => Err(ClientError::Answer),
        }
    }

    async fn visit(&self, ask: VisitAsk) -> Result<Visited, ClientError> {
        let kept = self.next().take().filter(|(_, since)| since.elapsed() < KEPT);
        let nonce = match kept {
            Some((nonce, _)) => nonce,
            None => self.nonce().await?,
        };
        let mut visit = Visit {
            v: 1,
            aud: self.kept.origin.clone(),
            host: self.host.host(),
            keyring: self.kept.keyring,
            terminal: self.kept.terminal,
            nonce,
            time: now(),
            ask,
        };
        match self.visited(&visit).await {
            // The host began anew, or another one answers: it did nothing yet, and knows the ones that it gives now.
            Err(error) if kept.is_some() && error.code() == Some("nonce_invalid") => {
                (visit.nonce, visit.time) = (self.nonce().await?, now());
                self.visited(&visit).await
            }
            visited => visited,
        }
    }

    async fn visited(&self, visit: &Visit) -> Result<Visited, ClientError> {
        let visit = visit.sign(&self.device)?;
        let device = Base64Url::from(self.device.spki());
        let answered = self.host.post(places::VISITS, &Visiting { visit, device }).await;
        let Answered { told, next } = answered.map_err(of_host)?;
        *self.next() = next.map(|given| (given.nonce, Instant::now()));
        Ok(told)
    }

    async fn nonce(&self) -> Result<Nonce, ClientError> {
        let given = self.host.post(places::NONCES, &json!({})).await;
        given.map(|GivenNonce { nonce, .. }| nonce).map_err(of_host)
    }

    fn next(&self) -> std::sync::MutexGuard<'_, Option<(Nonce, Instant)>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
