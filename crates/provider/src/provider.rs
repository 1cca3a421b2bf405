//! The provider as a whole: what it was told, and what is under way.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_accounts::TrustedProxies;
use sceau_crypto::Secret;
use sceau_element_api::KeyringId;
use sceau_store::{Clock, RateLimiter, Rule, StoreError};
use tokio::sync::Mutex;

use crate::asking::{Asker, Asks, Bounds, Holders, Lang, Turn, Whom};
use crate::backchannel::BackChannel;
use crate::grant::Grant;
use crate::keys::{KeysError, ProviderSecret, TokenKeys};
use crate::logins::Logins;
use crate::oauth::{Clients, Server, Supports};
use crate::records::Records;

/// Buckets of addresses.
const ADDRESSES: usize = 50_000;
const HOUR: u64 = 3_600_000;
/// How long the word on the host stands, in ms.
const STANDS: u64 = 5_000;

/// What the operator says.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The address that sites know it by: https, without a path.
    pub issuer: String,
    /// What people read.
    pub name: String,
    /// The language of who says none.
    pub lang: Lang,
    /// The sites.
    pub clients: Clients,
    /// How long somebody has to answer, in seconds: 60 to 300.
    pub login_seconds: u64,
    /// How long tokens are good, in seconds.
    pub token_seconds: u64,
    /// The level that tokens name.
    pub acr: String,
    /// How many days evidence is kept.
    pub evidence_days: u64,
    /// How many logins unknown browsers of one address may begin within an hour.
    pub logins_per_address: u32,
    /// Who is believed about the address that a request comes from.
    pub proxies: TrustedProxies,
    /// Letters for the pages: served as they are.
    pub fonts: Fonts,
}

/// The two families of the house's pages (WOFF2), where the program has them.
#[derive(Debug, Clone, Default)]
pub struct Fonts {
    /// For headings.
    pub serif: Option<Vec<u8>>,
    /// For text.
    pub sans: Option<Vec<u8>>,
}

/// For whom an application signs: what a token of the scope `service` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The application, as it is registered.
    pub client: String,
    /// What people call it.
    pub name: String,
    /// The holder who logged in.
    pub keyring: KeyringId,
    /// Whether the token is for signing.
    pub service: bool,
}

/// The provider. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Provider(Arc<Inner>);

/// What a provider consists of. Nobody elsewhere sees into it.
#[derive(Debug)]
pub struct Inner {
    pub(crate) plan: Plan,
    pub(crate) server: Server<Grant>,
    pub(crate) keys: TokenKeys,
    pub(crate) secret: ProviderSecret,
    pub(crate) records: Records,
    pub(crate) asker: Asker,
    pub(crate) logins: Logins,
    pub(crate) back: BackChannel,
    /// What pages carry from one to the next is sealed under it; a start draws another.
    pub(crate) of_pages: Secret<32>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the host of keyrings answered, and when it was asked: anybody may ask how the provider stands.
    host: Mutex<(u64, bool)>,
    begins: RateLimiter<IpAddr>,
    pushes: RateLimiter<IpAddr>,
    fails: RateLimiter<IpAddr>,
}

impl std::ops::Deref for Provider {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Provider {
    /// A provider of this plan, that asks these holders.
    #[must_use]
    pub fn new(
        plan: Plan,
        (keys, secret): (TokenKeys, ProviderSecret),
        records: Records,
        holders: Arc<dyn Holders>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = clock.now_ms();
        let server = Server::new(
            plan.issuer.clone(),
            plan.clients.clone(),
            Supports::default(),
            plan.token_seconds,
            now,
        );
        let asker =
            Asker { holders, bounds: Arc::new(Bounds::new(Arc::clone(&clock))), records: records.clone() };
        Self(Arc::new(Inner {
            plan,
            server,
            keys,
            secret,
            records,
            asker,
            logins: Logins::default(),
            back: BackChannel::default(),
            of_pages: Secret::random(),
            clock,
            host: Mutex::default(),
            begins: RateLimiter::new(ADDRESSES),
            pushes: RateLimiter::new(ADDRESSES),
            fails: RateLimiter::new(ADDRESSES),
        }))
    }

    /// For whom an application signs by this token, where it is good.
    #[must_use]
    pub fn signer(&self, token: &str) -> Option<Signer> {
        let token = self.server.token(token, self.now()).ok()?;
        let name = self.server.clients().find(token.client.as_str())?.name.clone();
        let Grant::Login(login) = &token.grant;
        let (client, service) = (token.client.as_str().to_owned(), token.scope.contains("service"));
        Some(Signer { client, name, keyring: login.keyring, service })
    }

    /// A turn to have a holder sign, for an application: what they are asked for that is of the same bounds as their logins. None where they are asked enough.
    #[must_use]
    pub fn turn_to_sign(&self, signer: &str, keyring: KeyringId, seconds: u64) -> Option<Turn> {
        let whom = Whom { hint: String::new(), keyring: Some(keyring) };
        self.asker.turn(&whom, Asks::signature(signer), seconds)
    }

    /// Makes the next key when it is its time, and forgets what is kept long enough. To be done each hour.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn tend(&self) -> Result<(), KeysError> {
        let now = self.now();
        self.keys.take_turns(now)?;
        let before = now.saturating_sub(self.plan.evidence_days.saturating_mul(24 * HOUR));
        if let Err(error) = self.records.forget(before).await {
            tracing::warn!(%error, "what is kept long enough is not forgotten yet");
        }
        Ok(())
    }

    /// Whether it could log somebody in: its records, and the way to holders.
    pub(crate) async fn standing(&self) -> (Result<(), StoreError>, bool) {
        let there = {
            // One asks, and whoever comes meanwhile hears the same.
            let mut host = self.host.lock().await;
            if self.now() >= host.0.saturating_add(STANDS) {
                *host = (self.now(), self.asker.holders.is_there().await);
            }
            host.1
        };
        (self.records.answers().await, there)
    }
}

impl Inner {
    pub(crate) fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Whether an unknown browser of this address may begin one more login.
    pub(crate) fn may_begin(&self, from: IpAddr) -> bool {
        let rule = Rule::per_hour(self.plan.logins_per_address, self.plan.logins_per_address);
        self.begins.take(&from, rule, self.now()).is_ok()
    }

    /// Whether a client that cannot prove who it is may push one more request from this address.
    pub(crate) fn may_push(&self, from: IpAddr) -> bool {
        let rule = Rule::per_hour(self.plan.logins_per_address, self.plan.logins_per_address);
        self.pushes.take(&from, rule, self.now()).is_ok()
    }

    /// Counts a proof that did not hold; whether there were too many from there.
    pub(crate) fn failed(&self, from: IpAddr) -> bool {
        self.fails.take(&from, Rule::per_hour(60, 600), self.now()).is_err()
    }
}

/// Left half of a token's SHA-256 (OpenID Connect Core section 3.1.3.6).
pub(crate) fn at_hash(access_token: &str) -> String {
    let hash = sceau_crypto::sha256(access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.get(..16).unwrap_or_default())
}
