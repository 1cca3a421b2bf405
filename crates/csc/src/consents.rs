//! What holders were asked and agreed to, from the handle over the activation data (SAD) to the last signature that is given out.
//!
//! A holder's agreement makes all signatures of a request in the element, over exactly the hashes that were shown. They wait here, and activation data is what fetches them: of one
//! application, one credential, and each hash once. Nothing here can make a signature of anything else.

use sceau_element_api::{KeyringId, KeyringRequestId};

use crate::CscError;
use crate::kept::{Full, Kept, Name, drawn, name};
use crate::tokens::Turn;

/// Transactions under way, of all applications and of one.
const MOST: usize = 20_000;
const OF_ONE: usize = 1_000;
/// How long signatures wait for their application after the holder's time, in ms.
const AFTERWARDS: u64 = 600_000;
/// How long activation data is good, in ms.
const ACTIVATION: u64 = 300_000;
/// How often the host is asked for one transaction at most, in ms.
const PAUSE: u64 = 300;

/// Transactions under way.
#[derive(Debug)]
pub(crate) struct Consents {
    handles: Kept<Consent>,
    /// Activation data, of which transaction.
    activations: Kept<Activation>,
}

#[derive(Debug)]
struct Consent {
    keyring: KeyringId,
    /// What the holder was asked; none as long as it is on its way to them.
    left: Option<Left>,
    ends: u64,
    asked: u64,
    items: Vec<Item>,
    agreed: bool,
    /// What fetches them now; what did before fetches nothing more.
    activation: Option<Name>,
}

#[derive(Debug)]
struct Item {
    hash: [u8; 32],
    /// Until it is given out.
    signature: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct Activation {
    handle: Name,
    ends: u64,
}

/// What is known of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The host is to be asked about this request, which is good until then.
    Ask(KeyringRequestId, u64),
    /// It was asked a moment ago: nothing yet.
    Soon,
    /// The holder agreed.
    Agreed,
}

/// Activation data, and for how many seconds it is good.
#[derive(Debug)]
pub(crate) struct Sad {
    pub(crate) text: String,
    pub(crate) seconds: u64,
}

/// A transaction begins.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) keyring: KeyringId,
    pub(crate) hashes: Vec<[u8; 32]>,
    pub(crate) ends: u64,
}

/// A request that was left for a holder.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) request: KeyringRequestId,
    /// Until when it is good.
    pub(crate) ends: u64,
    /// The holder's turn, until they answered: it is over where this is dropped.
    pub(crate) _turn: Turn,
}

/// Which activation data is used, by whom, over which credential.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used<'a> {
    pub(crate) sad: &'a str,
    pub(crate) client: &'a str,
    pub(crate) keyring: KeyringId,
}

impl Default for Consents {
    fn default() -> Self {
        Self { handles: Kept::new(MOST, OF_ONE), activations: Kept::new(MOST, OF_ONE) }
    }
}

impl Consents {
    /// A place for what a holder is going to be asked: the handle that its application asks by.
    pub(crate) fn begin(&self, client: &str, begun: Begun, now: u64) -> Result<String, Full> {
        let (handle, at) = drawn();
        let items = begun.hashes.into_iter().map(|hash| Item { hash, signature: None }).collect();
        let (keyring, ends) = (begun.keyring, begun.ends);
        let consent = Consent { keyring, left: None, ends, asked: 0, items, agreed: false, activation: None };
        self.handles.put(at, client, consent, ends + AFTERWARDS, now)?;
        Ok(handle)
    }

    /// They are asked.
    pub(crate) fn left(&self, handle: &str, client: &str, left: Left, now: u64) {
        self.handles.with(&name(handle), client, now, |consent| consent.left = Some(left));
    }

    /// Where a transaction stands; none where the handle is not this application's, or of another holder than its token.
    pub(crate) fn look(&self, handle: &str, client: &str, keyring: KeyringId, now: u64) -> Option<Seen> {
        let look = |consent: &mut Consent| {
            if consent.keyring != keyring {
                return None;
            }
            if consent.agreed {
                return Some(Seen::Agreed);
            }
            let Some(left) = consent.left.as_ref().filter(|_| now >= consent.asked + PAUSE) else {
                return Some(Seen::Soon);
            };
            consent.asked = now;
            Some(Seen::Ask(left.request, left.ends))
        };
        self.handles.with(&name(handle), client, now, look).flatten()
    }

    /// The holder agreed: one signature for each hash, in their order.
    pub(crate) fn agreed(&self, handle: &str, client: &str, signatures: Vec<Vec<u8>>, now: u64) -> bool {
        let kept = self.handles.with(&name(handle), client, now, |consent| {
            if consent.agreed {
                return true;
            }
            if signatures.len() != consent.items.len() {
                return false;
            }
            for (item, signature) in consent.items.iter_mut().zip(signatures) {
                item.signature = Some(signature);
            }
            consent.agreed = true;
            // They answered: it is the next one's turn.
            consent.left = None;
            true
        });
        kept == Some(true)
    }

    /// The holder did not agree.
    pub(crate) fn ended(&self, handle: &str, client: &str, now: u64) {
        self.handles.take(&name(handle), client, now);
    }

    /// Activation data for a transaction that was agreed to; what was given out for it before is over.
    pub(crate) fn activation(&self, handle: &str, client: &str, now: u64) -> Option<Sad> {
        self.activate(name(handle), client, now)
    }

    fn activate(&self, handle: Name, client: &str, now: u64) -> Option<Sad> {
        let (text, at) = drawn();
        self.handles.with(&handle, client, now, |consent| {
            let until = consent.agreed.then(|| consent.ends + AFTERWARDS)?;
            let ends = until.min(now + ACTIVATION);
            let activation = Activation { handle, ends };
            // In the place of the one before, which is good as long as there is no other.
            let kept = self.activations.replace(consent.activation, at, client, activation, until, now);
            kept.ok()?;
            consent.activation = Some(at);
            Some(Sad { text, seconds: ends.saturating_sub(now) / 1000 })
        })?
    }

    /// The signatures of these hashes, in the order that is asked for. All of them, or none; each once.
    pub(crate) fn release(
        &self,
        used: Used<'_>,
        hashes: &[[u8; 32]],
        now: u64,
    ) -> Result<Vec<Vec<u8>>, CscError> {
        self.fetched(used, now, |items| {
            let places = places(items, hashes)?;
            let mut taken = Vec::with_capacity(places.len());
            for at in places {
                taken.extend(items.get_mut(at).and_then(|item| item.signature.take()));
            }
            Ok(taken)
        })
    }

    /// Other activation data for what is left of a transaction, before this one ends: for hashes that its holder agreed to and that were not given out yet, and for no others, of
    /// which nobody was asked.
    pub(crate) fn extend(&self, used: Used<'_>, hashes: &[[u8; 32]], now: u64) -> Result<Sad, CscError> {
        self.fetched(used, now, |items| places(items, hashes).map(drop))?;
        let handle = self.activations.with(&name(used.sad), used.client, now, |activation| activation.handle);
        let sad = handle.and_then(|handle| self.activate(handle, used.client, now));
        sad.ok_or_else(|| CscError::parameter("SAD"))
    }

    fn fetched<T>(
        &self,
        used: Used<'_>,
        now: u64,
        fetch: impl FnOnce(&mut Vec<Item>) -> Result<T, CscError>,
    ) -> Result<T, CscError> {
        let at = name(used.sad);
        let unknown = || CscError::parameter("SAD");
        let activation = self.activations.with(&at, used.client, now, |activation| *activation);
        let Activation { handle, ends } = activation.ok_or_else(unknown)?;
        if now >= ends {
            return Err(CscError::invalid("SAD expired"));
        }
        let fetched = self.handles.with(&handle, used.client, now, |consent| {
            let current = consent.activation == Some(at) && consent.keyring == used.keyring;
            if current { fetch(&mut consent.items) } else { Err(unknown()) }
        });
        fetched.unwrap_or_else(|| Err(unknown()))
    }
}

/// Where the hashes are that were not given out yet; the same hash twice is two places.
fn places(items: &[Item], hashes: &[[u8; 32]]) -> Result<Vec<usize>, CscError> {
    let mut found: Vec<usize> = Vec::with_capacity(hashes.len());
    for hash in hashes {
        let fits = |(at, item): &(usize, &Item)| {
            item.hash == *hash && item.signature.is_some() && !found.contains(at)
        };
        let place = items.iter().enumerate().find(fits).map(|(at, _)| at);
        found.push(place.ok_or_else(|| CscError::invalid("Hash is not authorized by the SAD"))?);
    }
    Ok(found)
}

#[cfg(test)]
#[path = "consents_tests.rs"]
mod tests;
