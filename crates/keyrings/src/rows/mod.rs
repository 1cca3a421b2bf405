//! Rows of policies, access documents and keyrings: as the element attested them, with columns to find them by. The host lists and judges by them without asking the element, which believes none.

mod access;
mod listed;
mod swept;

use sceau_element_api::documents::Document;
use sceau_element_api::keyring::{
    Keyring, KeyringAccess, KeyringActor, KeyringPhase, KeyringPolicy, PolicyStatus,
};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{KeyringId, Kind, PolicyId};
use sceau_keyring::thumbprint;
use sceau_pki::Certificate;
use sceau_store::{Database, FromValue, Row, StoreError, Transaction, params};
use sceau_trace::{Hash, sha256};

pub use self::access::Acting;
use self::access::ReadAccess;
pub use self::listed::{KeyringCursor, ListedKeyring, Report, ReportCursor};
pub(crate) use self::swept::{At, Listed};
use crate::schema::statements;

/// The kinds that are kept here.
pub(crate) const KINDS: [Kind; 3] = [Kind::KeyringPolicy, Kind::KeyringAccess, Kind::Keyring];

/// Reads and writes rows.
#[derive(Debug, Clone)]
pub struct Rows {
    pub(crate) database: Database,
    /// What access documents say.
    access: ReadAccess,
}

/// A row cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// The database does not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The element gave bytes that are no such document: another version of it.
    #[error("the element's row cannot be read: are both programs of the same version?")]
    Document,
}

/// What a row is found by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) organisation: String,
    pub(crate) policy: String,
    pub(crate) state: String,
    pub(crate) time: u64,
}

/// A row's document.
enum Known {
    Policy(Box<KeyringPolicy>),
    Access(KeyringAccess),
    Keyring(Box<Keyring>),
}

impl Known {
    fn parse(kind: Kind, payload: &[u8]) -> Result<Self, RowsError> {
        Ok(match kind {
            Kind::KeyringPolicy => Self::Policy(Box::new(read(payload)?)),
            Kind::KeyringAccess => Self::Access(read(payload)?),
            Kind::Keyring => Self::Keyring(Box::new(read(payload)?)),
            _ => return Err(RowsError::Document),
        })
    }

    fn id(&self) -> String {
        match self {
            Self::Policy(policy) => policy.policy.to_string(),
            Self::Access(access) => access.organisation.to_string(),
            Self::Keyring(keyring) => keyring.keyring.to_string(),
        }
    }

    fn columns(&self) -> Columns {
        let (organisation, policy, state, time) = match self {
            Self::Policy(policy) => {
                let status = match policy.status {
                    PolicyStatus::Active => "active",
                    PolicyStatus::Ended => "ended",
                };
                (policy.organisation, policy.policy.to_string(), status, policy.time)
            }
            Self::Access(access) => (access.organisation, String::new(), "", access.time),
            Self::Keyring(keyring) => {
                (keyring.organisation, keyring.policy.to_string(), phase_word(keyring.phase), keyring.made)
            }
        };
        Columns { organisation: organisation.to_string(), policy, state: state.to_owned(), time }
    }
}

/// A phase, as in JSON.
#[must_use]
pub(crate) fn phase_word(phase: KeyringPhase) -> &'static str {
    match phase {
        KeyringPhase::Made => "made",
        KeyringPhase::Delivered => "delivered",
        KeyringPhase::Certifying => "certifying",
        KeyringPhase::Active => "active",
        KeyringPhase::Suspended => "suspended",
        KeyringPhase::Blocked => "blocked",
        KeyringPhase::Destroyed => "destroyed",
    }
}

fn read<D: Document>(payload: &[u8]) -> Result<D, RowsError> {
    D::parse(payload).map(|parsed| parsed.document).map_err(|_| RowsError::Document)
}

/// A column, or nothing where it holds a value of another type: SQLite takes text where octets belong. Nothing is no document, so that it is brought back as what was
/// edited is.
pub(crate) fn stored<T: FromValue + Default>(row: &Row, column: &str) -> Result<T, StoreError> {
    match row.get(column) {
        Err(StoreError::Column { .. }) => Ok(T::default()),
        stored => stored,
    }
}

impl Rows {
    /// The rows of this database, which has this room's tables.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, access: ReadAccess::default() }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<(), RowsError> {
        Ok(self.database.fetch_one(statements::ANSWER, params![]).await.map(drop)?)
    }

    /// A keyring as the database has it, true or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keyring(&self, id: KeyringId) -> Result<Option<Keyring>, RowsError> {
        self.document(Kind::Keyring, &id.to_string()).await
    }

    /// The current version of a policy as the database has it, and the hash of its bytes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn policy(&self, id: PolicyId) -> Result<Option<(KeyringPolicy, Hash)>, RowsError> {
        let payload = self.payload(Kind::KeyringPolicy, &id.to_string()).await?;
        Ok(payload.and_then(|payload| Some((read(&payload).ok()?, sha256(&payload)))))
    }

    async fn document<D: Document>(&self, kind: Kind, id: &str) -> Result<Option<D>, RowsError> {
        Ok(self.payload(kind, id).await?.and_then(|payload| read(&payload).ok()))
    }

    pub(crate) async fn payload(&self, kind: Kind, id: &str) -> Result<Option<Vec<u8>>, RowsError> {
        let row = self.database.fetch_optional(statements::ROW, params![kind.as_str(), id]).await?;
        Ok(row.map(|row| stored(&row, "payload")).transpose()?)
    }

    /// Keeps a version as the element gave it, on disk when it returns. `first` where it is a first version: its index is the row's number from then on. `instead` of
    /// whatever is there, newer in its own words or not.
    ///
    /// # Errors
    /// [`RowsError`].
    pub(crate) async fn keep(
        &self,
        kind: Kind,
        row: &AttestedRow,
        payload: &[u8],
        (number, instead): (u64, bool),
    ) -> Result<(), RowsError> {
        let known = Known::parse(kind, payload)?;
        let (id, columns) = (known.id(), known.columns());
        let mut all = self.database.begin().await?;
        if instead {
            all.execute(statements::DROP_ROW, params![kind.as_str(), &id]).await?;
        }
        let values = params![
            kind.as_str(),
            &id,
            number,
            columns.organisation,
            columns.policy,
            columns.state,
            columns.time,
            row.version,
            row.index,
            payload,
        ];
        let kept = all.execute(statements::KEEP, values).await?;
        if let (Known::Access(access), true) = (&known, kept > 0) {
            keep_actors(&mut all, access).await?;
        }
        Ok(all.commit().await?)
    }
}

/// The keys of who acts.
async fn keep_actors(all: &mut Transaction, access: &KeyringAccess) -> Result<(), RowsError> {
    let organisation = access.organisation.to_string();
    all.execute(statements::FORGET_ACTORS, params![&organisation]).await?;
    for (id, thumbprint) in actors(access) {
        all.execute(statements::KEEP_ACTOR, params![&organisation, id, thumbprint]).await?;
    }
    Ok(())
}

fn actors(access: &KeyringAccess) -> Vec<(String, Vec<u8>)> {
    let of = |actor: &KeyringActor| {
        let certificate = Certificate::from_der(&actor.certificate, "an actor's certificate").ok()?;
        Some((actor.id.to_string(), thumbprint(&certificate.public_key_info())?.to_vec()))
    };
    let mut actors: Vec<_> = access.actors.iter().filter_map(of).collect();
    actors.sort();
    actors
}
