//! Invitations: an administrator vouches for an account to be, with a passkey; a one-time link makes it somebody's.

use sceau_element_api::documents::{AccountDocument, AccountStatus, Document};
use sceau_element_api::proof::Proof;
use sceau_element_api::{AccountId, ApplicationId, Base64Url, Nonce, OrganisationId, Role};
use sceau_store::{Row, params};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::pending::{Ceremony, Share};
use crate::schema::statements;
use crate::session::SessionKey;
use crate::token::Token;
use crate::{Account, Accounts, AccountsError, Email};

/// How long a link can be used: a week for people who are invited.
const INVITATION_MS: u64 = 7 * 24 * 3_600_000;
/// And a day for the first administrator.
const FIRST_INVITATION_MS: u64 = 24 * 3_600_000;

/// An invitation that can be accepted.
pub(crate) struct Invitation {
    pub(crate) document: AccountDocument,
    pub(crate) payload: Vec<u8>,
    pub(crate) email: Option<Email>,
}

/// An invitation that waits for the inviter's passkey.
#[derive(Debug, Serialize, Deserialize)]
struct InvitationDraft {
    /// The token, sealed for the session that began: it is shown at the very end only.
    token: Base64Url,
    document: AccountDocument,
    email: Email,
    inviter: AccountId,
}

impl Ceremony for InvitationDraft {
    const KIND: &'static str = "invitation";
}

impl Accounts {
    /// First step: the document to be signed, and a nonce of the element.
    pub(crate) async fn prepare_invitation(
        &self,
        inviter: &Account,
        session: &SessionKey,
        role: Role,
        (organisation, applications): (Option<OrganisationId>, Option<Vec<ApplicationId>>),
        email: Email,
    ) -> Result<(Vec<u8>, Nonce), AccountsError> {
        let organisation = self.invitable(inviter, role, organisation).await?;
        let token = Token::random();
        let document = AccountDocument {
            v: 1,
            account: AccountId::random(),
            role,
            organisation,
            invitation_hash: Some(Hash::new(token.hash())),
            status: AccountStatus::Active,
            applications,
        };
        document.check()?;
        let payload = document.to_bytes()?;
        let nonce = self.inner.element.nonce().await?;
        let key = draft_key(&payload);
        let token = session.seal(&key, &token).into();
        let draft = InvitationDraft { token, document, email, inviter: inviter.id };
        self.inner.pending.put(Share::of(&inviter.id), &key, &draft, self.now_ms()).await?;
        Ok((payload, nonce))
    }

    /// Second step: the signed document is attested, and the link comes out, once.
    pub(crate) async fn confirm_invitation(
        &self,
        inviter: &Account,
        session: &SessionKey,
        payload: &[u8],
        proof: Proof,
    ) -> Result<String, AccountsError> {
        let key = draft_key(payload);
        let draft = self.inner.pending.take::<InvitationDraft>(&key, self.now_ms()).await?;
        let draft = draft.filter(|draft| draft.inviter == inviter.id).ok_or(AccountsError::CeremonyOver)?;
        // Another session of the same person begins again.
        let token = session.open(&key, draft.token.0).ok_or(AccountsError::CeremonyOver)?;
        self.inner.element.attest_first(&draft.document, payload, proof).await?;
        let now = self.now_ms();
        let account = draft.document.account.to_string();
        let inviter = Some(inviter.id.to_string());
        let expires = now.saturating_add(INVITATION_MS);
        let values = params![token.hash(), account, &draft.email, inviter, payload, now, expires];
        self.inner.database.execute(statements::INSERT_INVITATION, values).await?;
        Ok(self.link(&token))
    }

    /// What a link leads to.
    pub(crate) async fn open_invitation(&self, token: &str) -> Result<Invitation, AccountsError> {
        let hash = Token::parse(token).ok_or(AccountsError::Invitation)?.hash();
        let values = params![hash, self.now_ms()];
        let row = self.inner.database.fetch_optional(statements::FIND_INVITATION, values).await?;
        invitation(&row.ok_or(AccountsError::Invitation)?)
    }

    /// The link by which the first platform administrator registers, while there is none. A new call makes a new link
    /// and the old one void.
    ///
    /// # Errors
    /// [`AccountsError`] if the database or the element does not answer.
    pub async fn first_administrator_link(&self) -> Result<Option<String>, AccountsError> {
        let known = self.inner.element.hello().await?.has_platform_admin;
        // Of two processes that start together, the second renews what the first one made.
        let mut database = self.inner.database.begin().await?;
        let role = Role::PlatformAdmin.as_str();
        let administrators = database.fetch_one(statements::COUNT_ROLE, params![role]).await?;
        if administrators.get::<u64>("n")? > 0 {
            return Ok(None);
        }
        let token = Token::random();
        let now = self.now_ms();
        let expires = now.saturating_add(FIRST_INVITATION_MS);
        // The same account as in an earlier link: it may have been attested already before a crash.
        if let Some(row) = database.fetch_optional(statements::FIRST_INVITATION, params![]).await? {
            let account: String = row.get("account")?;
            let values = params![account, token.hash(), expires];
            database.execute(statements::RENEW_INVITATION, values).await?;
            database.commit().await?;
            return Ok(Some(self.link(&token)));
        }
        if known {
            tracing::warn!(
                "the element knows a platform administrator that this database does not: restore it"
            );
            return Ok(None);
        }
        let account = AccountId::random();
        let document = AccountDocument {
            v: 1,
            account,
            role: Role::PlatformAdmin,
            organisation: None,
            invitation_hash: Some(Hash::new(token.hash())),
            status: AccountStatus::Active,
            applications: None,
        };
        let (none, payload) = (None::<String>, document.to_bytes()?);
        let values = params![token.hash(), account.to_string(), none.clone(), none, payload, now, expires];
        database.execute(statements::INSERT_INVITATION, values).await?;
        database.commit().await?;
        Ok(Some(self.link(&token)))
    }

    /// In the fragment, which browsers send to nobody.
    fn link(&self, token: &Token) -> String {
        format!("{}/invitation#{}", self.inner.config.origin, token.reveal())
    }

    /// Who may invite whom, and where to. The element decides again from the proof.
    async fn invitable(
        &self,
        inviter: &Account,
        role: Role,
        organisation: Option<OrganisationId>,
    ) -> Result<Option<OrganisationId>, AccountsError> {
        let organisation = match (inviter.role, role) {
            (Role::PlatformAdmin, Role::PlatformAdmin) => None,
            (Role::PlatformAdmin, Role::OrganisationAdmin | Role::DataOfficer) => {
                Some(organisation.ok_or(AccountsError::Field { field: "organisation", rule: "say which" })?)
            }
            (Role::OrganisationAdmin, Role::CaseOfficer | Role::Supervisor | Role::DataOfficer) => {
                if organisation.is_some_and(|asked| Some(asked) != inviter.organisation) {
                    return Err(AccountsError::Role);
                }
                inviter.organisation
            }
            _ => return Err(AccountsError::Role),
        };
        match organisation {
            Some(id) if self.inner.directory.organisation_name(id).await.is_none() => {
                Err(AccountsError::OrganisationUnknown)
            }
            other => Ok(other),
        }
    }
}

fn invitation(row: &Row) -> Result<Invitation, AccountsError> {
    let payload: Vec<u8> = row.get("payload")?;
    let parsed =
        AccountDocument::parse(&payload).map_err(|_| AccountsError::Tampered { kind: "invitation" })?;
    let email = row.get::<Option<String>>("email")?.map(|email| email.parse()).transpose()?;
    Ok(Invitation { document: parsed.document, payload, email })
}

fn draft_key(payload: &[u8]) -> String {
    sceau_trace::sha256(payload).to_string()
}
