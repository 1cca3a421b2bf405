//! Webhooks: a signed word that the feed has news, to the address that the organisation's administrator set.
//!
//! It is left in the outbox by the transaction that makes the entry, and tried again with back-off: for as long as nobody is there, and until it is
//! a dead letter where it is refused, which its organisation sees and has sent again. [`Reach`](super::Reach) says who is called.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sceau_crypto::http_signature::{self, Moment, SignedRequest};
use sceau_element_api::documents::DossierState;
use sceau_element_api::{AccountId, Base64Url, OrganisationId};
use sceau_store::{Absences, DeliveryError, Message, Transaction, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connectors::change;
use super::feed::Delivery;
use super::reach::NoClient;
use super::standing::{DeadLetter, DiscardReason, Hand};
use crate::fault::Fault;
use crate::{Dossiers, statements};

/// The topic of webhooks in the outbox.
pub const WEBHOOKS: &str = "webhook";
/// How long a signature may be taken, in seconds.
const LASTS: u64 = 300;
/// How long one webhook waits for another of its organisation: whatever is delivered beside it waits as well.
const IN_TURN: Duration = Duration::from_secs(2);
/// Answers by which a receiver, or what stands before it, says that it is not there now (RFC 9110 §15.6, RFC 6585 §4).
const ABSENT: [u16; 4] = [429, 502, 503, 504];

/// Where a webhook goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookForm {
    /// An https address.
    #[schema(value_type = String)]
    pub url: url::Url,
}

/// An organisation's webhook, as its administrator sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookView {
    /// Where it goes; none is set.
    pub url: Option<String>,
    /// Whether the last one was not taken: since when, and why.
    pub waiting: Option<WaitingWebhooks>,
    /// What could not be delivered, oldest first.
    pub dead_letters: Vec<DeadLetter>,
}

/// Webhooks that were tried in vain and are tried again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WaitingWebhooks {
    /// How many, 100 at most.
    pub count: usize,
    /// When the oldest was to be sent first, in Unix milliseconds.
    pub oldest: u64,
    /// Why it was not taken the last time.
    pub reason: Option<String>,
}

/// What waits in the outbox, and what is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) organisation: OrganisationId,
    /// The id of the entry of the feed.
    pub(super) delivery: String,
    pub(super) position: u64,
    pub(super) kind: String,
    pub(super) dossier: String,
    pub(super) time: u64,
}

impl Dossiers {
    /// Leaves a webhook for an entry of the feed, if its organisation has one.
    pub(super) async fn announce(
        &self,
        transaction: &mut Transaction,
        dossier: &DossierState,
        delivery: &Delivery,
    ) -> Result<(), Fault> {
        let notice = Notice {
            organisation: dossier.organisation,
            delivery: delivery.id.clone(),
            position: delivery.position,
            kind: delivery.kind.as_str().to_owned(),
            dossier: delivery.dossier.clone(),
            time: delivery.time,
        };
        self.outbox.enqueue(transaction, WEBHOOKS, &notice).await?;
        Ok(())
    }

    /// Sets where an organisation is told of news; none, and it is not told.
    ///
    /// # Errors
    /// When the address is not one that may be called, or the record cannot be kept.
    pub async fn set_webhook(
        &self,
        admin: AccountId,
        organisation: OrganisationId,
        url: Option<&url::Url>,
    ) -> Result<(), Fault> {
        if let Some(url) = url {
            self.reach.judge(url).map_err(|rule| Fault::malformed(rule.to_string()))?;
        }
        self.element().append(change(admin, organisation, "webhook").granted()).await?;
        let id = organisation.to_string();
        match url {
            Some(url) => {
                let values = params![&id, url.as_str(), self.clock.now_ms()];
                self.database.execute(statements::SET_WEBHOOK, values).await?
            }
            None => self.database.execute(statements::FORGET_WEBHOOK, params![&id]).await?,
        };
        Ok(())
    }

    /// Where an organisation is told, what waits and what could not be delivered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook(&self, organisation: OrganisationId) -> Result<WebhookView, Fault> {
        let row =
            self.database.fetch_optional(statements::WEBHOOK, params![organisation.to_string()]).await?;
        let url = row.map(|row| row.get("url")).transpose()?;
        let own = |message: &Message| is_webhook_of(message, organisation);
        let failing = self.outbox.failing(WEBHOOKS).await?;
        let failing: Vec<DeadLetter> = failing.into_iter().filter(own).take(100).map(Into::into).collect();
        let waiting = failing.first().map(|first| WaitingWebhooks {
            count: failing.len(),
            oldest: first.created,
            reason: first.reason.clone(),
        });
        let dead = self.outbox.dead_letters_of(WEBHOOKS).await?;
        let dead_letters = dead.into_iter().filter(own).map(Into::into).collect();
        Ok(WebhookView { url, waiting, dead_letters })
    }

    /// Has a webhook that could not be delivered sent again.
    ///
    /// # Errors
    /// When it is not this organisation's, or the record cannot be kept.
    pub async fn replay_webhook(
        &self,
        admin: AccountId,
        organisation: OrganisationId,
        id: &str,
    ) -> Result<(), Fault> {
        self.handle(Hand { account: admin, organisation: Some(organisation) }, id, None).await
    }

    /// Discards a webhook that could not be delivered: what it speaks of stays in the feed.
    ///
    /// # Errors
    /// When it is not this organisation's, or the record cannot be kept.
    pub async fn discard_webhook(
        &self,
        admin: AccountId,
        organisation: OrganisationId,
        id: &str,
        reason: DiscardReason,
    ) -> Result<(), Fault> {
        self.handle(Hand { account: admin, organisation: Some(organisation) }, id, Some(reason)).await
    }

    /// Sends one webhook, signed.
    ///
    /// # Errors
    /// [`DeliveryError::Away`] where nobody takes webhooks there now, [`DeliveryError::Later`] where this one is not wanted or its address not
    /// called: its organisation sees both.
    pub async fn deliver_webhook(&self, message: &Message) -> Result<(), DeliveryError> {
        let notice: Notice = message.parse()?;
        let organisation = notice.organisation.to_string();
        let row = self.database.fetch_optional(statements::WEBHOOK, params![&organisation]).await?;
        // Ended meanwhile: nobody waits for it.
        let Some(row) = row else { return Ok(()) };
        let url: String = row.get("url")?;
        let url: url::Url =
            url.parse().map_err(|error: url::ParseError| DeliveryError::Later(error.to_string()))?;
        self.reach.judge(&url).map_err(|rule| DeliveryError::Later(rule.to_string()))?;
        // One receiver that is silent must not hold up the letters of others.
        let turn = tokio::time::timeout(IN_TURN, self.receivers.turn(&organisation)).await;
        let Ok(_one) = turn else {
            return Err(DeliveryError::Away("the receiver is slow: others are told first".to_owned()));
        };
        if let Some(why) = self.receivers.absences.of(&organisation, self.clock.now_ms()) {
            return Err(DeliveryError::Away(why));
        }
        let told = self.tell(&url, &notice).await;
        if let Err(DeliveryError::Away(why)) = &told {
            self.receivers.absences.note(&organisation, self.clock.now_ms(), why);
        }
        told
    }

    async fn tell(&self, url: &url::Url, notice: &Notice) -> Result<(), DeliveryError> {
        let client = self.reach.client(url).await.map_err(|no| match no {
            NoClient::Inside => DeliveryError::Later("the name leads into somebody's network".to_owned()),
            NoClient::Unknown(why) => DeliveryError::Away(format!("the receiver is not found: {why}")),
            NoClient::Broken(why) => DeliveryError::Later(why),
        })?;
        let key = self.signing_key().await.map_err(|fault| match fault {
            Fault::Store(error) => error.into(),
            fault => DeliveryError::Later(fault.to_string()),
        })?;
        let body = serde_json::to_vec(notice).map_err(|error| DeliveryError::Refused(error.to_string()))?;
        let digest = http_signature::content_digest(&body);
        let now = self.clock.now_ms() / 1000;
        let nonce = Base64Url(sceau_crypto::random::<16>().to_vec()).encode();
        let moment = Moment { created: now, expires: now + LASTS, nonce };
        let request = SignedRequest {
            method: "POST",
            target_uri: url.as_str(),
            content_digest: &digest,
            content_type: "application/json",
        };
        let (input, signature) = http_signature::sign(&key, &request, &moment);
        let sent = client
            .post(url.clone())
            .header("content-type", "application/json")
            .header("content-digest", &digest)
            .header("signature-input", input)
            .header("signature", signature)
            .body(body)
            .send()
            .await
            .map_err(|error| DeliveryError::Away(silence(&error)))?;
        // Its head is all that is read of an answer.
        match sent.status() {
            status if status.is_success() => Ok(()),
            status if ABSENT.contains(&status.as_u16()) => {
                Err(DeliveryError::Away(format!("the receiver answered {status}")))
            }
            status => Err(DeliveryError::Later(format!("the receiver answered {status}"))),
        }
    }
}

/// Whether a message of the outbox is a webhook of this organisation.
pub(super) fn is_webhook_of(message: &Message, organisation: OrganisationId) -> bool {
    let notice: Option<Notice> =
        serde_json::from_str(&message.payload).ok().filter(|_| message.topic == WEBHOOKS);
    notice.is_some_and(|notice| notice.organisation == organisation)
}

/// Why nobody answered, in words that say neither address nor anything that the receiver wrote.
fn silence(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(below) = deepest.source() {
        deepest = below;
    }
    if error.is_timeout() {
        "the receiver is silent".to_owned()
    } else if error.is_connect() {
        format!("the receiver cannot be reached: {deepest}")
    } else {
        "the receiver does not speak HTTP as one should".to_owned()
    }
}

/// Who is being told now, one webhook of an organisation at a time, and who was silent.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    absences: Absences,
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Receivers {
    async fn turn(&self, organisation: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(organisation).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let new = Arc::new(tokio::sync::Mutex::new(()));
                turns.insert(organisation.to_owned(), Arc::downgrade(&new));
                new
            })
        };
        turn.lock_owned().await
    }
}
