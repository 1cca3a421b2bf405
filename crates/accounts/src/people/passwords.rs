//! Passwords: citizens only, argon2id, counted before they are compared.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use sceau_element_api::{AccountId, Role};
use sceau_store::params;
use tokio::sync::Semaphore;

use super::RegistrationStart;
use super::registration::taken;
use crate::email::Password;
use crate::schema::statements;
use crate::session::NewSession;
use crate::{Accounts, AccountsError, Email, LoginMethod};

/// Hashing away from the threads that answer requests, two at a time: each takes 19 MiB.
pub(crate) struct PasswordHashing {
    places: Arc<Semaphore>,
}

impl PasswordHashing {
    pub(crate) fn new(places: Arc<Semaphore>) -> Self {
        Self { places }
    }

    /// The PHC string of a password.
    async fn hash(&self, password: Password) -> Result<String, AccountsError> {
        self.run(move || {
            let salt = sceau_crypto::random::<16>();
            argon2()?
                .hash_password_with_salt(password.expose(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|_| AccountsError::Internal("a password cannot be hashed"))
        })
        .await?
    }

    /// Whether a password is the one of `phc`; without one, the same work for nothing, so that time says nothing.
    async fn matches(&self, password: Password, phc: Option<String>) -> Result<bool, AccountsError> {
        self.run(move || match phc {
            Some(phc) => Ok(argon2()?.verify_password(password.expose(), phc.as_str()).is_ok()),
            None => {
                let _ = argon2()?.hash_password_with_salt(password.expose(), &[0; 16]);
                Ok(false)
            }
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountsError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| AccountsError::Internal("hashing has stopped"))?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        done.await.map_err(|_| AccountsError::Internal("hashing has stopped"))
    }
}

/// OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>, AccountsError> {
    let params = Params::new(19 * 1024, 2, 1, None);
    let params = params.map_err(|_| AccountsError::Internal("argon2 refuses its parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What is known of an address before its password is compared.
struct Attempt {
    account: Option<AccountId>,
    phc: Option<String>,
    locked: bool,
}

impl Accounts {
    /// A new account with a password. An address that has one already gets the same refusal as any other reason.
    pub(crate) async fn register_password(
        &self,
        start: RegistrationStart,
        password: Password,
    ) -> Result<NewSession, AccountsError> {
        password.check(&start.email, &start.name)?;
        let email = start.email.clone();
        let newcomer = self.newcomer(start).await?;
        if newcomer.document.role != Role::Citizen {
            return Err(AccountsError::PasskeyRequired);
        }
        let phc = self.inner.hashing.hash(password).await?;
        let mut transaction = self.inner.database.begin().await?;
        self.insert_pending(&mut transaction, &newcomer).await?;
        let values = params![newcomer.document.account.to_string(), &email, phc];
        transaction.execute(statements::INSERT_PASSWORD, values).await.map_err(taken)?;
        transaction.commit().await?;
        self.attest(&newcomer, None).await?;
        self.admit(&newcomer, LoginMethod::Password).await
    }

    /// Signs in with an address and a password.
    pub(crate) async fn password_login(
        &self,
        email: &Email,
        password: Password,
    ) -> Result<NewSession, AccountsError> {
        let attempt = self.count_attempt(email).await?;
        let matches = self.inner.hashing.matches(password, attempt.phc).await?;
        let account = attempt.account.filter(|_| matches && !attempt.locked);
        let admitted = match account {
            Some(id) => self.password_account(id).await,
            None => Err(AccountsError::Credentials),
        };
        let id = match admitted {
            Ok(id) => id,
            Err(error) => {
                self.record_refused_login(attempt.account, &error).await;
                return Err(error);
            }
        };
        self.record_login(Role::Citizen, id, LoginMethod::Password).await?;
        let mut transaction = self.inner.database.begin().await?;
        transaction.execute(statements::COUNT_FAILURE, params![id.to_string(), 0_u32, 0_u64]).await?;
        let session = self.begin_session(&mut transaction, id, LoginMethod::Password).await?;
        transaction.commit().await?;
        Ok(session)
    }

    /// The account is what was attested, and still a citizen's.
    async fn password_account(&self, id: AccountId) -> Result<AccountId, AccountsError> {
        let account = self.account(id).await?.ok_or(AccountsError::Credentials)?;
        if account.role == Role::Citizen { Ok(id) } else { Err(AccountsError::PasskeyRequired) }
    }

    /// Counts an attempt as failed before it is judged: many at once then cannot slip under the lock.
    async fn count_attempt(&self, email: &Email) -> Result<Attempt, AccountsError> {
        let mut transaction = self.inner.database.begin().await?;
        let found = transaction.fetch_optional(statements::FIND_PASSWORD, params![email]).await?;
        let Some(row) = found else { return Ok(Attempt { account: None, phc: None, locked: false }) };
        let id: String = row.get("account")?;
        let now = self.now_ms();
        let locked = row.get::<u64>("locked_until")? > now;
        if !locked {
            let failures = row.get::<u32>("failures")?.saturating_add(1);
            let until = now.saturating_add(lock_ms(failures));
            let until = if lock_ms(failures) == 0 { 0 } else { until };
            transaction.execute(statements::COUNT_FAILURE, params![&id, failures, until]).await?;
        }
        transaction.commit().await?;
        let account = id.parse().map_err(|_| AccountsError::Internal("an id in the database is not one"))?;
        Ok(Attempt { account: Some(account), phc: Some(row.get("phc")?), locked })
    }
}

/// How long a password is locked after `failures` in a row: nothing for four, half a minute, then double up to an hour.
fn lock_ms(failures: u32) -> u64 {
    const FREE: u32 = 4;
    const FIRST_MS: u64 = 30_000;
    const LONGEST_MS: u64 = 3_600_000;
    match failures.checked_sub(FREE + 1) {
        None => 0,
        Some(doublings) => FIRST_MS.saturating_mul(1 << doublings.min(20)).min(LONGEST_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_locks_longer_each_time() {
        let minutes = |failures| lock_ms(failures) as f64 / 60_000.0;
        assert_eq!([1, 4, 5, 6, 7, 12, 60].map(minutes), [0.0, 0.0, 0.5, 1.0, 2.0, 60.0, 60.0]);
    }
}
