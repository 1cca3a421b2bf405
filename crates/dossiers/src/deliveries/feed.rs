//! The feed of an organisation: entries in one order, each noted in the transaction that shows the act on the timeline.

use std::time::Duration;

use sceau_accounts::ClientId;
use sceau_element_api::documents::{Decision, DossierState, Manifest, Outcome};
use sceau_element_api::{DossierId, OrganisationId};
use sceau_store::{Row as StoredRow, Transaction, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::rows::Row;
use crate::{Dossiers, statements};

/// Entries of one page, where the caller asks for none or for more.
const LONGEST: u64 = 200;
/// How long a call may wait for news.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a waiting call looks again: another process of the platform may have made the entry.
const EVERY: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// A dossier was sent for the first time.
    Submitted,
    /// Its depositor sent it again, with what was asked for.
    Resubmitted,
    /// The organisation accepted it, wherever that was decided.
    Accepted,
    /// The organisation refused it.
    Refused,
    /// The organisation asked its depositor for more.
    MoreInformation,
}

/// One entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Delivery {
    /// The same at each repetition: dossier and log index of the act, joined by a dot.
    pub id: String,
    /// Its place in the feed of this organisation, from 1, without gaps.
    pub position: u64,
    /// What happened.
    pub kind: DeliveryKind,
    /// The dossier.
    pub dossier: String,
    /// The scheme that it answers.
    pub scheme: String,
    /// SHA-256 of the manifest that it is about, hexadecimal.
    pub manifest_hash: String,
    /// When, in Unix milliseconds.
    pub time: u64,
}

/// Some entries, in order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page {
    /// The entries after the cursor.
    pub deliveries: Vec<Delivery>,
    /// The cursor to ask with next.
    pub cursor: u64,
    /// Up to which position this connector has acknowledged.
    pub acknowledged: u64,
}

impl DeliveryKind {
    const ALL: [Self; 5] =
        [Self::Submitted, Self::Resubmitted, Self::Accepted, Self::Refused, Self::MoreInformation];

    /// The stable spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Resubmitted => "resubmitted",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::MoreInformation => "more_information",
        }
    }
}

impl From<Outcome> for DeliveryKind {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted,
            Outcome::Refused => Self::Refused,
            Outcome::MoreInformation => Self::MoreInformation,
        }
    }
}

impl Dossiers {
    /// Notes that a dossier was sent, in the transaction that shows it.
    pub(crate) async fn note_deposit(
        &self,
        transaction: &mut Transaction,
        state: &Row<DossierState>,
        manifest: &Row<Manifest>,
        time: u64,
    ) -> Result<(), Fault> {
        let kind = |sent| if sent > 0 { DeliveryKind::Resubmitted } else { DeliveryKind::Submitted };
        let hash = manifest.attested.hash.to_string();
        self.note(transaction, &state.document, kind, &hash, manifest.attested.index, time).await
    }

    /// Notes that a dossier was decided, in the transaction that shows it.
    pub(crate) async fn note_decision(
        &self,
        transaction: &mut Transaction,
        state: &Row<DossierState>,
        decision: &Row<Decision>,
        time: u64,
    ) -> Result<(), Fault> {
        let hash = decision.document.manifest_hash.to_string();
        let kind = |_| decision.document.decision.into();
        self.note(transaction, &state.document, kind, &hash, decision.attested.index, time).await
    }

    /// `kind` is told how often the dossier was sent before.
    async fn note(
        &self,
        transaction: &mut Transaction,
        dossier: &DossierState,
        kind: impl Fn(u64) -> DeliveryKind,
        manifest_hash: &str,
        index: u64,
        time: u64,
    ) -> Result<(), Fault> {
        let organisation = dossier.organisation.to_string();
        let of = params![&organisation, dossier.dossier.to_string()];
        let head = transaction.fetch_one(statements::NEXT_POSITION, of).await?;
        let (position, kind): (u64, _) = (head.get("position")?, kind(head.get("sent")?));
        let values = params![
            &organisation,
            position,
            dossier.dossier.to_string(),
            index,
            kind.as_str(),
            dossier.scheme.to_string(),
            manifest_hash,
            time
        ];
        transaction.execute(statements::INSERT_DELIVERY, values).await?;
        let delivery = Delivery {
            id: format!("{}.{index}", dossier.dossier),
            position,
            kind,
            dossier: dossier.dossier.to_string(),
            scheme: dossier.scheme.to_string(),
            manifest_hash: manifest_hash.to_owned(),
            time,
        };
        if head.get::<u64>("webhooks")? > 0 {
            self.announce(transaction, dossier, &delivery).await?;
        }
        Ok(())
    }

    /// The entries after `after`, or after what this connector acknowledged; waits for the first one for up to `wait` seconds, 30 at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(
        &self,
        organisation: OrganisationId,
        client: ClientId,
        after: Option<u64>,
        wait: u64,
        limit: Option<u64>,
    ) -> Result<Page, Fault> {
        let acknowledged = self.acknowledged(client).await?;
        let cursor = after.unwrap_or(acknowledged);
        let limit = limit.unwrap_or(LONGEST).clamp(1, LONGEST);
        let ends = tokio::time::Instant::now() + PATIENCE.min(Duration::from_secs(wait));
        loop {
            // Before the look: an entry that is committed after it wakes us.
            let news = self.news.notified();
            let at = params![organisation.to_string(), cursor, limit];
            let rows = self.database.fetch_all(statements::DELIVERIES, at).await?;
            let left = ends.saturating_duration_since(tokio::time::Instant::now());
            if !rows.is_empty() || left.is_zero() {
                let deliveries = rows.iter().map(delivery).collect::<Result<Vec<_>, Fault>>()?;
                let cursor = deliveries.last().map_or(cursor, |last| last.position);
                return Ok(Page { deliveries, cursor, acknowledged });
            }
            let _ = tokio::time::timeout(left.min(EVERY), news).await;
        }
    }

    /// Keeps that a connector has everything up to a position. It never goes back.
    ///
    /// # Errors
    /// When the feed is not that long.
    pub async fn acknowledge(
        &self,
        organisation: OrganisationId,
        client: ClientId,
        through: u64,
    ) -> Result<u64, Fault> {
        let head = self.database.fetch_optional(statements::HEAD, params![organisation.to_string()]).await?;
        let head = head.map(|row| row.get::<u64>("position")).transpose()?.unwrap_or(0);
        if through > head {
            return Err(Fault::malformed("The feed is not that long: acknowledge what it gave."));
        }
        self.database.execute(statements::ACKNOWLEDGE, params![client.to_string(), through]).await?;
        self.acknowledged(client).await
    }

    async fn acknowledged(&self, client: ClientId) -> Result<u64, Fault> {
        let row = self.database.fetch_optional(statements::CONNECTOR, params![client.to_string()]).await?;
        Ok(row.ok_or_else(Fault::not_found)?.get("acknowledged")?)
    }
}

fn delivery(row: &StoredRow) -> Result<Delivery, Fault> {
    let (dossier, kind): (String, String) = (row.get("dossier")?, row.get("kind")?);
    let tampered = || Fault::Tampered { kind: "delivery", id: dossier.clone() };
    let kind = DeliveryKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(tampered)?;
    dossier.parse::<DossierId>().map_err(|_| tampered())?;
    Ok(Delivery {
        id: format!("{dossier}.{}", row.get::<u64>("log_index")?),
        position: row.get("position")?,
        kind,
        scheme: row.get("scheme")?,
        manifest_hash: row.get("manifest_hash")?,
        time: row.get("time")?,
        dossier,
    })
}
