//! The word that a request waits: an id, for who can reach the holder's terminals. What is asked, and by whom, is not in it.

use std::time::Duration;

use sceau_element_api::keyring::LONGEST_OPEN;
use sceau_element_api::{KeyringId, KeyringRequestId};
use sceau_store::{DeliveryError, Message, Outbox, StoreError, Transaction};
use serde::{Deserialize, Serialize};

/// The topic of these words in the outbox, which the platform delivers.
pub const REQUESTED: &str = "keyring.requested";
/// After this, whoever is told comes too late: every request has ended.
const LATE: u64 = LONGEST_OPEN as u64 * 1000;
/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers by which a receiver, or what stands before it, says that it is not there now (RFC 9110 §15.6, RFC 6585 §4).
const ABSENT: [u16; 4] = [429, 502, 503, 504];

/// Leaves the word in the outbox, where somebody is to be told.
#[derive(Debug, Clone, Default)]
pub struct Notices(Option<Outbox>);

/// What waits in the outbox, and what is sent. Terminals are told the request's id alone; the keyring's says to whom of whoever is told it goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Notice {
    request: KeyringRequestId,
    keyring: KeyringId,
}

impl Notices {
    /// By this outbox.
    #[must_use]
    pub fn by(outbox: Outbox) -> Self {
        Self(Some(outbox))
    }

    /// Leaves it in the transaction that keeps the request.
    pub(crate) async fn leave(
        &self,
        all: &mut Transaction,
        request: KeyringRequestId,
        keyring: KeyringId,
    ) -> Result<(), StoreError> {
        if let Some(outbox) = &self.0 {
            outbox.enqueue(all, REQUESTED, &Notice { request, keyring }).await?;
        }
        Ok(())
    }
}

/// Tells whoever the operator set, by HTTP.
#[derive(Debug, Clone)]
pub struct Teller {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    clock: std::sync::Arc<dyn sceau_store::Clock>,
}

impl Teller {
    /// Tells this address, with this bearer token if any.
    ///
    /// # Errors
    /// Why no client can be made.
    pub fn new(
        url: String,
        token: Option<String>,
        authorities: Option<&[u8]>,
        clock: std::sync::Arc<dyn sceau_store::Clock>,
    ) -> Result<Self, String> {
        let mut http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        if let Some(pem) = authorities {
            let anchors = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())?;
            http = http.tls_certs_merge(anchors);
        }
        let http = http.build().map_err(|error| error.to_string())?;
        Ok(Self { http, url, token, clock })
    }

    /// Delivers one.
    ///
    /// # Errors
    /// [`DeliveryError`].
    pub async fn tell(&self, message: &Message) -> Result<(), DeliveryError> {
        let notice: Notice = message.parse()?;
        if self.clock.now_ms() > message.created.saturating_add(LATE) {
            return Ok(());
        }
        let mut request = self.http.post(&self.url).json(&serde_json::json!({
            "event": REQUESTED, "id": message.id, "request": notice.request, "keyring": notice.keyring,
        }));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) if ABSENT.contains(&status.as_u16()) => Err(DeliveryError::Away(status.to_string())),
            Ok(status) => Err(DeliveryError::Later(status.to_string())),
            // Its own words name the address, and nothing of the request.
            Err(error) => Err(DeliveryError::Away(error.without_url().to_string())),
        }
    }
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
