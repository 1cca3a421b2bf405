//! Batches of calls on their way to the writer and back: each datum is judged as by a call of its own, one after the other.

use sceau_element_api::Kind;
use sceau_element_api::protect::{AskedOfData, KeptRow};
use sceau_element_api::wire::{AttestedRow, Code, Refusal, Response, RowKey};
use sceau_hsm::Together;
use sceau_trace::Action;

use super::{Service, refused};
use crate::decide::Command;
use crate::protect::{Caller, DatumKeys, InCommon, PreparedCall, ProvenCall, agreed};

/// Octets of one answer to a batch: a frame is 1 MiB.
const ROOM: usize = 1000 * 1024;
/// What the names and numbers of one datum's answer, or its refusal, take of it at most.
const EACH: usize = 600;
/// For how long one batch has the keys, in milliseconds: whoever brings it waits, and others do.
const AT_WORK: u64 = 15 * 1000;

/// What one batch is judged with.
struct Judging<'a> {
    keys: &'a DatumKeys,
    common: InCommon,
    now: u64,
    /// Uptime from which on nothing more is judged.
    until: u64,
    /// Octets that are left of the answer.
    room: usize,
    /// Why the rest is not judged.
    ended: Option<Refusal>,
    restored: Vec<(usize, AttestedRow, KeptRow)>,
}

/// A batch that is judged: a call for each of its data, and rows that the database had not.
type Judged = (Vec<PreparedCall>, Vec<(usize, AttestedRow, KeptRow)>);

impl Service {
    /// Has a batch judged and recorded. It has turns of its own, which no other call waits for, nor the connection that brings it; so many may wait, and more are
    /// refused before anything of them is looked at.
    pub(super) fn take_many(&self, asked: Box<AskedOfData>, answer: impl FnOnce(Response) + Send + 'static) {
        let Some(place) = self.place_of_many() else {
            let words = "as many batches wait as may: ask again later, with the same one";
            return answer(Response::Refused(Refusal::new(Code::Busy, words)));
        };
        let answer = move |response| {
            drop(place);
            answer(response);
        };
        let service = self.clone();
        let work = move |service: &Self| service.protect_many(&asked, answer);
        tokio::spawn(async move { service.working_on_many(work).await });
    }

    /// On a thread that may wait.
    fn protect_many(&self, asked: &AskedOfData, answer: impl FnOnce(Response) + Send + 'static) {
        let (calls, restored) = match self.judge_many(asked) {
            Ok(judged) => judged,
            Err(refusal) => {
                let command = Command::Refuse { action: Action::DATUM_CALL, row: None, refusal };
                return self.order_blocking(command, answer);
            }
        };
        self.order_blocking(Command::Batch(calls), move |mut told| {
            if let Response::CalledMany(called) = &mut told {
                called.restored = restored;
            }
            answer(told);
        });
    }

    fn judge_many(&self, asked: &AskedOfData) -> Result<Judged, Refusal> {
        let keys = self.data_keys()?;
        let now = self.clock.now();
        let find = |id| self.view.with_state(|state| Caller::find(state, id));
        let calls = ProvenCall::prove_many(asked, self.view.key().name(), now.unix, find)?;
        let none = || Refusal::new(Code::SessionKeyInvalid, "a batch names the session of its data keys");
        let first = calls.first().and_then(|call| Some((call.profile, call.claims.op.session()?)));
        let (profile, session) = first.ok_or_else(none)?;
        let session = Some(agreed(session, profile.sessions())?);
        let common = InCommon { session, together: Together::default() };
        // What each takes at least is kept for it: the last one is told why, too.
        let room = ROOM.saturating_sub(calls.len() * EACH);
        let (until, ended, restored) = (now.uptime.saturating_add(AT_WORK), None, Vec::new());
        let mut judging = Judging { keys, common, now: now.unix, until, room, ended, restored };
        let judge = |(at, call)| {
            let brought = asked.rows.get(at).and_then(Option::as_ref);
            self.judge_one((at, call), brought, &mut judging).settled()
        };
        let calls = calls.into_iter().enumerate().map(judge).collect();
        Ok((calls, judging.restored))
    }

    fn judge_one(
        &self,
        (at, call): (usize, ProvenCall),
        brought: Option<&KeptRow>,
        judging: &mut Judging<'_>,
    ) -> PreparedCall {
        if self.clock.now().uptime >= judging.until && judging.ended.is_none() {
            let words = "the keystore is slow, and this was not come to: ask again, for fewer at once";
            judging.ended = Some(Refusal::new(Code::Unavailable, words));
        }
        if let Some(refusal) = &judging.ended {
            return PreparedCall::refused(call, refusal.clone());
        }
        let Judging { keys, common, now, .. } = judging;
        let row = call.claims.op.datum().map(|id| RowKey { kind: Kind::Datum, id: id.into() });
        let current = row.as_ref().and_then(|row| self.view.with_state(|state| state.row(row)));
        let with = (*keys, &*common);
        let mut prepared = self.using_keys(|| PreparedCall::judged(call, (brought, current), with, *now));
        let altered = matches!(&prepared.verdict, Err(refusal) if refusal.code == Code::RowAltered);
        if let (true, Some(row)) = (altered, &row) {
            let kept = match self.view.kept(row).map_err(refused) {
                Ok(kept) => kept,
                Err(refusal) => return PreparedCall::refused(prepared.call, refusal),
            };
            let (current, kept) = kept.unzip();
            let call = prepared.call;
            prepared = self.using_keys(|| PreparedCall::judged(call, (kept.as_ref(), current), with, *now));
            if let Some((current, kept)) = current.zip(kept) {
                judging.restore(at, current, kept);
            }
        }
        judging.answered(prepared)
    }
}

impl Judging<'_> {
    /// Gives the database's keeper the current row, where there is room.
    fn restore(&mut self, at: usize, row: AttestedRow, kept: KeptRow) {
        let length = EACH + in_base64(kept.payload.len() + kept.salt.len());
        // Answers come first: half of the room is theirs alone.
        if let Some(left) = self.room.checked_sub(length).filter(|left| *left >= ROOM / 2) {
            self.room = left;
            self.restored.push((at, row, kept));
        }
    }

    /// Takes the answer's room, and refuses one that does not fit: it is to be known before anything is durable. Keys that are away are asked for no other.
    fn answered(&mut self, prepared: PreparedCall) -> PreparedCall {
        let length = match &prepared.verdict {
            Ok(granted) => {
                let row = granted.row.as_ref().map_or(0, |row| row.payload.len() + row.salt.len());
                let wrapped = granted.wrapped_key.as_ref().map_or(0, Vec::len);
                in_base64(row + wrapped) + granted.data_key.as_ref().map_or(0, String::len)
            }
            Err(refusal) => {
                if refusal.code == Code::Unavailable {
                    self.ended = Some(refusal.clone());
                }
                0
            }
        };
        match self.room.checked_sub(length) {
            Some(left) => {
                self.room = left;
                prepared
            }
            None => {
                let words = "what is said of all these data is longer than one answer: ask for this one in another batch";
                PreparedCall::refused(prepared.call, Refusal::new(Code::TooLarge, words))
            }
        }
    }
}

/// How many characters of base64url so many octets take, at most.
const fn in_base64(octets: usize) -> usize {
    octets / 3 * 4 + 8
}
