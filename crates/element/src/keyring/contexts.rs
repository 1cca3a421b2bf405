//! Contexts of messages: begun by who is known, in order, each message once. Issuing an offer keeps nothing; what is kept ends after five minutes, and with the process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sceau_element_api::KeyringId;
use sceau_element_api::wire::{Code, Refusal};
use sceau_keyring::ContextId;

use super::context::{Context, Stage};
use super::shares::{Behalf, Shares, Taken};
use crate::decide::NONCE_LIFETIME;

/// What all contexts take together at most: how many are open, how many were begun in five minutes, and the bytes that are kept of answers and requests. One authority alone has half of each.
const MOST: Taken = Taken { open: 131_072, begun: 400_000, kept: 128 * 1024 * 1024 };
/// Those of one: the oldest goes first.
const MOST_OF_ONE: usize = 8;
/// How long the answer of what is over is kept, in milliseconds: terminals ask for a lost one for a minute.
const ANSWERED: u64 = 90_000;

/// Whose a context is, for the count: with a thousand keys of terminals nobody activates one keyring a thousand times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// A registered actor's, by its key.
    Actor([u8; 32]),
    /// A bound terminal's, by its key.
    Terminal([u8; 32]),
    /// Of those who activate this keyring, whatever their keys.
    Activation(KeyringId),
}

impl Whose {
    /// Contexts that it may begin in five minutes.
    fn most_begun(self) -> usize {
        match self {
            Self::Actor(_) => 2_000,
            Self::Terminal(_) => 512,
            Self::Activation(_) => 64,
        }
    }
}

/// The contexts of this process.
#[derive(Debug, Default)]
pub(crate) struct Contexts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// None where a message has taken it.
    open: HashMap<ContextId, Option<Box<Context>>>,
    of: HashMap<Whose, Own>,
    begun: HashSet<ContextId>,
    by_age: VecDeque<(u64, ContextId, Whose)>,
    /// Those that were answered for the last time, and when.
    over: VecDeque<(u64, ContextId)>,
    /// On whose behalf each is that was begun, and what those take together; bytes without those of contexts that messages have taken.
    behalf: HashMap<ContextId, Behalf>,
    shares: Shares,
}

/// The contexts of one.
#[derive(Debug, Default)]
struct Own {
    open: VecDeque<ContextId>,
    begun: usize,
}

/// What is known of a context.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing: its first message begins it.
    New,
    /// It goes on; it is taken until it is put back.
    Open(Box<Context>),
}

impl Contexts {
    /// Takes a context out, for one message.
    pub(super) fn take(&self, id: ContextId, uptime: u64) -> Result<Known, Refusal> {
        let mut inner = self.lock();
        inner.forget(uptime);
        if let Some(context) = inner.open.get_mut(&id) {
            let words = "a message of this exchange is being answered: send it again";
            let context = context.take().ok_or_else(|| Refusal::new(Code::Busy, words))?;
            inner.gives_back(id, Taken { kept: context.kept(), ..Taken::default() });
            return Ok(Known::Open(context));
        }
        if inner.begun.contains(&id) { Err(over()) } else { Ok(Known::New) }
    }

    /// Begins a context of somebody who is known, on behalf of an authority. It is taken until it is put back.
    pub(super) fn begin(&self, id: ContextId, of: Whose, behalf: Behalf, uptime: u64) -> Result<(), Refusal> {
        let mut inner = self.lock();
        inner.forget(uptime);
        if inner.begun.contains(&id) {
            return Err(over());
        }
        if !inner.shares.has_room(behalf, MOST) {
            return Err(Refusal::new(Code::Busy, "too many exchanges at once: try again in a minute"));
        }
        let own = inner.of.entry(of).or_default();
        if own.begun >= of.most_begun() {
            let words = "this keyring or actor began too many exchanges: try again in five minutes";
            return Err(Refusal::new(Code::Busy, words));
        }
        own.begun += 1;
        let oldest = if own.open.len() >= MOST_OF_ONE { own.open.pop_front() } else { None };
        own.open.push_back(id);
        if let Some(oldest) = oldest {
            inner.remove(&oldest);
        }
        inner.begun.insert(id);
        inner.behalf.insert(id, behalf);
        inner.shares.take(behalf, Taken { open: 1, begun: 1, kept: 0 });
        inner.by_age.push_back((uptime, id, of));
        inner.open.insert(id, None);
        Ok(())
    }

    /// Puts a context back; one that had to go meanwhile stays away.
    pub(super) fn put(&self, mut context: Box<Context>, uptime: u64) {
        let mut inner = self.lock();
        let (id, kept) = (context.channel.id(), context.kept());
        let Some(place) = inner.open.get_mut(&id) else { return };
        // Once: nobody lengthens it by asking again for its answer.
        let ends = matches!(context.stage, Stage::Over) && !context.ended;
        context.ended |= ends;
        *place = Some(context);
        if let Some(behalf) = inner.behalf.get(&id).copied() {
            inner.shares.take(behalf, Taken { kept, ..Taken::default() });
        }
        if ends {
            inner.over.push_back((uptime, id));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in it is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, id: &ContextId) {
        if let Some(context) = self.open.remove(id) {
            let kept = context.map_or(0, |context| context.kept());
            self.gives_back(*id, Taken { open: 1, begun: 0, kept });
        }
    }

    fn gives_back(&mut self, id: ContextId, taken: Taken) {
        if let Some(behalf) = self.behalf.get(&id).copied() {
            self.shares.give_back(behalf, taken);
        }
    }

    fn forget(&mut self, uptime: u64) {
        while let Some((_, id)) =
            self.over.pop_front_if(|(since, _)| uptime.saturating_sub(*since) >= ANSWERED)
        {
            self.remove(&id);
        }
        while let Some((_, id, of)) =
            self.by_age.pop_front_if(|(begun, ..)| uptime.saturating_sub(*begun) >= NONCE_LIFETIME)
        {
            self.begun.remove(&id);
            self.remove(&id);
            if let Some(behalf) = self.behalf.remove(&id) {
                self.shares.give_back(behalf, Taken { open: 0, begun: 1, kept: 0 });
            }
            if let Some(own) = self.of.get_mut(&of) {
                own.open.retain(|other| *other != id);
                own.begun = own.begun.saturating_sub(1);
                if own.begun == 0 {
                    self.of.remove(&of);
                }
            }
        }
    }
}

/// That a context is no more.
pub(super) fn over() -> Refusal {
    Refusal::new(Code::ContextUnknown, "this exchange is over, or was never begun: begin another one")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_crypto::Cek;
    use sceau_element_api::keyring::SealedAnswer;
    use sceau_element_api::{Nonce, TerminalId};
    use sceau_keyring::Channel;
    use sceau_trace::Hash;

    use super::super::context::{Activating, LONGEST_SHOWN, Last};
    use super::*;
    use crate::keyring::shares::behalf_of;

    fn context(number: u8) -> Box<Context> {
        let id = ContextId([number; 16]);
        Box::new(Context {
            channel: Channel::of(id, &Cek::random()),
            nonce: Nonce([number; 32]),
            signer: [7; 32],
            spki: Vec::new(),
            key: None,
            image: None,
            next: 2,
            last: None,
            stage: Stage::Actor,
            ended: false,
        })
    }

    #[test]
    fn a_context_is_begun_once_and_taken_by_one_message_at_a_time() {
        let (contexts, id) = (Contexts::default(), ContextId([1; 16]));
        assert!(matches!(contexts.take(id, 0).unwrap(), Known::New));
        contexts.begin(id, Whose::Actor([7; 32]), behalf_of(1, 1), 0).unwrap();
        assert_eq!(
            contexts.begin(id, Whose::Actor([7; 32]), behalf_of(1, 1), 0).unwrap_err().code,
            Code::ContextUnknown
        );
        assert_eq!(contexts.take(id, 0).unwrap_err().code, Code::Busy);
        contexts.put(context(1), 0);
        assert!(matches!(contexts.take(id, 0).unwrap(), Known::Open(_)));
        assert_eq!(contexts.take(id, 0).unwrap_err().code, Code::Busy);
    }

    #[test]
    fn the_oldest_of_one_signer_goes_first_and_its_nonce_stays_used() {
        let contexts = Contexts::default();
        for number in 0..9 {
            contexts.begin(ContextId([number; 16]), Whose::Actor([7; 32]), behalf_of(1, 1), 5).unwrap();
            contexts.put(context(number), 5);
        }
        assert_eq!(contexts.take(ContextId([0; 16]), 5).unwrap_err().code, Code::ContextUnknown);
        assert!(matches!(contexts.take(ContextId([8; 16]), 5).unwrap(), Known::Open(_)));
        let inner = contexts.lock();
        assert_eq!((inner.open.len(), inner.begun.len()), (8, 9));
    }

    #[test]
    fn one_keyring_or_terminal_that_begins_too_many_keeps_nobody_else_waiting() {
        let (contexts, keyring) = (Contexts::default(), KeyringId::random());
        for (of, most) in [(Whose::Activation(keyring), 64), (Whose::Terminal([7; 32]), 512)] {
            let id = |number: u16| {
                let mut id = [u8::from(most == 64); 16];
                id.iter_mut().zip(number.to_be_bytes()).for_each(|(at, byte)| *at = byte);
                ContextId(id)
            };
            for number in 0..most {
                contexts.begin(id(number), of, behalf_of(1, 1), 5).unwrap();
            }
            assert_eq!(contexts.lock().of.get(&of).unwrap().open.len(), MOST_OF_ONE);
            assert_eq!(contexts.begin(id(most), of, behalf_of(1, 1), 6).unwrap_err().code, Code::Busy);
        }
        contexts
            .begin(ContextId([254; 16]), Whose::Activation(KeyringId::random()), behalf_of(1, 1), 6)
            .unwrap();
        contexts
            .begin(ContextId([255; 16]), Whose::Activation(keyring), behalf_of(1, 1), 5 + NONCE_LIFETIME)
            .unwrap();
    }

    fn answered(number: u8, bytes: usize, stage: Stage) -> Box<Context> {
        let mut context = context(number);
        let answer = SealedAnswer { seq: 1, sealed: vec![0; bytes].into() };
        context.answered(Last { digest: Hash::new([0; 32]), answer }, stage);
        context
    }

    #[test]
    fn what_is_kept_of_answers_is_bounded_and_one_authority_leaves_room_to_others() {
        let contexts = Contexts::default();
        let begin = |number: u8, behalf| {
            contexts.begin(ContextId([number; 16]), Whose::Actor([number; 32]), behalf, 0)
        };
        let piece = MOST.kept / 8;
        for number in 0..4 {
            begin(number, behalf_of(1, 1)).unwrap();
            contexts.put(answered(number, piece, Stage::Actor), 0);
        }
        assert_eq!(begin(9, behalf_of(1, 1)).unwrap_err().code, Code::Busy, "it has half of all");
        // Another organisation's, and so another authority of the same, begin theirs.
        begin(10, behalf_of(2, 2)).unwrap();
        assert_eq!(begin(11, behalf_of(1, 3)).unwrap_err().code, Code::Busy, "its organisation has enough");
        // One that is taken, and put back without it, makes room; so does what is forgotten.
        drop(contexts.take(ContextId([0; 16]), 0).unwrap());
        begin(9, behalf_of(1, 1)).unwrap();
        assert_eq!(contexts.lock().shares.all().kept, piece * 3);
        drop(contexts.take(ContextId([200; 16]), NONCE_LIFETIME));
        assert_eq!(contexts.lock().shares.all(), Taken::default());
    }

    /// Two thousand delivered keyrings of a hostile authority, each with all the exchanges that it may have.
    #[test]
    fn an_authority_with_many_keyrings_keeps_no_other_waiting() {
        let contexts = Contexts::default();
        let (mut number, mut begun) = (0_u128, 0);
        let mut begin = |of, behalf| {
            number += 1;
            contexts.begin(ContextId(number.to_be_bytes()), of, behalf, 0)
        };
        'flood: for _ in 0..20_000 {
            let of = Whose::Activation(KeyringId::random());
            for _ in 0..MOST_OF_ONE {
                if begin(of, behalf_of(1, 1)).is_err() {
                    break 'flood;
                }
                begun += 1;
            }
        }
        assert_eq!(begun, MOST.open / 2, "it has half of all, and no more");
        for other in 2..10 {
            let of = Whose::Activation(KeyringId::random());
            begin(of, behalf_of(other, other)).unwrap();
            begin(Whose::Terminal([other; 32]), behalf_of(other, other)).unwrap();
        }
    }

    /// A batch of a hundred signatures of RSA is an answer of sixty kilobytes.
    #[test]
    fn answers_of_what_is_over_go_before_their_contexts_do() {
        let (contexts, id) = (Contexts::default(), ContextId([1; 16]));
        contexts.begin(id, Whose::Terminal([7; 32]), behalf_of(1, 1), 0).unwrap();
        contexts.put(answered(1, 60_000, Stage::Over), 5);
        // Asked for again, it is there, and lasts no longer for it.
        let Known::Open(again) = contexts.take(id, 60_000).unwrap() else { panic!("it is kept") };
        contexts.put(again, 60_000);
        assert_eq!(contexts.lock().shares.all().kept, 60_000);
        assert_eq!(contexts.take(id, 5 + ANSWERED).err().unwrap().code, Code::ContextUnknown);
        let all = contexts.lock().shares.all();
        assert_eq!((all.open, all.begun, all.kept), (0, 1, 0), "its nonce stays used");
    }

    #[test]
    fn what_was_only_shown_is_kept_where_it_is_short() {
        let stage = || {
            Stage::Activating(Box::new(Activating {
                keyring: KeyringId::random(),
                terminal: TerminalId::random(),
                key: [0; 16],
                algorithm: None,
                identity: Hash::new([0; 32]),
                policy: Hash::new([0; 32]),
            }))
        };
        assert_eq!(answered(1, LONGEST_SHOWN, stage()).kept(), LONGEST_SHOWN);
        assert_eq!(answered(1, LONGEST_SHOWN + 1, stage()).kept(), 0);
        assert_eq!(answered(1, LONGEST_SHOWN + 1, Stage::Over).kept(), LONGEST_SHOWN + 1);
    }

    #[test]
    fn memory_is_given_back() {
        let contexts = Contexts::default();
        for number in 0..200 {
            contexts.begin(ContextId([number; 16]), Whose::Actor([number; 32]), behalf_of(1, 1), 0).unwrap();
        }
        assert!(matches!(contexts.take(ContextId([9; 16]), NONCE_LIFETIME).unwrap(), Known::New));
        let inner = contexts.lock();
        assert!(inner.open.is_empty() && inner.of.is_empty() && inner.begun.is_empty());
        assert!(inner.behalf.is_empty() && inner.shares.all() == Taken::default());
    }
}
