//! The key manager's own trace: records that are on disk before anything is released, under checkpoints that its log key signs.
//!
//! Records, the checkpoint over them and the message that delivers them to the platform commit together. At start the tree is
//! rebuilt and must be what the checkpoint says; a trace that was edited stops the key manager.

mod tiles;

pub(crate) use tiles::Placed;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{KeyRef, Operations as _, Provider};
use sceau_store::{Clock, Database, Outbox, Row, Transaction, params};
use sceau_trace::{
    Asserted, Checkpoint, Hash, LogTree, Record, SignedCheckpoint, VerifiedCheckpoint, VerifierKey,
    leaf_hash, sha256,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::Error;
use crate::schema::statements;

/// The outbox topic of records on their way to the platform; the payload is the position.
pub(crate) const TOPIC: &str = "record";
/// Name of the detail that says which register a record sealed, and of the one with its hash.
pub(crate) const REGISTER: &str = "register";
pub(crate) const REGISTER_HASH: &str = "register_hash";
/// As it was spelt in traces of before.
const REGISTER_HASH_BEFORE: &str = "register-hash";

/// What a journal is made of.
pub(crate) struct Parts {
    pub(crate) database: Database,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Arc<dyn Provider>,
    pub(crate) key: KeyRef,
    pub(crate) log: VerifierKey,
}

/// The trace, open.
pub(crate) struct Journal {
    parts: Parts,
    writer: Mutex<Writer>,
    tree: RwLock<LogTree>,
    /// The first eight bytes of each record's SHA-256: whether a record that somebody shows is one of ours.
    known: RwLock<HashSet<[u8; 8]>>,
    committed: RwLock<Option<Arc<VerifiedCheckpoint>>>,
}

/// Held by whoever appends.
struct Writer {
    /// The tree in memory may be ahead of the disk: a commit failed or was abandoned.
    ahead: bool,
}

/// One append under way: records and whatever else must become durable with them.
pub(crate) struct Append<'a> {
    journal: &'a Journal,
    writer: MutexGuard<'a, Writer>,
    transaction: Transaction,
}

/// What reading the journal at start gives: the journal, and the last hash that it names of each register.
pub(crate) type Opened = (Journal, BTreeMap<String, Hash>);

impl Journal {
    /// Reads the trace from disk and checks it against its checkpoint.
    pub(crate) async fn open(parts: Parts) -> Result<Opened, Error> {
        let journal = Self {
            parts,
            writer: Mutex::new(Writer { ahead: false }),
            tree: RwLock::default(),
            known: RwLock::default(),
            committed: RwLock::default(),
        };
        let mut transaction = journal.parts.database.begin().await?;
        let registers = journal.reload(&mut transaction).await?;
        transaction.rollback().await?;
        Ok((journal, registers))
    }

    /// Appends one record; it is on disk when this returns its position.
    pub(crate) async fn append(&self, draft: RecordDraft) -> Result<u64, Error> {
        let mut append = self.begin().await?;
        let position = append.record(draft).await?;
        append.commit().await?;
        Ok(position)
    }

    /// Begins to append, alone.
    pub(crate) async fn begin(&self) -> Result<Append<'_>, Error> {
        let mut writer = self.writer.lock().await;
        // First: an append that was abandoned may still be committing, and is over when the database lets the next one write.
        let mut transaction = self.parts.database.begin().await?;
        if writer.ahead {
            self.reload(&mut transaction).await?;
            writer.ahead = false;
        }
        Ok(Append { journal: self, writer, transaction })
    }

    /// The exact bytes of a record that is on disk.
    pub(crate) async fn leaf(&self, position: u64) -> Result<Vec<u8>, Error> {
        let missing = || Error::Journal(format!("record {position} is missing"));
        self.leaves(position, 1).await?.pop().ok_or_else(missing)
    }

    /// The last checkpoint that is on disk; none while the trace is empty.
    pub(crate) fn checkpoint(&self) -> Option<Arc<VerifiedCheckpoint>> {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a record of this SHA-256 is in the trace. (64 bits of it: who would forge a match needs as many tries as for a
    /// preimage of that length.)
    pub(crate) fn holds(&self, hash: &Hash) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).contains(&short(hash))
    }

    /// How many records are on disk.
    pub(crate) fn size(&self) -> u64 {
        self.checkpoint().map_or(0, |checkpoint| checkpoint.size())
    }

    /// The key that its checkpoints verify under.
    pub(crate) fn log_key(&self) -> &VerifierKey {
        &self.parts.log
    }

    /// Rebuilds the tree from disk.
    async fn reload(&self, transaction: &mut Transaction) -> Result<BTreeMap<String, Hash>, Error> {
        let (mut tree, mut registers, mut known) = (LogTree::new(), BTreeMap::new(), HashSet::new());
        loop {
            let start = tree.size();
            let page =
                in_order(start, &transaction.fetch_all(statements::LEAVES, params![start, PAGE]).await?)?;
            for leaf in &page {
                note_register(leaf, &mut registers)?;
                tree.append(leaf_hash(leaf));
                known.insert(short(&sha256(leaf)));
            }
            if (page.len() as u64) < PAGE {
                break;
            }
        }
        let stored = transaction.fetch_optional(statements::GET_CHECKPOINT, params![]).await?;
        let checkpoint = match stored {
            None if tree.size() == 0 => None,
            None => return Err(Error::Journal("its checkpoint is missing".to_owned())),
            Some(row) => Some(Arc::new(self.check(&row.get::<String>("note")?, &tree)?)),
        };
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        *self.committed.write().unwrap_or_else(PoisonError::into_inner) = checkpoint;
        Ok(registers)
    }

    fn check(&self, note: &str, tree: &LogTree) -> Result<VerifiedCheckpoint, Error> {
        let altered = |error: sceau_trace::CheckpointError| Error::Journal(error.to_string());
        let checkpoint =
            SignedCheckpoint::parse(note).and_then(|note| note.verify(&self.parts.log)).map_err(altered)?;
        if checkpoint.size() != tree.size() || checkpoint.root() != tree.root() {
            return Err(Error::Journal("its records are not those that the checkpoint covers".to_owned()));
        }
        Ok(checkpoint)
    }

    /// The exact bytes of at most `count` records from `start`, in order and without a gap.
    async fn leaves(&self, start: u64, count: u64) -> Result<Vec<Vec<u8>>, Error> {
        in_order(start, &self.parts.database.fetch_all(statements::LEAVES, params![start, count]).await?)
    }
}

impl Append<'_> {
    /// Stamps a record and adds it; returns its position. It is durable after [`Self::commit`] only.
    pub(crate) async fn record(&mut self, draft: RecordDraft) -> Result<u64, Error> {
        let parts = &self.journal.parts;
        let position = self.journal.tree.read().unwrap_or_else(PoisonError::into_inner).size();
        // Its place makes it unlike any other: two readings in one millisecond are two records at the platform as well.
        let draft = draft.detail("position", position.to_string());
        let leaf = draft.into_record(parts.clock.now_ms(), Asserted::Organisation)?.to_bytes();
        self.writer.ahead = true;
        self.journal.tree.write().unwrap_or_else(PoisonError::into_inner).append(leaf_hash(&leaf));
        self.journal.known.write().unwrap_or_else(PoisonError::into_inner).insert(short(&sha256(&leaf)));
        self.transaction.execute(statements::INSERT_RECORD, params![position, leaf]).await?;
        parts.outbox.enqueue(&mut self.transaction, TOPIC, &position).await?;
        Ok(position)
    }

    /// What else must become durable with the records.
    pub(crate) fn transaction(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    /// Signs the new checkpoint and makes everything durable.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        let journal = self.journal;
        let checkpoint = {
            let tree = journal.tree.read().unwrap_or_else(PoisonError::into_inner);
            Checkpoint::new(journal.parts.log.name(), tree.size(), tree.root())?
        };
        let Parts { keys, key, log, .. } = &journal.parts;
        let checkpoint = checkpoint.sign(log, |text| keys.sign(key, text).map_err(Error::from))?;
        let note = checkpoint.note().to_string();
        self.transaction.execute(statements::PUT_CHECKPOINT, params![note]).await?;
        self.transaction.commit().await?;
        *journal.committed.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(checkpoint));
        self.writer.ahead = false;
        Ok(())
    }
}

/// Records read at a time.
const PAGE: u64 = 1000;

/// The bytes of records that stand one after another from `start`.
fn in_order(start: u64, rows: &[Row]) -> Result<Vec<Vec<u8>>, Error> {
    let mut leaves = Vec::with_capacity(rows.len());
    for (expected, row) in (start..).zip(rows) {
        if row.get::<u64>("position")? != expected {
            return Err(Error::Journal(format!("record {expected} is missing")));
        }
        leaves.push(row.get("leaf")?);
    }
    Ok(leaves)
}

fn short(hash: &Hash) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    [a, b, c, d, e, f, g, h]
}

fn note_register(leaf: &[u8], registers: &mut BTreeMap<String, Hash>) -> Result<(), Error> {
    let record = Record::parse(leaf).map_err(|error| Error::Journal(error.to_string()))?;
    let detail = record.detail();
    let hash = detail.get(REGISTER_HASH).or_else(|| detail.get(REGISTER_HASH_BEFORE));
    if let (Some(name), Some(hash)) = (detail.get(REGISTER), hash)
        && let Some(hash) = Hash::from_hex(hash)
    {
        registers.insert(name.clone(), hash);
    }
    Ok(())
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({}, {} records)", self.parts.log.name(), self.size())
    }
}

#[cfg(test)]
mod tests;
