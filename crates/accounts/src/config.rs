//! What an operator can set. The defaults are meant to be kept.

use sceau_store::Rule;

use crate::TrustedProxies;
use crate::oidc::Providers;
use crate::session::SessionCookie;

/// Settings of the accounts.
#[derive(Debug, Clone)]
pub struct AccountsConfig {
    /// The web origin of the platform's pages, without a trailing slash: `http://sceau.localhost:8080`.
    pub origin: String,
    /// The relying party of passkeys, a host name: `sceau.localhost`.
    pub rp_id: String,
    /// What authenticators show beside the passkey.
    pub platform_name: String,
    /// How long sessions last.
    pub sessions: SessionPolicy,
    /// How often things may be asked.
    pub limits: Limits,
    /// The proxies that say for whom they ask.
    pub trusted_proxies: TrustedProxies,
    /// The providers of identities by which people sign in.
    pub providers: Providers,
}

impl AccountsConfig {
    /// The defaults, for pages at `origin`; the relying party is its host.
    pub fn at(origin: impl Into<String>) -> Self {
        let origin = origin.into();
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, rest)| rest);
        let rp_id = host.split([':', '/']).next().unwrap_or(host).to_owned();
        Self {
            origin,
            rp_id,
            platform_name: "Sceau".into(),
            sessions: SessionPolicy::default(),
            limits: Limits::default(),
            trusted_proxies: TrustedProxies::default(),
            providers: Providers::default(),
        }
    }

    /// The session's cookie, which depends on whether the pages are served over TLS.
    pub(crate) fn cookie(&self) -> SessionCookie {
        SessionCookie::at(&self.origin)
    }

    /// The cookie of a browser whose person is at a provider of identities.
    pub(crate) fn away_cookie(&self) -> SessionCookie {
        SessionCookie::away(&self.origin)
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub struct SessionPolicy {
    /// A session not used for so long has ended; milliseconds.
    pub idle_ms: u64,
    /// A session ends so long after it began, used or not; milliseconds.
    pub absolute_ms: u64,
}

impl Default for SessionPolicy {
    /// One hour and twelve hours.
    fn default() -> Self {
        Self { idle_ms: 3_600_000, absolute_ms: 12 * 3_600_000 }
    }
}

/// How often things may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sign-ins and ceremonies, by source.
    pub login_by_source: Rule,
    /// Password sign-ins, by address.
    pub password_by_email: Rule,
    /// New accounts, by source.
    pub register_by_source: Rule,
    /// Access tokens, by client.
    pub token_by_client: Rule,
    /// Refusals of unknown people that enter the trace, all together.
    pub recorded_refusals: Rule,
    /// How many buckets are kept.
    pub buckets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_by_source: Rule { burst: 60, every_ms: 1_000 },
            password_by_email: Rule { burst: 10, every_ms: 10_000 },
            register_by_source: Rule { burst: 30, every_ms: 5_000 },
            token_by_client: Rule { burst: 20, every_ms: 2_000 },
            recorded_refusals: Rule { burst: 50, every_ms: 1_000 },
            buckets: 20_000,
        }
    }
}
