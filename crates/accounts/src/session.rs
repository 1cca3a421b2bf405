//! Sessions: a random token in a cookie, its hash in the database, ended by rest, by age or by hand.

use sceau_element_api::AccountId;
use sceau_store::{Transaction, params};

use crate::schema::statements;
use crate::token::{Token, TokenHash};
use crate::{Account, Accounts, AccountsError, LoginMethod};

/// The name of the cookie. Not `__Host-`, which browsers only take over TLS: the demonstration has plain loopback.
pub(crate) const COOKIE_NAME: &str = "sceau_session";

/// How much later a session must be used again for that to be written down.
const SEEN_EVERY_MS: u64 = 60_000;

/// Names a session inside the platform; the hash of its token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionId(TokenHash);

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// A live session of a verified account.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) account: Account,
    pub(crate) method: LoginMethod,
}

/// A session that was just begun: what the cookie holds.
pub(crate) struct NewSession(Token);

impl NewSession {
    /// The `Set-Cookie` value. It ends with the browser; the server ends it sooner.
    pub(crate) fn cookie(&self, https: bool) -> String {
        let secure = if https { "; Secure" } else { "" };
        format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.0.reveal())
    }
}

/// The `Set-Cookie` value that makes a browser forget.
pub(crate) fn forget_cookie(https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!("{COOKIE_NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}")
}

impl Accounts {
    /// The live session of a token, and its account as attested.
    pub(crate) async fn session(&self, token: &str) -> Result<Session, AccountsError> {
        let hash = Token::parse(token).ok_or(AccountsError::NotSignedIn)?.hash();
        let now = self.now_ms();
        let idle_since = now.saturating_sub(self.inner.config.sessions.idle_ms);
        let row = self
            .inner
            .database
            .fetch_optional(statements::FIND_SESSION, params![&hash, now, idle_since])
            .await?
            .ok_or(AccountsError::NotSignedIn)?;
        let id: AccountId = row.get::<String>("account")?.parse().map_err(|_| AccountsError::NotSignedIn)?;
        let method = LoginMethod::parse(&row.get::<String>("method")?).ok_or(AccountsError::NotSignedIn)?;
        let account = self.account(id).await?.ok_or(AccountsError::NotSignedIn)?;
        if account.role.is_staff() && method != LoginMethod::Passkey {
            return Err(AccountsError::PasskeyRequired);
        }
        if row.get::<u64>("seen")?.saturating_add(SEEN_EVERY_MS) <= now {
            self.inner.database.execute(statements::SEE_SESSION, params![&hash, now]).await?;
        }
        Ok(Session { id: SessionId(hash), account, method })
    }

    /// Begins a session within `transaction`.
    pub(crate) async fn begin_session(
        &self,
        transaction: &mut Transaction,
        account: AccountId,
        method: LoginMethod,
    ) -> Result<NewSession, AccountsError> {
        let token = Token::random();
        let (now, policy) = (self.now_ms(), self.inner.config.sessions);
        let idle_since = now.saturating_sub(policy.idle_ms);
        transaction.execute(statements::PURGE_SESSIONS, params![now, idle_since]).await?;
        let expires = now.saturating_add(policy.absolute_ms);
        let values = params![token.hash(), account.to_string(), method.as_str(), now, expires];
        transaction.execute(statements::INSERT_SESSION, values).await?;
        Ok(NewSession(token))
    }

    /// Ends one session.
    ///
    /// # Errors
    /// [`AccountsError::Store`].
    pub async fn end_session(&self, session: SessionId) -> Result<(), AccountsError> {
        self.inner.database.execute(statements::END_SESSION, params![&session.0]).await?;
        Ok(())
    }

    /// Ends every session of an account; returns how many.
    ///
    /// # Errors
    /// [`AccountsError::Store`].
    pub async fn end_sessions(&self, account: AccountId) -> Result<u64, AccountsError> {
        Ok(self.inner.database.execute(statements::END_SESSIONS, params![account.to_string()]).await?)
    }
}
