//! The calendar: what becomes due for this organisation, and who must be told in time. [`due`] is pure; the rest asks, records once, and logs.
//!
//! An alert is raised once, recorded and logged, and is over when its cause is: a key was published, a certificate replaced, a backup made.

mod altered;
mod due;

pub(crate) use altered::AlteredKeys;
pub(crate) use due::Certificate;
use due::{Due, Facts, due};

use std::collections::BTreeSet;

use sceau_crypto::KeyId;
use sceau_element_api::documents::{KeySuite, KeyUse};
use sceau_pki::Issued;
use sceau_store::{Transaction, params};
use sceau_trace::Action;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::keyring::KeyStanding;
use crate::letters::Letter;
use crate::manager::KeyManager;
use crate::schema::statements;

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alert {
    /// `next_key_not_published`, `key_not_acknowledged`, `server_certificate_expires`, `client_certificate_expires`, `backup_old`, `key_may_leave`,
    /// `mob_key_not_taken` or `mob_key_expires`.
    pub kind: &'static str,
    /// The key or certificate that it is about.
    pub subject: Option<String>,
    /// When it is too late, in Unix milliseconds.
    pub by: u64,
}

/// A key as the calendar has it.
#[derive(Debug, Clone, Serialize)]
pub struct CalendarKey {
    /// Its id.
    pub key_id: KeyId,
    /// What it is for.
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// Its suite.
    pub suite: KeySuite,
    /// Its place among those of its use.
    pub serial: u64,
    /// Where it stands.
    pub state: KeyStanding,
    /// From when it may be used, in Unix milliseconds.
    pub not_before: u64,
    /// Until when.
    pub not_after: u64,
    /// When the platform acknowledged it, where that is known.
    pub acknowledged: Option<u64>,
    /// Where the platform's log holds its statement.
    pub index: Option<u64>,
    /// Manifests that are sealed to it and open, as far as the platform's log was read.
    pub open_manifests: u64,
}

impl KeyManager {
    /// Every key, by use and serial.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calendar(&self) -> Result<Vec<CalendarKey>, Error> {
        let (ring, now) = (self.keyring(), self.now());
        let mut keys = Vec::with_capacity(ring.all().len());
        for key in ring.all() {
            let statement = &key.statement;
            keys.push(CalendarKey {
                key_id: statement.key_id,
                key_use: statement.key_use,
                suite: statement.suite,
                serial: statement.serial,
                state: ring.standing(key, now),
                not_before: statement.not_before,
                not_after: statement.not_after,
                acknowledged: key.acknowledged,
                index: key.index,
                open_manifests: self.open_manifests(&statement.key_id).await?,
            });
        }
        Ok(keys)
    }

    /// What is due now, the most urgent first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts(&self) -> Result<Vec<Alert>, Error> {
        let facts = self.calendar_facts().await?;
        let mut alerts: Vec<Alert> =
            due(&self.keyring(), &facts, self.settings(), self.now()).into_iter().map(Alert::from).collect();
        alerts.extend(self.mob_alerts().await?);
        alerts.extend(self.altered_key_alerts());
        alerts.sort_by_key(|alert| alert.by);
        Ok(alerts)
    }

    /// Records and logs what became due, once, and forgets what is over.
    pub(crate) async fn tend_calendar(&self) -> Result<(), Error> {
        let alerts = self.alerts().await?;
        let raised = self.database().fetch_all(statements::RAISED_ALERTS, params![]).await?;
        let raised = raised.iter().map(|row| row.get("id")).collect::<Result<BTreeSet<String>, _>>()?;
        let now: BTreeSet<String> = alerts.iter().map(Alert::id).collect();
        for alert in alerts.iter().filter(|alert| !raised.contains(&alert.id())) {
            tracing::warn!(
                kind = alert.kind,
                subject = alert.subject,
                by = alert.by,
                "the calendar: something is due"
            );
            let mut draft = self.own_record(Action::CALENDAR_ALERT).refused(alert.kind);
            draft = draft.detail("by", alert.by.to_string());
            if let Some(subject) = &alert.subject {
                draft = draft.detail("about", subject.clone());
            }
            let mut append = self.journal().begin().await?;
            append.record(draft).await?;
            let values = params![alert.id(), alert.kind, self.now()];
            append.transaction().execute(statements::RAISE_ALERT, values).await?;
            let (kind, subject) = (alert.kind.to_owned(), alert.subject.clone());
            self.post(append.transaction(), &Letter { kind, subject, by: Some(alert.by) }).await?;
            append.commit().await?;
        }
        for over in raised.difference(&now) {
            self.database().execute(statements::FORGET_ALERT, params![over]).await?;
        }
        Ok(())
    }

    /// Keeps until when a certificate holds that was issued here.
    pub(crate) async fn keep_expiry(transaction: &mut Transaction, issued: &Issued) -> Result<(), Error> {
        let values = params![issued.fingerprint().to_string(), issued.certificate().not_after()];
        transaction.execute(statements::INSERT_CERTIFICATE, values).await?;
        Ok(())
    }

    async fn calendar_facts(&self) -> Result<Facts, Error> {
        let lists = self.lists();
        let held = |fingerprint: &String| {
            lists.bindings.contains_key(fingerprint) || lists.connectors.contains_key(fingerprint)
        };
        let mut clients = Vec::new();
        for row in self.database().fetch_all(statements::CERTIFICATES, params![]).await? {
            let certificate =
                Certificate { fingerprint: row.get("fingerprint")?, not_after: row.get("not_after")? };
            // One that no reader and no connector has any more, or that was withdrawn, is nobody's concern.
            if held(&certificate.fingerprint) {
                clients.push(certificate);
            }
        }
        Ok(Facts {
            server: self.tls().expiry(),
            clients,
            backed_up: self.last_backup().await?.map(|backup| backup.made),
        })
    }
}

impl Alert {
    fn id(&self) -> String {
        format!("{}/{}", self.kind, self.subject.as_deref().unwrap_or_default())
    }
}

impl From<Due> for Alert {
    fn from(due: Due) -> Self {
        Self { kind: due.kind, subject: due.subject, by: due.by }
    }
}
