//! Checkpoints of other elements' logs: what extends the last one that was seen is recorded; so is one that shows a fork, with its log's
//! signature, as refused. A false proof or an older checkpoint shows nothing of the log: whoever brings it could have made it, or be late.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_element_api::wire::{Code, Refusal};
use sceau_trace::{
    Action, AddCheckpoint, Asserted, Checkpoint, Record, RecordBuilder, SignedCheckpoint, VerifiedCheckpoint,
    WitnessRefusal, admit,
};

use super::meter::Ruling;
use super::{Core, Outcome, Step};
use crate::event::{Change, Event};
use crate::rules;

/// Letters of a detail.
const LONGEST: usize = 256;
/// Details of one record, beside those that say which checkpoint it is.
const MOST: usize = 28;

impl Core {
    /// Judges a checkpoint as a witness does. One that was seen before is where it was recorded.
    pub(super) fn see(&mut self, request: AddCheckpoint) -> Step {
        let (shown, note) = (request.checkpoint.unverified().clone(), request.checkpoint.clone());
        let latest = self.state.seen(shown.origin()).map(|(latest, index)| (latest.clone(), index));
        match admit(&self.peers, latest.as_ref().map(|(latest, _)| latest), request) {
            Ok(seen) => {
                let again = latest.filter(|(latest, _)| latest.size() == seen.size());
                if let Some((_, index)) = again {
                    return Step { outcome: Outcome::Appended { index }, events: Vec::new() };
                }
                let record = noted(self.of_log(&shown), self.signed_alone(&note));
                match record.granted().build() {
                    Ok(record) => {
                        self.accept(Event::new(&record, Change::Seen { note: seen.note().to_string() }))
                    }
                    Err(error) => refused(Code::RecordMalformed, error.to_string()),
                }
            }
            Err(refusal) => self.refuse_peer(&note, refusal),
        }
    }

    /// Another root at a size that was seen convicts a log, whoever brings it: that is on record. What anybody could bring of an honest log is not.
    fn refuse_peer(&mut self, shown: &SignedCheckpoint, refusal: WitnessRefusal) -> Step {
        let code = match refusal {
            WitnessRefusal::UnknownLog => Code::NotFound,
            WitnessRefusal::Conflict { .. } | WitnessRefusal::Backwards => Code::StaleVersion,
            WitnessRefusal::Malformed | WitnessRefusal::BadProof => Code::Malformed,
            _ => Code::ProofInvalid,
        };
        let mut step = refused(code, refusal.to_string());
        let forked = matches!(refusal, WitnessRefusal::Forked { .. });
        if forked && self.meter.ruling(self.time) == Ruling::Record {
            let record = noted(self.of_log(shown.unverified()), self.signed_alone(shown));
            let record = record.refused(refusal.code()).build();
            step.events = record.ok().and_then(|record| self.keep(record)).into_iter().collect();
        }
        step
    }

    /// It, without the signatures of others.
    fn signed_alone(&self, shown: &SignedCheckpoint) -> Option<VerifiedCheckpoint> {
        self.peers.iter().find_map(|key| shown.clone().verify(key).ok()?.alone(key).ok())
    }

    fn of_log(&self, seen: &Checkpoint) -> RecordBuilder {
        Record::builder(self.time, rules::element(), Asserted::Element, Action::LOG_SEEN)
            .detail("origin", seen.origin())
            .detail("size", seen.size().to_string())
            .detail("root", seen.root().to_string())
    }
}

/// Keeps the note, in base64 and in parts as long as a detail may be: two that contradict each other convict their log without this element's word.
/// One that is longer than a record is not kept.
fn noted(record: RecordBuilder, note: Option<VerifiedCheckpoint>) -> RecordBuilder {
    let text = note.map(|note| STANDARD.encode(note.note().to_string())).unwrap_or_default();
    if text.len() > MOST * LONGEST {
        return record;
    }
    let parts = text.as_bytes().chunks(LONGEST).map(|part| String::from_utf8_lossy(part).into_owned());
    (1_u32..).zip(parts).fold(record, |it, (at, part)| it.detail(format!("note_{at}"), part))
}

fn refused(code: Code, words: String) -> Step {
    Step { outcome: Outcome::Refused(Refusal::new(code, words)), events: Vec::new() }
}
