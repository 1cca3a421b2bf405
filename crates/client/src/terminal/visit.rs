//! What a terminal does at the host of its keyring: it learns which requests wait, fetches each, and says what its holder answered. The host is believed of nothing.

use sceau_element_api::{Base64Url, KeyringRequestId, Nonce};
use sceau_keyring::{Outcome, ReportReason, Signs as _, Statement as _, Visit, VisitAsk};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::storage::{Kept, Storage};
use super::{Authenticated, Signed};
use crate::keyring::{FileKey, now};
use crate::{ClientError, Server};

/// What the host says of an outcome that it will never take from this terminal.
const FINAL: [&str; 3] = ["request_unknown", "request_settled", "proof_invalid"];

/// A request that waits: an id alone.
#[derive(Debug, Deserialize)]
pub struct Waiting {
    /// The request.
    pub request: KeyringRequestId,
    /// Until when it is good, Unix ms.
    pub ends: u64,
}

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

/// A terminal at its host.
#[derive(Debug)]
pub struct Visitor<'a> {
    storage: &'a Storage,
    host: &'a Server,
    kept: Kept,
    device: FileKey,
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
        Ok(Self { storage, host, kept, device })
    }

    /// What waits for the holder.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the host's code; as [`Server::post`].
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
        #[derive(Deserialize)]
        struct Fetched {
            jws: String,
        }
        Ok(self.visit::<Fetched>(VisitAsk::Fetch { request }).await?.jws)
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
        #[derive(Deserialize)]
        struct Listed {
            requests: Vec<Waiting>,
        }
        Ok(self.visit::<Listed>(ask).await?.requests)
    }

    async fn settled(&self, ask: VisitAsk) -> Result<(), ClientError> {
        #[derive(Deserialize)]
        struct Settled {}
        self.visit::<Settled>(ask).await.map(|Settled {}| ())
    }

    async fn visit<T: DeserializeOwned>(&self, ask: VisitAsk) -> Result<T, ClientError> {
        #[derive(Deserialize)]
        struct Given {
            nonce: Nonce,
        }
        let Given { nonce } = self.host.post("/v1/keyrings/nonces", &json!({})).await?;
        let visit = Visit {
            v: 1,
            aud: self.kept.origin.clone(),
            host: self.host.host(),
            keyring: self.kept.keyring,
            terminal: self.kept.terminal,
            nonce,
            time: now(),
            ask,
        };
        let visit = visit.sign(&self.device)?;
        let device = Base64Url::from(self.device.spki());
        self.host.post("/v1/keyrings/visits", &json!({ "visit": visit, "device": device })).await
    }
}
