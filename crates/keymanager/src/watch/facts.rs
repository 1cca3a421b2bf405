//! What is kept of the platform's log: which manifests are sealed to which key of ours, what ended them, which of our records it holds.

use sceau_element_api::{Kind, OrganisationId};
use sceau_store::{Transaction, params};
use sceau_trace::{Action, Asserted, Attested, Hash, Outcome, Record};

use crate::error::Error;
use crate::schema::statements;

/// Something that a record at `index` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) index: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A manifest was attested.
    Sealed { manifest: Hash, key: String },
    /// A manifest was replaced or finally decided.
    Ended { manifest: Hash },
    /// A decision that we signed was attested.
    Decided { decision: Hash },
    /// The organisation was enrolled anew, with this root.
    Root { root: String, hash: Hash },
    /// A record of our own trace was taken in.
    Logged { position: u64 },
    /// A record was taken in that we signed, and that our trace lacks.
    NotOurs,
    /// This key manager was made anew here, and compared: what it lacked of before is known and given up.
    MadeAnew,
}

impl Fact {
    pub(super) async fn keep(&self, transaction: &mut Transaction) -> Result<(), Error> {
        let index = self.index;
        match &self.what {
            What::Sealed { manifest, key } => {
                let values = params![manifest.to_string(), key, index];
                transaction.execute(statements::PUT_MANIFEST, values).await?
            }
            What::Ended { manifest } => {
                transaction.execute(statements::END_MANIFEST, params![manifest.to_string(), index]).await?
            }
            What::Decided { decision } => {
                transaction.execute(statements::DECISION_LOGGED, params![decision.to_string(), index]).await?
            }
            What::Root { root, hash } => {
                let values = params![index, root, hash.to_string()];
                transaction.execute(statements::PUT_ENROLLED_ROOT, values).await?
            }
            What::Logged { position } => {
                transaction.execute(statements::RECORD_LOGGED, params![*position, index]).await?
            }
            What::NotOurs => transaction.execute(statements::NOT_OURS, params![index]).await?,
            What::MadeAnew => transaction.execute(statements::FORGET_NOT_OURS, params![index]).await?,
        };
        Ok(())
    }
}

/// A manifest for us: it is sealed to a key, and the one before it is ended. The other order would end one that is attested twice.
pub(super) fn of_manifest(index: u64, record: &Record, attested: &Attested) -> Vec<Fact> {
    if attested.kind != Kind::Manifest.as_str() {
        return Vec::new();
    }
    let ended = attested.previous.map(|manifest| What::Ended { manifest });
    let key = record.detail().get("key").cloned().unwrap_or_default();
    let sealed = What::Sealed { manifest: attested.hash, key };
    ended.into_iter().chain([sealed]).map(|what| Fact { index, what }).collect()
}

/// The organisation, enrolled anew: the row's id is clear in the log, and the rule of the element puts the root beside it.
pub(super) fn of_organisation(
    index: u64,
    record: &Record,
    attested: &Attested,
    organisation: &OrganisationId,
) -> Option<Fact> {
    let anew = attested.kind == Kind::Organisation.as_str() && attested.version > 1;
    let root = record.detail().get("root").cloned().unwrap_or_default();
    let what = What::Root { root, hash: attested.hash };
    (anew && attested.id == organisation.to_string()).then_some(Fact { index, what })
}

/// The hash of what a key manager of ours signed, where the record is one that the element took in from it.
pub(super) fn signed_by_us(record: &Record, organisation: &OrganisationId) -> Option<Hash> {
    let in_our_name = record.asserted() == Asserted::Organisation && is_about(record, organisation);
    record.detail().get("signed_hash").filter(|_| in_our_name).and_then(|hash| Hash::from_hex(hash))
}

/// Where it stands in our own trace, as the record itself says.
pub(super) fn position(index: u64, record: &Record) -> Option<Fact> {
    let position = record.detail().get("position")?.parse().ok()?;
    Some(Fact { index, what: What::Logged { position } })
}

/// That this key manager was made anew, by its own word.
pub(super) fn made_anew(index: u64, record: &Record) -> Option<Fact> {
    let compared = record.detail().get("compared").is_some_and(|compared| compared == "yes");
    let restored = *record.action() == Action::BACKUP_RESTORE && record.outcome() == Outcome::Granted;
    (restored && compared).then_some(Fact { index, what: What::MadeAnew })
}

/// Whether the log says that the record is about this organisation.
pub(super) fn is_about(record: &Record, organisation: &OrganisationId) -> bool {
    record.organisation() == Some(organisation.to_string().as_str())
}
