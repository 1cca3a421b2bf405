//! Calls of applications that were taken, until they end: a call is good once.
//!
//! What is kept of one is a hash. It goes by the time of the records that follow, so that a replay of the journal forgets what the running
//! process forgot.

use std::collections::{BTreeSet, HashMap, HashSet};

use sceau_element_api::ApplicationId;

/// Calls remembered at once, of all applications.
const MOST: usize = 1_000_000;
/// Calls remembered of one application: it does not take the place of the others.
const MOST_OF_ONE: usize = 500_000;

/// A call: whose, the first half of the SHA-256 of its id, and when it ends (Unix milliseconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    /// When it ends.
    pub ends: u64,
    /// The application.
    pub application: ApplicationId,
    /// Its id, hashed with the application's.
    pub digest: [u8; 16],
}

impl CallKey {
    /// The key of an application's call.
    #[must_use]
    pub fn new(application: ApplicationId, jti: &str, ends: u64) -> Self {
        // The application's id has one length.
        let hash = sceau_crypto::sha256(format!("{application}{jti}").as_bytes());
        let mut digest = [0; 16];
        digest.iter_mut().zip(hash).for_each(|(place, byte)| *place = byte);
        Self { ends, application, digest }
    }
}

/// The calls that must be known again.
#[derive(Debug, Default)]
pub struct OpenCalls {
    known: HashSet<[u8; 16]>,
    by_end: BTreeSet<CallKey>,
    of: HashMap<ApplicationId, usize>,
    time: u64,
}

impl OpenCalls {
    /// The time up to which calls were forgotten (Unix milliseconds). A clock that steps back does not bring them back.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Whether the call came before.
    #[must_use]
    pub fn knows(&self, call: &CallKey) -> bool {
        self.known.contains(&call.digest)
    }

    /// Whether one more call of the application can be remembered.
    #[must_use]
    pub fn has_room(&self, application: ApplicationId) -> bool {
        self.known.len() < MOST && self.of.get(&application).is_none_or(|count| *count < MOST_OF_ONE)
    }

    /// Remembers a call that was taken at `time`, and forgets those that ended before.
    pub(super) fn take(&mut self, call: CallKey, time: u64) {
        self.forget(time);
        if call.ends > self.time && self.known.insert(call.digest) {
            self.by_end.insert(call);
            *self.of.entry(call.application).or_default() += 1;
        }
    }

    /// Forgets the calls that ended by `time`, so that there is room also where none is taken any more. A replay, which forgets by records
    /// alone, may know some of them still: they are refused as ended all the same.
    pub(crate) fn forget(&mut self, time: u64) {
        self.time = self.time.max(time);
        while let Some(first) = self.by_end.first().copied().filter(|first| first.ends <= self.time) {
            self.by_end.remove(&first);
            self.known.remove(&first.digest);
            if let Some(count) = self.of.get_mut(&first.application) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_until_it_ends_and_no_longer() {
        let application = ApplicationId::random();
        let mut calls = OpenCalls::default();
        let one = CallKey::new(application, "one", 2000);
        calls.take(one, 1000);
        assert!(calls.knows(&one));
        assert!(!calls.knows(&CallKey::new(application, "two", 2000)));
        assert!(!calls.knows(&CallKey::new(ApplicationId::random(), "one", 2000)));
        calls.take(CallKey::new(application, "two", 3000), 1999);
        assert!(calls.knows(&one));
        calls.take(CallKey::new(application, "three", 3000), 2000);
        assert!(!calls.knows(&one), "it is refused as ended from now on");
        assert_eq!((calls.known.len(), calls.by_end.len(), calls.of.get(&application)), (2, 2, Some(&2)));
    }

    #[test]
    fn there_is_room_again_once_calls_have_ended_though_none_was_taken_since() {
        let application = ApplicationId::random();
        let mut calls = OpenCalls::default();
        for nth in 0..MOST_OF_ONE {
            calls.take(CallKey::new(application, &nth.to_string(), 2000), 1000);
        }
        assert!(!calls.has_room(application) && calls.has_room(ApplicationId::random()));
        calls.forget(1999);
        assert!(!calls.has_room(application));
        calls.forget(2000);
        assert!(calls.has_room(application));
        assert!(calls.known.is_empty() && calls.by_end.is_empty());
    }
}
