//! Sessions: a random token in a cookie, its hash in the database, ended by rest, by age or by hand.

use std::sync::Arc;

use sceau_crypto::{Label, SealedBlob, Secret};
use sceau_element_api::AccountId;
use sceau_store::{Transaction, params};
use zeroize::Zeroizing;

use crate::account::UnverifiedAccount;
use crate::pending::CEREMONY_MS;
use crate::schema::statements;
use crate::token::{Token, TokenHash};
use crate::{Account, Accounts, AccountsError, LoginMethod};

/// A cookie that holds a token: a session's, or a browser's whose person is away.
///
/// Cookies are shared by all ports of a host and may be planted by its neighbours. Over TLS the name begins with `__Host-`: browsers then take
/// it from this very host only, and only with `Secure` (RFC 6265bis section 4.1.3.2). On plain loopback, the demonstration, they would not
/// take it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionCookie {
    https: bool,
    names: [&'static str; 2],
}

impl SessionCookie {
    /// For pages at a web origin.
    pub(crate) fn at(origin: &str) -> Self {
        Self { https: origin.starts_with("https://"), names: ["__Host-sceau_session", "sceau_session"] }
    }

    /// The cookie of a browser whose person is at a provider of identities: it comes back with our page, not with the provider's answer.
    pub(crate) fn away(origin: &str) -> Self {
        Self { names: ["__Host-sceau_away", "sceau_away"], ..Self::at(origin) }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        let [guarded, plain] = self.names;
        if self.https { guarded } else { plain }
    }

    /// The `Set-Cookie` value that begins a session. It ends with the browser; the server ends it sooner.
    pub(crate) fn set(self, session: &NewSession) -> String {
        self.write(&session.0.reveal(), "")
    }

    /// The `Set-Cookie` value that keeps `token` for as long as a ceremony takes.
    pub(crate) fn keep(self, token: &Token) -> String {
        self.write(&token.reveal(), &format!("; Max-Age={}", CEREMONY_MS / 1000))
    }

    /// The `Set-Cookie` value that makes a browser forget.
    pub(crate) fn forget(self) -> String {
        self.write("", "; Max-Age=0")
    }

    fn write(self, value: &str, age: &str) -> String {
        let secure = if self.https { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{age}{secure}", self.name())
    }
}

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

/// Seals what waits in the database between two steps of a session: the database has the hash of its token only.
#[derive(Debug, Clone)]
pub(crate) struct SessionKey(Arc<Secret<32>>);

impl SessionKey {
    pub(crate) fn of(token: &Token) -> Self {
        Self(Arc::new(token.derive(Label::StateAtRest)))
    }

    /// Seals a token that is not to be shown yet; `place` is where it waits.
    pub(crate) fn seal(&self, place: &str, token: &Token) -> Vec<u8> {
        let revealed = Zeroizing::new(token.reveal());
        let sealed = SealedBlob::seal(&self.0, Label::StateAtRest, place.as_bytes(), revealed.as_bytes());
        sealed.as_bytes().to_vec()
    }

    /// Seals a text, as a token is sealed.
    fn seal_text(&self, place: &str, text: &str) -> Vec<u8> {
        let sealed = SealedBlob::seal(&self.0, Label::StateAtRest, place.as_bytes(), text.as_bytes());
        sealed.as_bytes().to_vec()
    }

    /// The text again; none for another session or place.
    pub(crate) fn open_text(&self, place: &str, sealed: Vec<u8>) -> Option<Zeroizing<String>> {
        let sealed = SealedBlob::from_bytes(sealed).ok()?;
        let opened = sealed.open(&self.0, Label::StateAtRest, place.as_bytes()).ok()?;
        std::str::from_utf8(opened.expose()).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    /// The token again; none for another session or place.
    pub(crate) fn open(&self, place: &str, sealed: Vec<u8>) -> Option<Token> {
        let sealed = SealedBlob::from_bytes(sealed).ok()?;
        let opened = sealed.open(&self.0, Label::StateAtRest, place.as_bytes()).ok()?;
        Token::parse(std::str::from_utf8(opened.expose()).ok()?)
    }
}

/// A live session of a verified account.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) key: SessionKey,
    pub(crate) account: Account,
    pub(crate) method: LoginMethod,
}

/// A session that was just begun: what the cookie will hold.
pub(crate) struct NewSession(Token);

impl NewSession {
    /// The hash of its token, which the database names it by.
    pub(crate) fn hash(&self) -> TokenHash {
        self.0.hash()
    }

    /// Seals a text that this session alone opens again.
    pub(crate) fn seal_text(&self, place: &str, text: &str) -> Vec<u8> {
        SessionKey::of(&self.0).seal_text(place, text)
    }
}

impl SessionId {
    /// The hash of its token.
    pub(crate) fn hash(&self) -> &TokenHash {
        &self.0
    }
}

impl Accounts {
    /// The live session of a token, and its account as attested.
    pub(crate) async fn session(&self, token: &str) -> Result<Session, AccountsError> {
        let token = Token::parse(token).ok_or(AccountsError::NotSignedIn)?;
        let hash = token.hash();
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
        let (provider, seen): (Option<String>, u64) = (row.get("provider")?, row.get("seen")?);
        let account = self.verified_account(id, UnverifiedAccount::read(row, id)).await?;
        let admitted = match method {
            LoginMethod::Passkey => true,
            LoginMethod::Password => !account.role.is_staff(),
            // As the settings are now: a provider that lost a role, or went, has ended its sessions.
            LoginMethod::Provider => {
                let party = provider.and_then(|name| self.inner.config.providers.find(&name));
                party.is_some_and(|party| party.settings().roles.contains(&account.role))
            }
        };
        if !admitted {
            return Err(AccountsError::PasskeyRequired);
        }
        if seen.saturating_add(SEEN_EVERY_MS) <= now {
            self.inner.database.execute(statements::SEE_SESSION, params![&hash, now]).await?;
        }
        Ok(Session { id: SessionId(hash), key: SessionKey::of(&token), account, method })
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
