//! How often one holder is asked. The host lets a provider ask somebody thirty times an hour, four at once, whatever it is for: who that is spent on is decided here, so that
//! neither a stranger, nor a site, nor an application uses up what the holder's own browsers need.
//!
//! Who names somebody is told "too often" of the name that they said alone. What other names of the same holder were asked shows to nobody: then it is as if nobody answered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sceau_crypto::sha256;
use sceau_store::Clock;

use super::Whom;

const HOUR: u64 = 3_600_000;
/// Names, and holders, that strangers have counted at once.
const MOST: usize = 50_000;
/// What the host takes of a provider for one holder, and what of it browsers that remember them alone may use.
const OF_HOST: Most = Most { at_once: 4, of_hour: 30 };
const OF_OTHERS: Most = Most { at_once: 3, of_hour: 22 };

/// How many wait at once, and are asked within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Most {
    at_once: usize,
    of_hour: usize,
}

/// On whose behalf somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// A browser that nobody knows: it typed an alias.
    Stranger,
    /// A browser that this holder logged in with, and had remembered.
    Remembered,
    /// A site, without a browser.
    Site,
    /// An application that has the holder sign.
    Signature,
}

/// The same, and by whom: an address, a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asks {
    from: From,
    by: [u8; 32],
}

/// One that was asked.
#[derive(Debug, Clone)]
struct Asked {
    id: u64,
    asks: Asks,
    began: u64,
    /// Until when it waits.
    ends: u64,
    end: End,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    None,
    /// They who began it gave it up.
    GivenUp,
    Agreed,
    /// The holder said no, to whom nobody gave up before.
    Refused,
}

/// Counts of an hour.
#[derive(Debug)]
pub(crate) struct Bounds {
    counts: Mutex<Counts>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Counts {
    last: u64,
    /// By the names that strangers typed, and that sites gave.
    typed: Table,
    given: Table,
    /// By whose keyring it is.
    holders: Table,
}

#[derive(Debug, Default)]
struct Table(HashMap<[u8; 32], Vec<Asked>>);

/// Where one is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    id: u64,
    from: From,
    name: [u8; 32],
    holder: Option<[u8; 32]>,
}

/// A turn to ask somebody. Once it is dropped, it waits no more; it counts for its hour all the same.
#[derive(Debug)]
pub struct Turn {
    bounds: Arc<Bounds>,
    counted: Counted,
}

impl From {
    /// Of all together.
    fn most(self) -> Most {
        let (at_once, of_hour) = match self {
            Self::Stranger => (1, 8),
            Self::Remembered => (2, 14),
            Self::Site => (1, 7),
            Self::Signature => (2, 16),
        };
        Most { at_once, of_hour }
    }

    /// Of one address, of one client.
    fn most_of_one(self) -> Most {
        let of_hour = match self {
            Self::Stranger => 3,
            Self::Remembered => 14,
            Self::Site => 5,
            Self::Signature => 12,
        };
        Most { of_hour, ..self.most() }
    }
}

impl Asks {
    /// A browser that nobody knows, at this address.
    pub(crate) fn stranger(at: IpAddr) -> Self {
        Self { from: From::Stranger, by: sha256(at.to_string().as_bytes()) }
    }

    pub(crate) fn remembered() -> Self {
        Self { from: From::Remembered, by: [0; 32] }
    }

    pub(crate) fn site(client: &str) -> Self {
        Self { from: From::Site, by: sha256(client.as_bytes()) }
    }

    pub(crate) fn signature(client: &str) -> Self {
        Self { from: From::Signature, by: sha256(client.as_bytes()) }
    }

    /// What a name is counted by: of strangers wherever they are, of sites each for itself.
    fn name(self, hint: &str) -> [u8; 32] {
        match self.from {
            From::Site => sha256(&[self.by.as_slice(), hint.as_bytes()].concat()),
            _ => sha256(hint.as_bytes()),
        }
    }

    pub(crate) fn is_stranger(self) -> bool {
        self.from == From::Stranger
    }
}

impl Bounds {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { counts: Mutex::default(), clock }
    }

    /// A turn to ask for so many seconds, unless there were too many. A name that nobody has is counted as one that somebody has.
    pub(crate) fn turn(self: &Arc<Self>, whom: &Whom, asks: Asks, seconds: u64) -> Option<Turn> {
        let now = self.clock.now_ms();
        let name = asks.name(&whom.hint);
        let holder = whom.keyring.map(|keyring| sha256(keyring.as_bytes()));
        let mut counts = self.counts();
        let named = counts.named(asks.from).is_none_or(|names| names.takes(&name, asks, now));
        if !named {
            return None;
        }
        let holder = holder.filter(|holder| counts.holders.takes(holder, asks, now));
        let is_honest = matches!(asks.from, From::Remembered | From::Signature);
        if is_honest && holder.is_none() {
            return None;
        }
        counts.last += 1;
        let id = counts.last;
        let ends = now.saturating_add(seconds.saturating_mul(1000));
        let one = Asked { id, asks, began: now, ends, end: End::None };
        if let Some(names) = counts.named(asks.from) {
            names.put(name, one.clone());
        }
        if let Some(holder) = holder {
            counts.holders.put(holder, one);
        }
        let counted = Counted { id, from: asks.from, name, holder };
        Some(Turn { bounds: Arc::clone(self), counted })
    }

    /// They who began it gave it up: a no that follows says nothing against them. It still waits at the host.
    pub(crate) fn given_up(&self, counted: Counted) {
        self.counts().each(counted, |one| one.end = End::GivenUp);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether its holder is to be asked; else it is as if they did not answer.
    pub(crate) fn is_to_be_asked(&self) -> bool {
        self.counted.holder.is_some()
    }

    pub(crate) fn counted(&self) -> Counted {
        self.counted
    }

    /// The holder agreed: whoever asked was no stranger to them.
    pub(crate) fn agreed(self) {
        self.bounds.counts().each(self.counted, |one| one.end = End::Agreed);
    }

    /// The holder said no: whoever asked does not ask them again within the hour.
    pub(crate) fn refused(self) {
        self.bounds.counts().each(self.counted, |one| {
            if one.end == End::None {
                one.end = End::Refused;
            }
        });
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now = self.bounds.clock.now_ms();
        self.bounds.counts().each(self.counted, |one| one.ends = one.ends.min(now));
    }
}

impl Counts {
    /// Where names are counted that somebody says without having shown that they know whose they are.
    fn named(&mut self, from: From) -> Option<&mut Table> {
        match from {
            From::Stranger => Some(&mut self.typed),
            From::Site => Some(&mut self.given),
            From::Remembered | From::Signature => None,
        }
    }

    fn each(&mut self, counted: Counted, change: impl Fn(&mut Asked)) {
        let name = counted.name;
        let named = self.named(counted.from).and_then(|names| names.0.get_mut(&name));
        let mine = |all: &mut Vec<Asked>| {
            all.iter_mut().filter(|one| one.id == counted.id).for_each(&change);
        };
        named.into_iter().for_each(mine);
        counted.holder.and_then(|holder| self.holders.0.get_mut(&holder)).into_iter().for_each(mine);
    }
}

impl Table {
    /// Whether one more may be asked.
    fn takes(&mut self, whom: &[u8; 32], asks: Asks, now: u64) -> bool {
        if let Some(all) = self.0.get_mut(whom) {
            all.retain(|one| one.counts(now));
            return may(all, asks, now);
        }
        if self.0.len() >= MOST {
            self.make_room(now);
        }
        // Holders that exist, and clients, are so many and no more: strangers alone make up names.
        self.0.len() < MOST || !asks.is_stranger()
    }

    fn put(&mut self, whom: [u8; 32], one: Asked) {
        self.0.entry(whom).or_default().push(one);
    }

    /// Who is over goes, then who restricts least of those for whom nothing waits: whether anybody has such a name or not.
    fn make_room(&mut self, now: u64) {
        self.0.retain(|_, all| all.iter().any(|one| one.counts(now)));
        if self.0.len() < MOST {
            return;
        }
        let weight = |all: &Vec<Asked>| {
            let refused = all.iter().any(|one| one.end == End::Refused);
            all.iter().all(|one| one.ends <= now).then_some(all.len() + if refused { MOST } else { 0 })
        };
        let least = self.0.values().filter_map(weight).min();
        self.0.retain(|_, all| weight(all).is_none_or(|weight| Some(weight) != least));
    }
}

impl Asked {
    fn counts(&self, now: u64) -> bool {
        self.began.saturating_add(HOUR) > now
    }
}

fn may(all: &[Asked], asks: Asks, now: u64) -> bool {
    let below = |most: Most, which: &dyn Fn(&Asked) -> bool| {
        let those = || all.iter().filter(|one| which(one));
        those().count() < most.of_hour && those().filter(|one| one.ends > now).count() < most.at_once
    };
    let same = |one: &Asked| one.asks.from == asks.from;
    let own = |one: &Asked| same(one) && one.asks.by == asks.by;
    let remembered = |one: &Asked| one.asks.from == From::Remembered;
    let refused = asks.is_stranger() && all.iter().any(|one| own(one) && one.end == End::Refused);
    !refused
        && below(OF_HOST, &|_| true)
        && (asks.from == From::Remembered || below(OF_OTHERS, &|one| !remembered(one)))
        && below(asks.from.most(), &same)
        && below(asks.from.most_of_one(), &|one| own(one) && one.end != End::Agreed)
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
