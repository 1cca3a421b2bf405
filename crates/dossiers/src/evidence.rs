//! Evidence files on their way out: each reader gets the openings of what it may know, and no others.
//!
//! The element gives every opening; who is told which id is decided here, in one place. Everyone gets none of them.

use sceau_trace::{ActorKind, Evidence, FieldPath, Record};

use crate::Dossiers;
use crate::fault::Fault;

impl Dossiers {
    /// The evidence file of a log entry, for everyone: what the log withholds stays withheld.
    ///
    /// # Errors
    /// When there is no such entry.
    pub async fn evidence(&self, index: u64) -> Result<serde_json::Value, Fault> {
        self.evidence_to_keep(index, |_, _| false).await
    }

    /// The evidence file of a log entry for who keeps it: under a checkpoint that witnesses cosigned, where there is one.
    ///
    /// # Errors
    /// When there is no such entry.
    pub(crate) async fn evidence_to_keep(
        &self,
        index: u64,
        shows: impl Fn(&Record, FieldPath) -> bool,
    ) -> Result<serde_json::Value, Fault> {
        only(self.witnessed(self.rows.evidence(index).await?).await?, shows)
    }

    /// The evidence file of a log entry, with the openings of the fields that `shows` its reader.
    ///
    /// # Errors
    /// When there is no such entry.
    pub(crate) async fn evidence_showing(
        &self,
        index: u64,
        shows: impl Fn(&Record, FieldPath) -> bool,
    ) -> Result<serde_json::Value, Fault> {
        only(self.rows.evidence(index).await?, shows)
    }
}

/// An evidence file with the openings of the fields that `shows` its reader.
///
/// # Errors
/// When it is not what the element says.
pub(crate) fn only(
    evidence: Evidence,
    shows: impl Fn(&Record, FieldPath) -> bool,
) -> Result<serde_json::Value, Fault> {
    let unusable = |_| Fault::from(sceau_accounts::Code::ElementAnswer);
    let record = Record::parse(&evidence.record_bytes().map_err(unusable)?)
        .map_err(|_| Fault::from(sceau_accounts::Code::ElementAnswer))?;
    let openings = evidence.openings().clone().only(|path| shows(&record, path));
    let evidence = evidence.with_openings(openings).map_err(unusable)?;
    serde_json::to_value(evidence).map_err(|_| Fault::from(sceau_accounts::Code::ElementAnswer))
}

/// Whoever said it themselves: the depositor of the manifest, the key manager that signed the decision.
pub(crate) fn everything(_: &Record, _: FieldPath) -> bool {
    true
}

/// An organisation learns which dossier the manifest is of, not which account or passkey of the platform sent it.
pub(crate) fn not_the_depositor(record: &Record, path: FieldPath) -> bool {
    match path {
        FieldPath::Actor => false,
        FieldPath::Attested => true,
        FieldPath::Subject(at) => {
            record.subjects().get(usize::from(at)).is_some_and(|subject| subject.kind != "credential")
        }
    }
}

/// Who deposits sees in which quality an organisation's people acted, not which of them.
pub(crate) fn not_the_officer(record: &Record, path: FieldPath) -> bool {
    path != FieldPath::Actor || record.actor().kind == ActorKind::Citizen
}
