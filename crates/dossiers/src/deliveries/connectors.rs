//! The machines of an organisation that receive: made and ended by its administrator, each with a credential of its own; and the way to a dossier's
//! ciphertext, which is a reading session like the one that a ticket gives.

use sceau_accounts::{Accounts, ClientCredentials, ClientId, Scope};
use sceau_element_api::documents::DossierState;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, Base64Url, DossierId, OrganisationId, Role};
use sceau_store::params;
use sceau_trace::{Action, Actor, ActorKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::reading::{Reading, ReadingToken, Who};
use crate::{Dossiers, state, statements};

/// How long a connector may fetch ciphertext of a dossier before it asks again.
const SESSION_MS: u64 = 60 * 60_000;

/// A connector to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnector {
    /// How people call it; 1 to 64 characters.
    pub name: String,
}

/// A connector, as its organisation's administrator sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectorView {
    /// Its client id.
    pub client_id: String,
    /// How people call it.
    pub name: String,
    /// When it was made, in Unix milliseconds.
    pub created: u64,
    /// When it was ended.
    pub revoked: Option<u64>,
    /// Up to which position of the feed it has everything.
    pub acknowledged: u64,
}

impl Dossiers {
    /// Makes a connector of an organisation, with credentials that are shown once.
    ///
    /// # Errors
    /// When the name is none, or the record cannot be kept.
    pub async fn make_connector(
        &self,
        accounts: &Accounts,
        admin: AccountId,
        organisation: OrganisationId,
        new: &NewConnector,
    ) -> Result<ClientCredentials, Fault> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Fault::malformed("A name has 1 to 64 characters, none of them a control character."));
        }
        let mut transaction = self.database.begin().await?;
        let client = accounts.create_client(&mut transaction, organisation, &[Scope::Receive]).await?;
        let id = client.client_id.to_string();
        let values = params![&id, organisation.to_string(), name, self.clock.now_ms()];
        transaction.execute(statements::INSERT_CONNECTOR, values).await?;
        // Before the credentials exist for anybody.
        self.element().append(change(admin, organisation, "make").subject("client", &id).granted()).await?;
        transaction.commit().await?;
        Ok(client)
    }

    /// The connectors of an organisation, ended ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connectors(&self, organisation: OrganisationId) -> Result<Vec<ConnectorView>, Fault> {
        let rows = self.database.fetch_all(statements::CONNECTORS, params![organisation.to_string()]).await?;
        rows.iter()
            .map(|row| {
                Ok(ConnectorView {
                    client_id: row.get("client")?,
                    name: row.get("name")?,
                    created: row.get("created")?,
                    revoked: row.get("revoked")?,
                    acknowledged: row.get("acknowledged")?,
                })
            })
            .collect()
    }

    /// Ends a connector: its credential, its tokens and its reading sessions are void at once.
    ///
    /// # Errors
    /// When it is not this organisation's.
    pub async fn end_connector(
        &self,
        accounts: &Accounts,
        admin: AccountId,
        organisation: OrganisationId,
        client: ClientId,
    ) -> Result<(), Fault> {
        let row = self.database.fetch_optional(statements::CONNECTOR, params![client.to_string()]).await?;
        let own = row.map(|row| row.get::<String>("organisation")).transpose()?;
        if own.as_deref() != Some(organisation.to_string().as_str()) {
            return Err(Fault::not_found());
        }
        // Before it is done: a connector that ended without a record would be worse than a record of one that did not.
        self.element().append(change(admin, organisation, "end").subject("client", client)).await?;
        accounts.revoke_client(client).await?;
        let ended = params![client.to_string(), self.clock.now_ms()];
        self.database.execute(statements::END_CONNECTOR, ended).await?;
        self.element().append(change(admin, organisation, "end").subject("client", client).granted()).await?;
        Ok(())
    }

    /// Lets a connector read one dossier of its own organisation for an hour. Recorded before it is answered.
    ///
    /// # Errors
    /// When the dossier is not there for this organisation; that is recorded.
    pub async fn begin_machine_reading(
        &self,
        client: ClientId,
        organisation: OrganisationId,
        dossier: DossierId,
    ) -> Result<ReadingToken, Fault> {
        let actor = Actor::new(ActorKind::Client, client.to_string());
        let draft = RecordDraft::new(actor, Action::TICKET_ISSUE)
            .subject("dossier", dossier)
            .organisation(organisation);
        let current = self.rows.current::<DossierState>(dossier).await?;
        let readable = current.is_some_and(|row| {
            row.document.organisation == organisation && state::is_readable(row.document.phase)
        });
        if !readable {
            self.record_refusal(draft.refused(Code::NotFound.as_str())).await;
            return Err(Fault::not_found());
        }
        self.element().append(draft.granted()).await?;
        let token = Base64Url(sceau_crypto::random::<32>().to_vec()).encode();
        let hash = sceau_crypto::sha256(token.as_bytes()).to_vec();
        let expires = self.clock.now_ms() + SESSION_MS;
        let values = params![hash, dossier.to_string(), client.to_string(), Who::Machine.as_str(), expires];
        self.database.execute(statements::INSERT_MACHINE_READING, values).await?;
        self.database.execute(statements::FORGET_TICKETS, params![self.clock.now_ms()]).await?;
        let reader = Reading::view(Who::Machine, &client.to_string());
        Ok(ReadingToken { token, expires, dossier, reader })
    }
}

/// A record of what an organisation's administrator changes here.
pub(super) fn change(admin: AccountId, organisation: OrganisationId, act: &'static str) -> RecordDraft {
    let actor = Actor::new(Role::OrganisationAdmin.into(), admin.to_string());
    RecordDraft::new(actor, Action::CONNECTOR_CHANGE).organisation(organisation).detail("act", act)
}
