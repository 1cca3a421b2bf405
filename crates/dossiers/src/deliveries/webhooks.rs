//! Webhooks: a signed word that the feed has news, to the address that the organisation's administrator set.
//!
//! It is left in the outbox by the transaction that makes the entry, tried again with back-off, and is a dead letter in the end that its
//! organisation sees and has sent again. No redirect is followed, and no address inside somebody's network is called, unless the platform's operator says so.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sceau_crypto::http_signature::{self, Moment, SignedRequest};
use sceau_crypto::{Secret, SigningKey, VerifyingKey};
use sceau_element_api::documents::DossierState;
use sceau_element_api::{AccountId, Base64Url, OrganisationId};
use sceau_store::{DeliveryError, Message, Transaction, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connectors::change;
use super::feed::Delivery;
use crate::fault::Fault;
use crate::{Dossiers, statements};

/// The topic of webhooks in the outbox.
pub const WEBHOOKS: &str = "webhook";
/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a signature may be taken, in seconds.
const LASTS: u64 = 300;

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
    /// What could not be delivered, oldest first.
    pub dead_letters: Vec<DeadWebhook>,
}

/// A webhook that could not be delivered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeadWebhook {
    /// By which it is sent again.
    pub id: String,
    /// The entry of the feed.
    pub delivery: String,
    /// When it was to be sent first, in Unix milliseconds.
    pub created: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last time failed.
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
        let organisation = dossier.organisation;
        if transaction.fetch_optional(statements::WEBHOOK, params![organisation.to_string()]).await?.is_none()
        {
            return Ok(());
        }
        let notice = Notice {
            organisation,
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
            self.callable(url).map_err(Fault::malformed)?;
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

    /// Where an organisation is told, and what could not be delivered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook(&self, organisation: OrganisationId) -> Result<WebhookView, Fault> {
        let row =
            self.database.fetch_optional(statements::WEBHOOK, params![organisation.to_string()]).await?;
        let url = row.map(|row| row.get("url")).transpose()?;
        let mut dead_letters = Vec::new();
        for message in self.dead_webhooks(organisation).await? {
            let notice: Option<Notice> = serde_json::from_str(&message.payload).ok();
            let Message { id, created, attempts, reason, .. } = message;
            let delivery = notice.map(|notice| notice.delivery).unwrap_or_default();
            dead_letters.push(DeadWebhook { id, delivery, created, attempts, reason });
        }
        Ok(WebhookView { url, dead_letters })
    }

    /// Has a webhook that could not be delivered sent again.
    ///
    /// # Errors
    /// When it is not this organisation's.
    pub async fn replay_webhook(&self, organisation: OrganisationId, id: &str) -> Result<(), Fault> {
        let own = self.dead_webhooks(organisation).await?.iter().any(|message| message.id == id);
        if own && self.outbox.revive(id).await? { Ok(()) } else { Err(Fault::not_found()) }
    }

    async fn dead_webhooks(&self, organisation: OrganisationId) -> Result<Vec<Message>, Fault> {
        let mut dead = self.outbox.dead_letters().await?;
        dead.retain(|message| {
            let notice: Option<Notice> =
                serde_json::from_str(&message.payload).ok().filter(|_| message.topic == WEBHOOKS);
            notice.is_some_and(|notice| notice.organisation == organisation)
        });
        Ok(dead)
    }

    /// The public part of the key that webhooks are signed with.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook_key(&self) -> Result<VerifyingKey, Fault> {
        Ok(self.signing_key().await?.verifying_key())
    }

    /// Made once, by whichever process comes first.
    async fn signing_key(&self) -> Result<SigningKey, Fault> {
        if self.database.fetch_optional(statements::WEBHOOK_KEY, params![]).await?.is_none() {
            let seed = SigningKey::generate().seed().expose().to_vec();
            let values = params![seed, self.clock.now_ms()];
            self.database.execute(statements::KEEP_WEBHOOK_KEY, values).await?;
        }
        let row = self.database.fetch_one(statements::WEBHOOK_KEY, params![]).await?;
        let mut seed: Vec<u8> = row.get("seed")?;
        let key = Secret::from_slice(&seed).map(SigningKey::from_seed);
        seed.fill(0);
        key.map_err(|_| Fault::Tampered { kind: "webhook key", id: String::new() })
    }

    /// Sends one webhook, signed.
    ///
    /// # Errors
    /// [`DeliveryError::Later`] whatever the receiver does: its organisation sees it in the end.
    pub async fn deliver_webhook(&self, message: &Message) -> Result<(), DeliveryError> {
        let notice: Notice = message.parse()?;
        let later = |error: &dyn std::fmt::Display| DeliveryError::Later(error.to_string());
        let at = params![notice.organisation.to_string()];
        let row =
            self.database.fetch_optional(statements::WEBHOOK, at).await.map_err(|error| later(&error))?;
        // Ended meanwhile: nobody waits for it.
        let Some(row) = row else { return Ok(()) };
        let url: String = row.get("url").map_err(|error| later(&error))?;
        let url: url::Url = url.parse().map_err(|error: url::ParseError| later(&error))?;
        self.callable(&url).map_err(|rule| later(&rule))?;
        let client = self.client(&url).await.map_err(|error| later(&error))?;
        let key = self.signing_key().await.map_err(|error| later(&error))?;
        let body = serde_json::to_vec(&notice).map_err(|error| later(&error))?;
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
            .map_err(|error| later(&error.without_url()))?;
        let status = sent.status();
        if status.is_success() { Ok(()) } else { Err(later(&format!("the receiver answered {status}"))) }
    }

    /// What an address must be before anybody is asked for it.
    fn callable(&self, url: &url::Url) -> Result<(), &'static str> {
        let here = self.webhooks_inside && url.scheme() == "http";
        if url.scheme() != "https" && !here {
            return Err("A webhook goes to an https address.");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("The address of a webhook holds no name, no password and no fragment.");
        }
        let literal = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(url::Host::Domain(_)) => None,
            None => return Err("The address of a webhook names a host."),
        };
        match literal {
            Some(address) if !self.webhooks_inside && !is_public(address) => {
                Err("The address of a webhook is a public one.")
            }
            Some(address) if here && !address.is_loopback() => Err("Plain http goes to this machine only."),
            None if here => Err("Plain http goes to this machine only, by its address."),
            _ => Ok(()),
        }
    }

    /// A client that calls exactly the addresses that were judged here: a name that changes meanwhile changes nothing.
    async fn client(&self, url: &url::Url) -> Result<reqwest::Client, String> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE);
        if let (Some(url::Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default()) {
            let found = tokio::net::lookup_host((name, port)).await.map_err(|error| error.to_string())?;
            let found: Vec<SocketAddr> = found.collect();
            if !self.webhooks_inside && !found.iter().all(|address| is_public(address.ip())) {
                return Err("the name leads into somebody's network".to_owned());
            }
            builder = builder.resolve_to_addrs(name, &found);
        }
        builder.build().map_err(|error| error.to_string())
    }
}

/// Whether an address is anybody's on the Internet (the special-purpose registries of IANA, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let special = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a, b, c) == (192, 0, 0)
                || (a, b, c) == (192, 88, 99);
            !special
        }
        IpAddr::V6(v6) => {
            // Only global unicast, and of it none that stands for another address.
            let [first, second, ..] = v6.segments();
            let tunnelled = first == 0x2002 || (first == 0x2001 && (second < 0x200 || second == 0xdb8));
            (0x2000..0x4000).contains(&first) && !tunnelled
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_is_inside_a_network_is_not_public() {
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fc00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["9.9.9.9", "193.0.6.139", "2001:67c:2e8::1", "2a00:1450:4007::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
