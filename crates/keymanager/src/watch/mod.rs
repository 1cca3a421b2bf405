//! Watching the platform's log: it may only grow, and what it says in our organisation's name must be what we said: each key stated, each
//! record delivered, each decision. A record or decision of ours that we do not know means that somebody signs in our name, or that this folder is an
//! old copy.
//!
//! Each checkpoint must extend the last one that was verified here, by the platform's own consistency proof; then every new record is read, and
//! the root computed over all of them must be the checkpoint's, so that no record can be kept from us. What was verified last is kept, and the log
//! can never go back behind it. What is wrong is recorded once, in our trace, and counted. Which manifests wait for an answer is kept from it:
//! [`KeyManager::destroy_key`] asks.

mod facts;
mod frontier;
mod survey;

use sceau_element_api::documents::{Decision, Document as _, KeyStatement, KeyUse, Outcome};
use sceau_element_api::{Base64Url, Kind};
use sceau_store::{Value, params};
use sceau_trace::{
    Action, Attested, Hash, Outcome as RecordOutcome, Record, SignedCheckpoint, VerifiedCheckpoint, leaf_hash,
};
use serde::Deserialize;

use self::facts::{Fact, What};
use self::frontier::Frontier;
pub use self::survey::Missing;
use crate::error::Error;
use crate::letters::Letter;
use crate::link::Link;
use crate::manager::{KeyManager, Watching};
use crate::schema::statements;

/// Records read in one call, and the most in one tick: the next tick goes on.
const PAGE: u64 = 256;
const PAGES_PER_TICK: usize = 64;
/// What this program keeps of a record. A later one that keeps more reads the log again from its beginning.
const READING: u64 = 2;

/// Kinds of alarms.
pub(crate) const FOREIGN_STATEMENT: &str = "foreign_statement";
const ORGANISATION_CHANGED: &str = "organisation_changed";
const FOREIGN_RECORD: &str = "foreign_record";
const FOREIGN_DECISION: &str = "foreign_decision";
const LOG_INCONSISTENT: &str = "log_inconsistent";
const RESTORED_ELSEWHERE: &str = "restored_elsewhere";

#[derive(Deserialize)]
struct Proof {
    proof: Vec<Hash>,
}

/// What one record shows.
#[derive(Default)]
struct Seen {
    facts: Vec<Fact>,
    foreign: Vec<Foreign>,
}

/// Something in our name that is not ours: the kind of alarm, and what tells two of one kind apart.
struct Foreign {
    kind: &'static str,
    what: String,
}

/// What was verified last.
struct Watched {
    checkpoint: Option<VerifiedCheckpoint>,
    frontier: Frontier,
}

impl KeyManager {
    /// Verifies the log's newest checkpoint against the last one, and reads what is new; whether it came to the end.
    pub(crate) async fn watch(&self, link: &Link, _alone: &Watching<'_>) -> Result<bool, Error> {
        self.read_to_the_end(link, None).await
    }

    /// The same; what is foreign is counted rather than an alarm, where a count is asked for.
    async fn read_to_the_end(&self, link: &Link, mut tally: Option<&mut Missing>) -> Result<bool, Error> {
        let mut watched = self.watched(link).await?;
        let newest = match self.next_checkpoint(link, watched.checkpoint.as_ref()).await {
            Err(Error::Log(why)) => {
                self.alarm(LOG_INCONSISTENT, LOG_INCONSISTENT, None).await?;
                return Err(Error::Log(why));
            }
            newest => newest?,
        };
        // The checkpoint counts from now on, whether or not its records can be read today.
        self.remember(&newest, &watched.frontier).await?;
        for _ in 0..PAGES_PER_TICK {
            if watched.frontier.size() >= newest.size() {
                break;
            }
            self.read_page(link, &mut watched.frontier, &newest, tally.as_deref_mut()).await?;
        }
        let to_its_end = watched.frontier.size() == newest.size();
        if to_its_end && watched.frontier.root() != newest.root() {
            self.alarm(LOG_INCONSISTENT, LOG_INCONSISTENT, None).await?;
            // Read everything again next time: what it served may have been damaged on the way.
            self.remember(&newest, &Frontier::default()).await?;
            return Err(Error::Log(
                "the records that it serves are not those that its checkpoint covers".to_owned(),
            ));
        }
        if to_its_end {
            let row = self.database().fetch_optional(statements::SOME_NOT_OURS, params![]).await?;
            self.standing().judge(row.is_some());
        }
        Ok(to_its_end)
    }

    /// The last checkpoint of the platform's log that was verified here, a signed note: what a witness remembers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn witnessed(&self) -> Result<Option<String>, Error> {
        let row = self.database().fetch_optional(statements::GET_WATCHED, params![]).await?;
        Ok(row.map(|row| row.get("checkpoint")).transpose()?)
    }

    /// The kinds of alarms that were raised.
    pub(crate) async fn alarm_kinds(&self) -> Result<Vec<String>, Error> {
        let rows = self.database().fetch_all(statements::ALARM_KINDS, params![]).await?;
        Ok(rows.iter().map(|row| row.get("kind")).collect::<Result<_, _>>()?)
    }

    /// How many alarms of a kind were raised.
    pub(crate) async fn alarms(&self, kind: &str) -> Result<u64, Error> {
        Ok(self.database().fetch_one(statements::COUNT_ALARMS, params![kind]).await?.get("n")?)
    }

    async fn watched(&self, link: &Link) -> Result<Watched, Error> {
        let Some(row) = self.database().fetch_optional(statements::GET_WATCHED, params![]).await? else {
            return Ok(Watched { checkpoint: None, frontier: Frontier::default() });
        };
        let tampered = || Error::Tampered("what was verified of the platform's log");
        // One that does not verify is of another platform, connected before: the log of this one is read from its beginning.
        let checkpoint =
            SignedCheckpoint::parse(&row.get::<String>("checkpoint")?)?.verify(&link.log_key).ok();
        let frontier = match row.get::<u64>("reading")? {
            READING if checkpoint.is_some() => {
                Frontier::parse(&row.get::<Vec<u8>>("frontier")?).ok_or_else(tampered)?
            }
            _ => Frontier::default(),
        };
        if frontier.size() == 0 {
            // What was read before may not have been this log's.
            self.database().execute(statements::FORGET_ENROLLED_ROOTS, params![]).await?;
            self.database().execute(statements::FORGET_LOGGED, params![]).await?;
            self.database().execute(statements::FORGET_DECISIONS_LOGGED, params![]).await?;
            self.database().execute(statements::FORGET_NOT_OURS, params![i64::MAX.unsigned_abs()]).await?;
        }
        Ok(Watched { checkpoint, frontier })
    }

    async fn next_checkpoint(
        &self,
        link: &Link,
        last: Option<&VerifiedCheckpoint>,
    ) -> Result<VerifiedCheckpoint, Error> {
        let inconsistent = |error: sceau_trace::CheckpointError| Error::Log(error.to_string());
        let server = link.machine.server();
        let note = server.get_bytes("/trace/checkpoint").await?;
        let note =
            std::str::from_utf8(&note).map_err(|_| Error::Log("its checkpoint is no text".to_owned()))?;
        let newest = SignedCheckpoint::parse(note)
            .and_then(|note| note.verify(&link.log_key))
            .map_err(inconsistent)?;
        let Some(last) = last else { return Ok(newest) };
        let (from, to) = (last.size(), newest.size());
        if to < from {
            return Err(Error::Log(format!("it has {to} records where it had {from}")));
        }
        let proof = if from == 0 || from == to {
            Vec::new()
        } else {
            server.get::<Proof>(&format!("/v1/trace/consistency?from={from}&to={to}")).await?.proof
        };
        newest.extends(last, &proof).map_err(inconsistent)?;
        Ok(newest)
    }

    async fn read_page(
        &self,
        link: &Link,
        frontier: &mut Frontier,
        newest: &VerifiedCheckpoint,
        mut tally: Option<&mut Missing>,
    ) -> Result<(), Error> {
        let start = frontier.size();
        let count = PAGE.min(newest.size() - start);
        let path = format!("/v1/trace/records?start={start}&count={count}");
        let entries: Vec<Base64Url> = link.machine.server().get(&path).await?;
        if entries.is_empty() || entries.len() as u64 > count {
            return Err(Error::Log("it does not serve the records that its checkpoint covers".to_owned()));
        }
        let mut facts = Vec::new();
        for (index, entry) in (start..).zip(&entries) {
            // A record of a later version is still a leaf; what it says is not for this program.
            if let Ok(record) = Record::parse(entry) {
                let Seen { facts: seen, foreign } = self.look_at(link, index, &record).await?;
                if let Some(tally) = tally.as_deref_mut() {
                    if seen.iter().any(|fact| fact.what == What::MadeAnew) {
                        tally.settle();
                    }
                    if !foreign.is_empty() {
                        tally.note_taken(&record);
                    }
                }
                facts.extend(seen);
                for Foreign { kind, what } in foreign {
                    match tally.as_deref_mut() {
                        Some(tally) => tally.note(kind, what, index),
                        None => self.alarm(kind, &what, Some(index)).await?,
                    }
                }
            }
            frontier.append(leaf_hash(entry));
        }
        let mut transaction = self.database().begin().await?;
        for fact in &facts {
            fact.keep(&mut transaction).await?;
        }
        transaction.execute(statements::PUT_WATCHED, &watched_row(newest, frontier)).await?;
        Ok(transaction.commit().await?)
    }

    /// What is to be kept of a record, and what it says in our name that is not ours.
    async fn look_at(&self, link: &Link, index: u64, record: &Record) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        if let Some(hash) = facts::signed_by_us(record, &link.organisation) {
            if self.journal().holds(&hash) {
                seen.facts.extend(facts::position(index, record));
                seen.facts.extend(facts::made_anew(index, record));
                return Ok(seen);
            }
            if self.ended_this_backup(record).await? {
                return Ok(seen);
            }
            // One kind, one alarm: of an old copy, every record since would be one.
            let elsewhere = *record.action() == Action::BACKUP_RESTORE;
            // A restoration that was asked for and came to nothing.
            if elsewhere && record.outcome() == RecordOutcome::Intent {
                return Ok(seen);
            }
            // That a start was compared: whoever lacks it lacks nothing.
            let of_watching = *record.action() == Action::LOG_WATCH;
            if of_watching && record.outcome() != RecordOutcome::Refused {
                return Ok(seen);
            }
            let kind = if elsewhere { RESTORED_ELSEWHERE } else { FOREIGN_RECORD };
            seen.foreign.push(Foreign { kind, what: kind.to_owned() });
            seen.facts.push(Fact { index, what: What::NotOurs });
        }
        let granted = record.outcome() == RecordOutcome::Granted;
        let Some(attested) = record.attested().filter(|_| granted) else { return Ok(seen) };
        seen.foreign.extend(self.look_at_keys(link, attested));
        if let Some(root) = facts::of_organisation(index, record, attested, &link.organisation) {
            seen.facts.push(root);
        } else if facts::is_about(record, &link.organisation) {
            if attested.kind == Kind::Decision.as_str() {
                self.look_at_decision(index, attested, &mut seen).await?;
            } else {
                seen.facts.extend(facts::of_manifest(index, record, attested));
            }
        }
        Ok(seen)
    }

    /// Whether it is how the backup ended that this key manager was made anew from: it was recorded after the backup was taken.
    async fn ended_this_backup(&self, record: &Record) -> Result<bool, Error> {
        let backup = record.detail().get("backup").filter(|_| *record.action() == Action::BACKUP_MAKE);
        let Some(backup) = backup else { return Ok(false) };
        Ok(self.database().fetch_optional(statements::KNOWN_BACKUP, params![backup]).await?.is_some())
    }

    /// Keys that are attested in our name.
    fn look_at_keys(&self, link: &Link, attested: &Attested) -> Option<Foreign> {
        let of_ours = |each| KeyStatement::row_of(link.organisation, each).as_str() == attested.id;
        let stated = attested.kind == Kind::KeyStatement.as_str();
        let foreign = stated
            && [KeyUse::Encrypt, KeyUse::Sign].into_iter().any(of_ours)
            && !self.keyring().stated(&attested.hash);
        foreign.then(|| Foreign { kind: FOREIGN_STATEMENT, what: attested.hash.to_string() })
    }

    /// Another root was enrolled for us than one that we made.
    pub(crate) async fn organisation_changed(&self, hash: &str, index: u64) -> Result<(), Error> {
        self.alarm(ORGANISATION_CHANGED, hash, Some(index)).await
    }

    /// A decision in our name is one that we signed; a final one ends its manifest. One that we do not know ends nothing.
    async fn look_at_decision(&self, index: u64, attested: &Attested, seen: &mut Seen) -> Result<(), Error> {
        let hash = attested.hash.to_string();
        let row = self.database().fetch_optional(statements::GET_DECISION, params![&hash]).await?;
        let Some(row) = row else {
            seen.foreign.push(Foreign { kind: FOREIGN_DECISION, what: hash });
            return Ok(());
        };
        seen.facts.push(Fact { index, what: What::Decided { decision: attested.hash } });
        let decision = Decision::parse(&row.get::<Vec<u8>>("payload")?)?.document;
        let ended = What::Ended { manifest: decision.manifest_hash };
        if decision.decision != Outcome::MoreInformation {
            seen.facts.push(Fact { index, what: ended });
        }
        Ok(())
    }

    /// Records it once; `what` tells two of one kind apart.
    async fn alarm(&self, kind: &'static str, what: &str, index: Option<u64>) -> Result<(), Error> {
        let id = format!("{kind}/{what}");
        if self.database().fetch_optional(statements::KNOWN_ALARM, params![&id]).await?.is_some() {
            return Ok(());
        }
        tracing::error!(kind, index, "alarm: the platform's log says what it must not");
        let draft = self.own_record(Action::LOG_WATCH).refused(kind);
        let draft = match kind {
            FOREIGN_STATEMENT => draft.subject("statement", what),
            FOREIGN_DECISION => draft.detail("decision", what),
            ORGANISATION_CHANGED => draft.detail("document", what),
            // The kind says all, or the entry does.
            _ => draft,
        };
        let draft = match index {
            Some(index) => draft.detail("log_index", index.to_string()),
            None => draft,
        };
        let mut append = self.journal().begin().await?;
        let position = append.record(draft).await?;
        let values = params![&id, kind, index, position, self.now()];
        append.transaction().execute(statements::INSERT_ALARM, values).await?;
        self.post(append.transaction(), &Letter { kind: kind.to_owned(), subject: None, by: None }).await?;
        append.commit().await
    }

    async fn remember(&self, checkpoint: &VerifiedCheckpoint, frontier: &Frontier) -> Result<(), Error> {
        self.database().execute(statements::PUT_WATCHED, &watched_row(checkpoint, frontier)).await?;
        Ok(())
    }
}

fn watched_row(checkpoint: &VerifiedCheckpoint, frontier: &Frontier) -> [Value; 3] {
    [checkpoint.note().to_string().into(), frontier.to_bytes().into(), READING.into()]
}
