//! Signing in by a provider of identities: there and back, once, in the browser that began.
//!
//! Nothing of what must come back is in the database in clear: the nonce and the verifier wait sealed under a token that only the browser's
//! cookie holds, under the hash of the state. Who somebody is, the provider says; which account that opens, a document says that the element
//! attests. An address that a provider tells matches no account.

use sceau_element_api::documents::{Document, IdentityDocument, IdentityStatus};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::RowKey;
use sceau_element_api::{AccountId, CallError, Kind, Role};
use sceau_store::params;
use serde::{Deserialize, Serialize};
use url::Url;

use super::RegistrationStart;
use super::registration::{Newcomer, discard, taken};
use crate::oidc::{Leg, RelyingParty, SignInFault, SignedIn, person};
use crate::pending::{Ceremony, Share};
use crate::schema::statements;
use crate::session::{NewSession, SessionId, SessionKey};
use crate::token::Token;
use crate::{Account, Accounts, AccountsError, LoginMethod, Source};

/// A person who is at a provider.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Away {
    pub(super) provider: String,
    nonce: Vec<u8>,
    verifier: Vec<u8>,
}

/// Away to sign in.
#[derive(Debug, Serialize, Deserialize)]
struct SignInCeremony(Away);

impl Ceremony for SignInCeremony {
    const KIND: &'static str = "provider-sign-in";
}

/// Where to send the browser, and what it keeps meanwhile.
pub(crate) struct Departure {
    pub(crate) url: Url,
    pub(crate) browser: Token,
}

/// What the provider's answer brought back to our page.
pub(crate) struct Arrival {
    /// The provider whose return address it was.
    pub(crate) provider: String,
    pub(crate) state: String,
    pub(crate) code: Option<String>,
    /// `iss` (RFC 9207).
    pub(crate) issuer: Option<String>,
}

/// A session that a provider's word began.
pub(crate) struct ProviderSession {
    pub(crate) session: NewSession,
    /// Whether the account was made just now.
    pub(crate) first: bool,
}

impl Accounts {
    pub(super) fn party(&self, provider: &str) -> Result<&RelyingParty, AccountsError> {
        Ok(self.inner.config.providers.find(provider).ok_or(SignInFault::Unknown)?)
    }

    /// The address that a provider sends people back to: one for each, so that none can answer for another (RFC 9700 section 4.4).
    pub(crate) fn return_address(&self, provider: &str) -> String {
        format!("{}/retour/{provider}", self.inner.config.origin)
    }

    /// Begins a sign-in by a provider.
    pub(crate) async fn leave_to_sign_in(
        &self,
        source: Source,
        provider: &str,
    ) -> Result<Departure, AccountsError> {
        let (away, state, departure) = self.leave(provider).await?;
        self.inner
            .pending
            .put(Share::of(&source), &hex(&state), &SignInCeremony(away), self.now_ms())
            .await?;
        Ok(departure)
    }

    pub(super) async fn leave(&self, provider: &str) -> Result<(Away, Token, Departure), AccountsError> {
        let party = self.party(provider)?;
        let (browser, state) = (Token::random(), Token::random());
        let (nonce, verifier) = (Token::random(), Token::random());
        let key = SessionKey::of(&browser);
        let sealed = |place: &str, token: &Token| key.seal(&format!("{provider} {place}"), token);
        let away = Away {
            provider: provider.to_owned(),
            nonce: sealed("nonce", &nonce),
            verifier: sealed("verifier", &verifier),
        };
        let leg = Leg {
            redirect_uri: &self.return_address(provider),
            nonce: &nonce.reveal(),
            verifier: &verifier.reveal(),
        };
        let url = party.authorization_url(leg, &state.reveal()).await.map_err(SignInFault::from)?;
        Ok((away, state, Departure { url, browser }))
    }

    /// Ends a sign-in by a provider: a session of the account that the identity opens, or of one that is made for it.
    pub(crate) async fn arrive_to_sign_in(
        &self,
        arrival: &Arrival,
        browser: &Token,
    ) -> Result<ProviderSession, AccountsError> {
        let ceremony = self.inner.pending.take::<SignInCeremony>(&state_key(arrival)?, self.now_ms()).await?;
        let SignInCeremony(away) = ceremony.ok_or(AccountsError::CeremonyOver)?;
        let entered = async {
            let party = self.party(&away.provider).map_err(nobody)?;
            let signed_in = self.arrive(party, &away, arrival, browser).await.map_err(nobody)?;
            self.enter_by(party, &signed_in).await
        };
        let entered = entered.await;
        if let Err((known, error)) = &entered {
            tracing::warn!(provider = %away.provider, %error, "a sign-in by a provider is refused");
            match self.party(&away.provider) {
                Ok(party) => self.record_refused_login_by(&party.settings().name, *known, error).await,
                Err(_) => self.record_refused_login(*known, error).await,
            }
        }
        entered.map_err(|(_, error)| error)
    }

    /// What came back is the answer of this provider, to this browser, and is exchanged.
    pub(super) async fn arrive(
        &self,
        party: &RelyingParty,
        away: &Away,
        arrival: &Arrival,
        browser: &Token,
    ) -> Result<SignedIn, AccountsError> {
        let ours = party.is_answer_of(arrival.issuer.as_deref()).await.map_err(SignInFault::from)?;
        if !ours || arrival.provider != away.provider {
            return Err(SignInFault::Mixed.into());
        }
        let key = SessionKey::of(browser);
        let open = |place: &str, sealed: &[u8]| {
            key.open(&format!("{} {place}", away.provider), sealed.to_vec())
                .ok_or(AccountsError::CeremonyOver)
        };
        let (nonce, verifier) = (open("nonce", &away.nonce)?, open("verifier", &away.verifier)?);
        let code = arrival.code.as_deref().ok_or(SignInFault::Declined)?;
        let leg = Leg {
            redirect_uri: &self.return_address(&away.provider),
            nonce: &nonce.reveal(),
            verifier: &verifier.reveal(),
        };
        Ok(party.exchange(code, leg).await.map_err(SignInFault::from)?)
    }

    /// The account that an identity opens; one is made for an identity that opens none.
    async fn enter_by(
        &self,
        party: &RelyingParty,
        signed_in: &SignedIn,
    ) -> Result<ProviderSession, (Option<AccountId>, AccountsError)> {
        let document = identity(party, AccountId::random(), &signed_in.subject);
        let id = document.row();
        let found = self.inner.database.fetch_optional(statements::FIND_IDENTITY, params![id.as_str()]).await;
        let (account, role, first) = match found.map_err(|error| nobody(error.into()))? {
            Some(row) => {
                let account: AccountId = row
                    .get::<String>("account")
                    .map_err(AccountsError::from)
                    .and_then(|id| id.parse().map_err(|_| AccountsError::Credentials))
                    .map_err(nobody)?;
                let opened = async {
                    // Another process is at it, or a crash was: it is settled within minutes.
                    match row.get::<String>("state")?.as_str() {
                        "active" => {}
                        "ended" => return Err(SignInFault::NoAccount.into()),
                        _ => return Err(AccountsError::CeremonyOver),
                    }
                    let payload: Vec<u8> = row.get("payload")?;
                    self.attested_identity(account, &payload, &document).await
                };
                let opened = opened.await;
                self.record_tampering(account, &opened).await;
                let opened = opened.map_err(|error| (Some(account), error))?;
                (account, opened.role, false)
            }
            None => {
                let account = self.enrol_identity(party, signed_in).await.map_err(nobody)?;
                (account, Role::Citizen, true)
            }
        };
        let session = self.begin_by(party, account, role, signed_in, first).await;
        session.map(|session| ProviderSession { session, first }).map_err(|error| (Some(account), error))
    }

    /// The account of an identity, both compared with the element's word in one call.
    async fn attested_identity(
        &self,
        id: AccountId,
        payload: &[u8],
        wanted: &IdentityDocument,
    ) -> Result<Account, AccountsError> {
        let tampered = || AccountsError::Tampered { kind: "identity" };
        let unverified = self.unverified_account(id).await?.ok_or(AccountsError::Credentials)?;
        let parsed = IdentityDocument::parse(payload).map_err(|_| tampered())?;
        let document = &parsed.document;
        let same =
            document.account == id && document.subject == wanted.subject && document.issuer == wanted.issuer;
        let keys = vec![unverified.key(), RowKey { kind: Kind::Identity, id: wanted.row() }];
        let mut current = self.inner.element.current_many(keys).await?.into_iter();
        let account = unverified.verify(current.next().flatten())?;
        let attested = current.next().flatten().is_some_and(|row| row.hash == parsed.hash);
        if !attested || !same {
            return Err(tampered());
        }
        if document.status == IdentityStatus::Active { Ok(account) } else { Err(AccountsError::Credentials) }
    }

    /// A citizen's account for an identity that opens none.
    async fn enrol_identity(
        &self,
        party: &RelyingParty,
        signed_in: &SignedIn,
    ) -> Result<AccountId, AccountsError> {
        if !party.settings().roles.contains(&Role::Citizen) {
            return Err(SignInFault::NoAccount.into());
        }
        // An identity that the element knows opens an account, though the row that says which was taken away: it makes no second one.
        let row = identity(party, AccountId::random(), &signed_in.subject).row();
        if self.inner.element.current(RowKey { kind: Kind::Identity, id: row }).await?.is_some() {
            return Err(AccountsError::Tampered { kind: "identity" });
        }
        let (email, name) = person(&signed_in.claims).map_err(|missing| SignInFault::Claim(missing.0))?;
        let newcomer = self.newcomer(RegistrationStart { email, name, invitation: None }).await?;
        let account = newcomer.document.account;
        let document = identity(party, account, &signed_in.subject);
        let payload = document.to_bytes()?;
        let mut transaction = self.inner.database.begin().await?;
        self.insert_pending(&mut transaction, &newcomer).await?;
        let values = params![
            document.row().as_str(),
            account.to_string(),
            party.settings().name.as_str(),
            &payload,
            self.now_ms()
        ];
        transaction.execute(statements::INSERT_IDENTITY, values).await.map_err(taken)?;
        transaction.commit().await?;
        self.attest(&newcomer, None).await?;
        self.attest_identity(&newcomer, &document, &payload).await?;
        Ok(account)
    }

    async fn attest_identity(
        &self,
        newcomer: &Newcomer,
        document: &IdentityDocument,
        payload: &[u8],
    ) -> Result<(), AccountsError> {
        let attested = self.inner.element.attest_first(document, payload, Proof::PlatformAsserted).await;
        if let Err(CallError::Refused(_)) = &attested {
            discard(&self.inner.database, newcomer.document.account).await?;
        }
        attested?;
        Ok(())
    }

    /// Begins a session by a provider, with what it takes to sign out there; a new account counts from now on.
    async fn begin_by(
        &self,
        party: &RelyingParty,
        account: AccountId,
        role: Role,
        signed_in: &SignedIn,
        first: bool,
    ) -> Result<NewSession, AccountsError> {
        let settings = party.settings();
        if !settings.roles.contains(&role) {
            return Err(AccountsError::PasskeyRequired);
        }
        self.record_login_by(&settings.name, role, account).await?;
        let mut transaction = self.inner.database.begin().await?;
        if first {
            super::registration::activate(&mut transaction, account, self.now_ms()).await?;
        }
        let session = self.begin_session(&mut transaction, account, LoginMethod::Provider).await?;
        let sealed = session.seal_text(ID_TOKEN, &signed_in.id_token);
        let values = params![session.hash(), settings.name.as_str(), sealed];
        transaction.execute(statements::INSERT_PROVIDER_SESSION, values).await?;
        transaction.commit().await?;
        Ok(session)
    }

    /// What a person signs out of besides this session, as an address; none for a session that no provider began.
    pub(crate) async fn departure_from_provider(
        &self,
        session: SessionId,
        key: &SessionKey,
    ) -> Result<Option<Url>, AccountsError> {
        let at = params![session.hash()];
        let row = self.inner.database.fetch_optional(statements::FIND_PROVIDER_SESSION, at).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(party) = self.inner.config.providers.find(&row.get::<String>("provider")?) else {
            return Ok(None);
        };
        let id_token = key.open_text(ID_TOKEN, row.get::<Vec<u8>>("id_token")?);
        let back = format!("{}/", self.inner.config.origin);
        let hint = id_token.as_ref().map(|token| token.as_str());
        Ok(party.end_session_url(hint, &back, &Token::random().reveal()).await)
    }
}

/// An error before it is known whose account it is about.
fn nobody(error: AccountsError) -> (Option<AccountId>, AccountsError) {
    (None, error)
}

/// Where the ID token of a session waits sealed.
const ID_TOKEN: &str = "id-token";

pub(super) fn identity(party: &RelyingParty, account: AccountId, subject: &str) -> IdentityDocument {
    let issuer = party.provider().issuer().as_str().to_owned();
    let subject = IdentityDocument::hash_of(&issuer, subject);
    IdentityDocument { v: 1, account, issuer, subject, status: IdentityStatus::Active }
}

/// What a state is kept under: its hash, as of every token.
pub(super) fn hex(token: &Token) -> String {
    sceau_trace::Hash::new(token.hash()).to_string()
}

pub(super) fn state_key(arrival: &Arrival) -> Result<String, AccountsError> {
    Token::parse(&arrival.state).map(|state| hex(&state)).ok_or(AccountsError::CeremonyOver)
}
