//! Rows of acts on data.

use sceau_element_api::documents::{Document as _, ProtectAct, Remit};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{ActId, ApplicationId, OrganisationId};
use sceau_store::{Row, params};

use super::{Rows, RowsError};
use crate::schema::statements;

/// An act as the database has it.
#[derive(Debug)]
pub(crate) struct ListedAct {
    pub(crate) act: ActId,
    pub(crate) payload: Vec<u8>,
    /// When it was signed first, in Unix milliseconds.
    time: u64,
    applications: String,
}

/// A place in the list of acts, the last signed first: what is after it was signed earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActCursor {
    time: u64,
    act: String,
}

impl ActCursor {
    /// Before all.
    pub(crate) fn start() -> Self {
        Self { time: u64::MAX, act: String::new() }
    }

    /// As [`Display`](std::fmt::Display) gives it; none where it is not that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (time, act) = text.split_once('.')?;
        Some(Self { time: time.parse().ok()?, act: act.parse::<ActId>().ok()?.to_string() })
    }
}

impl std::fmt::Display for ActCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.time, self.act)
    }
}

impl ListedAct {
    fn read(row: &Row) -> Result<Self, RowsError> {
        let id: String = row.get("id")?;
        Ok(Self {
            act: id.parse().map_err(|_| RowsError::Document)?,
            payload: row.get("payload")?,
            time: row.get("time")?,
            applications: row.get("applications")?,
        })
    }

    /// Where it is in the list.
    pub(crate) fn cursor(&self) -> ActCursor {
        ActCursor { time: self.time, act: self.act.to_string() }
    }

    /// Whether it is about data within a remit alone, as the database says.
    pub(crate) fn is_of(&self, remit: &Remit) -> bool {
        let mine = |id: &str| id.parse().is_ok_and(|id| remit.has(id));
        remit.applications.is_none()
            || !self.applications.is_empty() && self.applications.split(' ').all(mine)
    }
}

impl Rows {
    /// Keeps a version of an act as the element attested it, whose data are of these applications.
    ///
    /// # Errors
    /// [`RowsError`].
    pub(crate) async fn keep_act(
        &self,
        row: &AttestedRow,
        payload: &[u8],
        applications: &[ApplicationId],
    ) -> Result<(), RowsError> {
        let act = ProtectAct::parse(payload).map_err(|_| RowsError::Document)?.document;
        let applications: Vec<String> = applications.iter().map(ToString::to_string).collect();
        let values = params![
            act.act.to_string(),
            act.organisation.to_string(),
            act.time,
            row.version,
            row.index,
            payload.to_vec(),
            applications.join(" "),
        ];
        self.database.execute(statements::KEEP_ACT, values).await?;
        Ok(())
    }

    /// An act as the database has it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn act(&self, act: ActId) -> Result<Option<ListedAct>, RowsError> {
        let id = act.to_string();
        let row = self.database.fetch_optional(statements::ACT, params![id.as_str()]).await?;
        row.as_ref().map(ListedAct::read).transpose()
    }

    /// The acts that the database lists of an organisation, the last one first, from after a place on.
    ///
    /// # Errors
    /// When the database does not answer, or lists what is no id.
    pub(crate) async fn acts(
        &self,
        organisation: OrganisationId,
        after: &ActCursor,
        most: usize,
    ) -> Result<Vec<ListedAct>, RowsError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let values = params![organisation.to_string(), after.time, after.act.as_str(), most];
        let rows = self.database.fetch_all(statements::ACTS, values).await?;
        rows.iter().map(ListedAct::read).collect()
    }
}
