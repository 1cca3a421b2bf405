//! TLS sessions that a server can resume: as many as fit, the oldest forgotten first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::server::StoresServerSessions;
use zeroize::Zeroizing;

/// Sessions at once. Whoever looks for one looks through them all.
const SESSIONS: usize = 1024;
/// Octets of all of them together. One whose client showed certificates takes two thousand or more: it has their octets.
const OCTETS: usize = 256 * 1024;

/// Sessions in memory, whose secrets are wiped as they leave.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The oldest in front.
    sessions: VecDeque<Session>,
    octets: usize,
}

struct Session {
    id: Box<[u8]>,
    /// As long as it is, and no octet longer.
    value: Zeroizing<Box<[u8]>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sessions({})", self.kept().sessions.len())
    }
}

impl Sessions {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, id: Vec<u8>, value: Vec<u8>) -> bool {
        let value = Zeroizing::new(value);
        let session = Session { id: id.into(), value: Zeroizing::new(Box::from(value.as_slice())) };
        if session.octets() > OCTETS {
            return false;
        }
        let mut kept = self.kept();
        kept.take(&session.id);
        kept.octets += session.octets();
        kept.sessions.push_back(session);
        while kept.sessions.len() > SESSIONS || kept.octets > OCTETS {
            kept.forget(0);
        }
        true
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        let kept = self.kept();
        kept.sessions.iter().find(|session| *session.id == *id).map(|session| session.value.to_vec())
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.kept().take(id).map(|session| session.value.to_vec())
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl Kept {
    fn take(&mut self, id: &[u8]) -> Option<Session> {
        let place = self.sessions.iter().position(|session| *session.id == *id)?;
        self.forget(place)
    }

    fn forget(&mut self, place: usize) -> Option<Session> {
        let session = self.sessions.remove(place)?;
        self.octets -= session.octets();
        Some(session)
    }
}

impl Session {
    fn octets(&self) -> usize {
        self.id.len() + self.value.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn put(sessions: &Sessions, nth: usize, octets: usize) -> bool {
        let mut value = Vec::with_capacity(2 * octets);
        value.resize(octets, nth as u8);
        sessions.put(nth.to_be_bytes().to_vec(), value)
    }

    fn has(sessions: &Sessions, nth: usize) -> bool {
        sessions.get(&nth.to_be_bytes()).is_some()
    }

    #[test]
    fn a_session_is_kept_replaced_and_taken_once() {
        let sessions = Sessions::default();
        assert!(put(&sessions, 1, 10) && put(&sessions, 2, 20) && put(&sessions, 1, 30));
        assert_eq!(sessions.get(&1_usize.to_be_bytes()).unwrap(), [1; 30]);
        assert_eq!(sessions.take(&1_usize.to_be_bytes()).unwrap(), [1; 30]);
        assert!(!has(&sessions, 1) && has(&sessions, 2));
        assert_eq!(sessions.kept().octets, 28, "an id of eight octets, and twenty");
    }

    #[test]
    fn as_many_are_kept_as_fit_the_oldest_forgotten_first() {
        let sessions = Sessions::default();
        for nth in 0..=SESSIONS {
            assert!(put(&sessions, nth, 8));
        }
        assert!(!has(&sessions, 0) && has(&sessions, 1) && has(&sessions, SESSIONS));
        assert!(put(&sessions, SESSIONS + 1, OCTETS - 8), "one that takes all the room");
        assert_eq!(sessions.kept().sessions.len(), 1);
        assert!(!put(&sessions, SESSIONS + 2, OCTETS), "one that takes more");
        assert!(has(&sessions, SESSIONS + 1));
    }
}
