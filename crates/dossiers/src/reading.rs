//! The way to a document: a one-use ticket, a short session for the key manager's page, ciphertext.

use sceau_accounts::{Accounts, AccountsError};
use sceau_crypto::FileId;
use sceau_element_api::documents::{Decision, DossierState, Manifest, SchemeDocument};
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, Base64Url, DossierId, OrganisationId, Role};
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::evidence::not_the_depositor;
use crate::fault::Fault;
use crate::rows::Row;
use crate::{Dossiers, state, statements};

/// How long a ticket may wait to be exchanged.
const TICKET_MS: u64 = 60_000;
/// How long the page may fetch ciphertext afterwards.
const SESSION_MS: u64 = 15 * 60_000;

/// A case officer or supervisor, as the session proves.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The account.
    pub account: AccountId,
    /// Case officer or supervisor.
    pub role: Role,
    /// The organisation of that role.
    pub organisation: OrganisationId,
}

/// A ticket: where to go.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ticket {
    /// Address of the key manager's opening page, the ticket in its fragment.
    pub url: String,
}

/// A session that a ticket was exchanged for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReadingToken {
    /// Bearer token.
    pub token: String,
    /// Until when, in Unix milliseconds.
    pub expires: u64,
    /// The one dossier that it reads.
    #[schema(value_type = String)]
    pub dossier: DossierId,
    /// Who reads.
    pub reader: ReaderView,
}

/// Who reads, for the key manager's page or the connector.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReaderView {
    /// The account, or the connector's client id.
    pub account: String,
    /// The role; `client` for a connector.
    pub role: String,
}

/// In which quality somebody or something reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// A case officer or supervisor.
    Person(Role),
    /// A connector of the organisation.
    Machine,
}

impl Who {
    const ALL: [Self; 3] = [Self::Person(Role::CaseOfficer), Self::Person(Role::Supervisor), Self::Machine];

    /// The stable spelling, in the database and in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Person(role) => role.as_str(),
            Self::Machine => ActorKind::Client.as_str(),
        }
    }
}

/// An open reading session: what its token proves.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The dossier.
    pub dossier: DossierId,
    /// The account or the client that reads.
    reader: String,
    /// In which quality.
    who: Who,
    /// SHA-256 of the token.
    session: [u8; 32],
}

/// Everything that the key manager's page needs, but the parts of the files.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Bundle {
    /// The manifest's bytes, base64url.
    #[schema(value_type = String)]
    pub manifest: Base64Url,
    /// The evidence that the element attested it, and on whose word. The depositor's proof itself names their passkey, by which
    /// organisations could tell each other's depositors apart; the element verified it.
    #[schema(value_type = Object)]
    pub manifest_evidence: serde_json::Value,
    /// The scheme's bytes, base64url.
    #[schema(value_type = String)]
    pub scheme: Base64Url,
    /// The files that the manifest names.
    pub files: Vec<FileView>,
    /// The decision so far.
    #[schema(value_type = Option<Object>)]
    pub decision: Option<sceau_element_api::documents::Decision>,
    /// What shows that the organisation took it: the page believes nothing else.
    pub decision_proof: Option<DecisionProof>,
    /// The state of the dossier.
    pub state: String,
}

/// A decision as its key manager signed it and the element attested it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionProof {
    /// The exact bytes that were signed, base64url.
    #[schema(value_type = String)]
    pub payload: Base64Url,
    /// The evidence that the element attested them on the organisation's word.
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
}

/// A sealed file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FileView {
    /// The file.
    #[schema(value_type = String)]
    pub file_id: FileId,
    /// Number of parts.
    pub parts: u32,
    /// Header of the envelope, base64url.
    #[schema(value_type = String)]
    pub header: Base64Url,
}

impl Dossiers {
    /// Issues a ticket to read a dossier of the reader's own organisation.
    ///
    /// # Errors
    /// When the dossier is not there for this organisation.
    pub async fn issue_ticket(&self, reader: Reader, dossier: DossierId) -> Result<Ticket, Fault> {
        let draft = RecordDraft::new(reader.actor(), Action::TICKET_ISSUE)
            .subject("dossier", dossier)
            .organisation(reader.organisation);
        let current = self.rows.current::<DossierState>(dossier).await?;
        let readable = current.filter(|row| {
            row.document.organisation == reader.organisation && state::is_readable(row.document.phase)
        });
        if readable.is_none() {
            self.record_refusal(draft.refused(Code::NotFound.as_str())).await;
            return Err(Fault::not_found());
        }
        let key_manager = self.key_manager(reader.organisation).await?;
        self.element().append(draft.granted()).await?;
        let ticket = Base64Url(sceau_crypto::random::<32>().to_vec());
        let values = params![
            sceau_crypto::sha256(ticket.encode().as_bytes()).to_vec(),
            dossier.to_string(),
            reader.account.to_string(),
            reader.role.as_str(),
            self.clock.now_ms() + TICKET_MS
        ];
        self.database.execute(statements::INSERT_TICKET, values).await?;
        self.database.execute(statements::FORGET_TICKETS, params![self.clock.now_ms()]).await?;
        Ok(Ticket { url: format!("{key_manager}/open#ticket={}", ticket.encode()) })
    }

    /// Exchanges a ticket, once.
    ///
    /// # Errors
    /// When it is unknown, used or expired; that is recorded.
    pub async fn exchange_ticket(&self, accounts: &Accounts, ticket: &str) -> Result<ReadingToken, Fault> {
        let hash = sceau_crypto::sha256(ticket.as_bytes()).to_vec();
        let token = Base64Url(sceau_crypto::random::<32>().to_vec()).encode();
        let now = self.clock.now_ms();
        let expires = now + SESSION_MS;
        let token_hash = sceau_crypto::sha256(token.as_bytes()).to_vec();
        let mut transaction = self.database.begin().await?;
        let redeemed = transaction
            .fetch_optional(statements::REDEEM_TICKET, params![hash, token_hash, expires, now])
            .await?;
        transaction.commit().await?;
        let Some(row) = redeemed else {
            let draft =
                RecordDraft::new(Actor::new(ActorKind::Platform, "platform"), Action::TICKET_EXCHANGE);
            self.record_refusal(draft.refused(Code::TicketInvalid.as_str())).await;
            return Err(Code::TicketInvalid.into());
        };
        let reading = reading(&row, token.as_bytes())?;
        let draft =
            RecordDraft::new(reading.actor(), Action::TICKET_EXCHANGE).subject("dossier", reading.dossier);
        if !may_still_read(accounts, &reading).await? {
            self.record_refusal(draft.refused(Code::TicketInvalid.as_str())).await;
            return Err(Code::TicketInvalid.into());
        }
        self.element().append(draft.granted()).await?;
        let reader = Reading::view(reading.who, &reading.reader);
        Ok(ReadingToken { token, expires, dossier: reading.dossier, reader })
    }

    /// What a reading token proves, of an account that may still read: each request asks the element what is attested of it now.
    ///
    /// # Errors
    /// When it is unknown or has expired, or its account was suspended or has another role since.
    pub async fn reading(&self, accounts: &Accounts, token: &str) -> Result<Reading, Fault> {
        let values = params![sceau_crypto::sha256(token.as_bytes()).to_vec(), self.clock.now_ms()];
        let row = self.database.fetch_optional(statements::READING_SESSION, values).await?;
        let reading = reading(&row.ok_or(Code::ReadingExpired)?, token.as_bytes())?;
        if may_still_read(accounts, &reading).await? {
            return Ok(reading);
        }
        let draft =
            RecordDraft::new(reading.actor(), Action::DOSSIER_VIEW).subject("dossier", reading.dossier);
        self.record_refusal(draft.refused(Code::ReadingExpired.as_str())).await;
        Err(Code::ReadingExpired.into())
    }

    /// Everything that the key manager's page needs, but the parts of the files. That the dossier was looked at is recorded first.
    ///
    /// # Errors
    /// When a row, a header or a part's digest is not the one that was attested.
    pub async fn bundle(&self, reading: &Reading) -> Result<Bundle, Fault> {
        let dossier = reading.dossier;
        let state = self.rows.current::<DossierState>(dossier).await?.ok_or_else(Fault::not_found)?;
        let manifest = self.rows.current::<Manifest>(dossier).await?.ok_or_else(Fault::not_found)?;
        self.rows.proven(&manifest).await?;
        let scheme = self.rows.current::<SchemeDocument>(state.document.scheme).await?;
        let scheme = scheme.ok_or_else(Fault::not_found)?;
        let draft = RecordDraft::new(reading.actor(), Action::DOSSIER_VIEW)
            .subject("dossier", dossier)
            .organisation(state.document.organisation);
        self.element().append(draft.granted()).await?;
        let files = self.file_views(dossier, &manifest).await?;
        let decision = self.rows.current::<Decision>(dossier).await?;
        let decision_proof = match &decision {
            Some(row) => Some(DecisionProof {
                payload: Base64Url(row.payload.clone()),
                evidence: self.evidence_showing(row.attested.index, not_the_depositor).await?,
            }),
            None => None,
        };
        Ok(Bundle {
            manifest_evidence: self.evidence_showing(manifest.attested.index, not_the_depositor).await?,
            manifest: manifest.payload.into(),
            scheme: scheme.payload.into(),
            files,
            decision: decision.map(|row| row.document),
            decision_proof,
            state: crate::state::name(state.document.phase).to_owned(),
        })
    }

    /// A part of a file that the manifest names. The first fetch of a file in a session is recorded before it is answered.
    ///
    /// # Errors
    /// When the file is not named by the manifest, or the part is not the one that arrived.
    pub async fn read_part(
        &self,
        reading: &Reading,
        file: FileId,
        index: u32,
    ) -> Result<bytes::Bytes, Fault> {
        let manifest = self.rows.current::<Manifest>(reading.dossier).await?.ok_or_else(Fault::not_found)?;
        if !manifest.document.files.iter().any(|named| named.file_id == file && index < named.parts) {
            return Err(Fault::not_found());
        }
        let at = params![reading.session, file.to_string()];
        if self.database.fetch_optional(statements::FETCH, at).await?.is_none() {
            let draft = RecordDraft::new(reading.actor(), Action::DOCUMENT_FETCH)
                .subject("dossier", reading.dossier)
                .subject("file", file)
                .organisation(manifest.document.organisation);
            self.element().append(draft.granted()).await?;
            self.database.execute(statements::INSERT_FETCH, at).await?;
        }
        self.part(reading.dossier, file, index).await
    }

    pub(crate) async fn file_views(
        &self,
        dossier: DossierId,
        manifest: &Row<Manifest>,
    ) -> Result<Vec<FileView>, Fault> {
        let mut views = Vec::with_capacity(manifest.document.files.len());
        let kept = self.kept_files(dossier).await?;
        for file in &manifest.document.files {
            // It was whole when the manifest was attested; whatever is missing or differs now was changed since.
            let header = kept.checked_header(file).map_err(|fault| match fault {
                Fault::Refused(_) => Fault::Tampered { kind: "file", id: file.file_id.to_string() },
                fault => fault,
            })?;
            let header = Base64Url(header);
            views.push(FileView { file_id: file.file_id, parts: file.parts, header });
        }
        Ok(views)
    }
}

impl Reader {
    pub(crate) fn actor(self) -> Actor {
        actor(self.role, self.account)
    }
}

impl Reading {
    fn actor(&self) -> Actor {
        let kind = match self.who {
            Who::Person(role) => role.into(),
            Who::Machine => ActorKind::Client,
        };
        Actor::new(kind, self.reader.clone())
    }

    pub(crate) fn view(who: Who, reader: &str) -> ReaderView {
        ReaderView { account: reader.to_owned(), role: who.as_str().to_owned() }
    }
}

/// Whether the reader's account is active, in the role that the ticket was issued for, or the connector was not ended. Neither changes its
/// organisation.
async fn may_still_read(accounts: &Accounts, reading: &Reading) -> Result<bool, Fault> {
    let tampered = || Fault::Tampered { kind: "ticket", id: String::new() };
    let role = match reading.who {
        Who::Person(role) => role,
        Who::Machine => {
            let client = reading.reader.parse().map_err(|_| tampered())?;
            return Ok(accounts.is_client(client).await?);
        }
    };
    let account: AccountId = reading.reader.parse().map_err(|_| tampered())?;
    match accounts.account(account).await {
        Ok(account) => Ok(account.is_some_and(|account| account.role == role)),
        Err(AccountsError::Credentials) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn actor(role: Role, account: AccountId) -> Actor {
    Actor::new(role.into(), account.to_string())
}

fn reading(row: &sceau_store::Row, token: &[u8]) -> Result<Reading, Fault> {
    let tampered = || Fault::Tampered { kind: "ticket", id: String::new() };
    let dossier: String = row.get("dossier")?;
    let role: String = row.get("role")?;
    Ok(Reading {
        session: sceau_crypto::sha256(token),
        dossier: dossier.parse().map_err(|_| tampered())?,
        reader: row.get("account")?,
        who: Who::ALL.into_iter().find(|who| who.as_str() == role).ok_or_else(tampered)?,
    })
}
