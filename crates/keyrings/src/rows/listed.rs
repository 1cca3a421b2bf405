//! Keyrings and reports as lists show them, page by page.

use sceau_element_api::keyring::{KeyringPhase, KeyringPolicy};
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId, OrganisationId, PolicyId};
use sceau_store::params;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Rows, RowsError, phase_word, read, stored};
use crate::schema::statements;

/// Policies of an organisation that are listed.
const MOST_POLICIES: u64 = 256;

/// After which keyring a page begins.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringCursor {
    /// When that one was made.
    pub made: u64,
    /// It.
    pub keyring: KeyringId,
}

/// A keyring, as lists show it.
#[derive(Debug, Serialize)]
pub struct ListedKeyring {
    /// What the element attested of it.
    pub keyring: Box<RawValue>,
    /// Which version.
    pub version: u64,
    /// Index of its record in the element's log.
    pub index: u64,
    /// What brings the ones after it.
    pub after: KeyringCursor,
}

/// After which report a page begins.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportCursor {
    /// When that one was made.
    pub time: u64,
    /// Of which request.
    pub request: KeyringRequestId,
}

/// A holder's report on a request.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The request.
    pub request: KeyringRequestId,
    /// The keyring whose holder reported it.
    pub keyring: KeyringId,
    /// Who asked, for the registration authority alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<KeyringActorId>,
    /// SHA-256 of the request's JWS, by which its provider is held to it.
    pub hash: Base64Url,
    /// Why: `stranger`, `misleading`, `insistent`.
    pub reason: String,
    /// When, in Unix milliseconds.
    pub time: u64,
}

impl Rows {
    /// The policies of an organisation, the exact bytes of each.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn policies(&self, organisation: OrganisationId) -> Result<Vec<KeyringPolicy>, RowsError> {
        let values = params![organisation.to_string(), MOST_POLICIES];
        let rows = self.database.fetch_all(statements::POLICIES_OF, values).await?;
        let payloads = rows.iter().map(|row| Ok(stored::<Vec<u8>>(row, "payload")?));
        let payloads = payloads.collect::<Result<Vec<_>, RowsError>>()?;
        // What is no document was edited: it is brought back, and listed then.
        Ok(payloads.iter().filter_map(|payload| read(payload).ok()).collect())
    }

    /// Keyrings of a policy, in the order in which they were made.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keyrings(
        &self,
        policy: PolicyId,
        phase: Option<KeyringPhase>,
        after: Option<KeyringCursor>,
        most: u64,
    ) -> Result<Vec<ListedKeyring>, RowsError> {
        let (made, id) = after.map_or((0, String::new()), |after| (after.made, after.keyring.to_string()));
        let values = params![policy.to_string(), phase.map_or("", phase_word), made, id, most];
        let rows = self.database.fetch_all(statements::KEYRINGS_OF, values).await?;
        let mut listed = Vec::new();
        for row in rows {
            let payload: Vec<u8> = stored(&row, "payload")?;
            let raw = String::from_utf8(payload).ok().and_then(|text| RawValue::from_string(text).ok());
            let id: String = row.get("id")?;
            let (Some(keyring), Ok(id)) = (raw, id.parse()) else { continue };
            let after = KeyringCursor { made: row.get("time")?, keyring: id };
            let (version, index) = (row.get("version")?, row.get("log_index")?);
            listed.push(ListedKeyring { keyring, version, index, after });
        }
        Ok(listed)
    }

    /// Reports of holders of a policy's keyrings, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reports(
        &self,
        policy: PolicyId,
        after: Option<ReportCursor>,
        most: u64,
    ) -> Result<Vec<Report>, RowsError> {
        let (time, id) = after.map_or((0, String::new()), |after| (after.time, after.request.to_string()));
        let values = params![policy.to_string(), time, id, most];
        let rows = self.database.fetch_all(statements::REPORTS_OF, values).await?;
        let mut reports = Vec::new();
        for row in rows {
            let [request, keyring, provider]: [String; 3] =
                [row.get("request")?, row.get("keyring")?, row.get("provider")?];
            let ids = (request.parse(), keyring.parse(), provider.parse());
            let (Ok(request), Ok(keyring), Ok(provider)) = ids else { continue };
            let hash: Vec<u8> = stored(&row, "hash")?;
            let (reason, time) = (row.get("reason")?, row.get("time")?);
            let provider = Some(provider);
            reports.push(Report { request, keyring, provider, hash: hash.into(), reason, time });
        }
        Ok(reports)
    }
}
