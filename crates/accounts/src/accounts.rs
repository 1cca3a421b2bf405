//! The service: what the rest of this room hangs on.

use std::sync::Arc;

use futures::future::BoxFuture;
use sceau_element_api::OrganisationId;
use sceau_store::{Clock, Database, RateLimiter, Rule};
use tokio::sync::Semaphore;

use crate::config::AccountsConfig;
use crate::pending::{CEREMONY_MS, Pending};
use crate::people::PasswordHashing;
use crate::{AccountsError, Attestations, Element, Refusals};

/// What the accounts must be told of organisations, which another room keeps.
pub trait Directory: Send + Sync + 'static {
    /// The public name of an enrolled organisation; none if it is not enrolled.
    fn organisation_name(&self, id: OrganisationId) -> BoxFuture<'_, Option<String>>;
}

/// What the accounts are built from.
pub struct Parts {
    /// The platform's database, with this room's migrations.
    pub database: Database,
    /// The element.
    pub element: Arc<dyn Element>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The organisations.
    pub directory: Arc<dyn Directory>,
    /// The settings.
    pub config: AccountsConfig,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// People and machines. Cheap to clone; part of the state of every router that asks who is there.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) element: Attestations,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) config: AccountsConfig,
    /// Of this process: it keeps a flood from this machine's processor. Failures of a password are counted in the database.
    pub(crate) limiter: RateLimiter,
    pub(crate) pending: Pending,
    pub(crate) hashing: PasswordHashing,
    pub(crate) refusals: Refusals,
}

impl Accounts {
    /// Puts the parts together and settles what a crash left half done.
    ///
    /// # Errors
    /// [`AccountsError`] if the database or the element does not answer.
    pub async fn open(parts: Parts) -> Result<Self, AccountsError> {
        // What is half done is a crash's where nobody else is there; else it may be another process's, who is at it.
        let alone = !parts.database.is_shared();
        let accounts = Self::beside(parts);
        let before = if alone { u64::MAX } else { accounts.now_ms().saturating_sub(CEREMONY_MS) };
        accounts.settle_pending(before).await?;
        Ok(accounts)
    }

    /// Puts the parts together for a process beside the platform's, which asks who bears a token: what is half done is the platform's.
    pub fn beside(parts: Parts) -> Self {
        let Parts { database, element, clock, directory, config } = parts;
        let inner = Inner {
            pending: Pending::new(database.clone()),
            database,
            element: Attestations::of(element),
            clock,
            directory,
            limiter: RateLimiter::new(config.limits.buckets),
            refusals: Refusals::new(config.limits.recorded_refusals),
            config,
            hashing: PasswordHashing::new(Arc::new(Semaphore::new(2))),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Settles what a process that ended left half done, now and then until `stop` resolves.
    pub async fn upkeep(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut turns = tokio::time::interval(std::time::Duration::from_millis(CEREMONY_MS));
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = turns.tick() => {}
            }
            if let Err(error) = self.settle_pending(self.now_ms().saturating_sub(CEREMONY_MS)).await {
                tracing::error!(%error, "enrolments that were cut short cannot be settled; it is tried again later");
            }
        }
    }

    /// The settings.
    pub fn config(&self) -> &AccountsConfig {
        &self.inner.config
    }

    /// The element, for neighbours that attest and record.
    pub fn element(&self) -> &Attestations {
        &self.inner.element
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.inner.clock.now_ms()
    }

    /// Takes one token of `rule` for `who`.
    pub(crate) fn throttle(&self, what: &str, who: &str, rule: Rule) -> Result<(), AccountsError> {
        self.inner
            .limiter
            .take(format!("{what} {who}").as_str(), rule, self.now_ms())
            .map_err(|retry_ms| AccountsError::TooMany { retry_ms })
    }
}
