//! Whether a service is in turn, by what requests and checks saw of it. Free of clocks and sockets.

use std::sync::atomic::{AtomicU8, Ordering};

/// How many checks in a row change what is thought of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(super) healthy: u32,
    pub(super) unhealthy: u32,
}

/// Whether a service serves; unknown until something was seen of it.
#[derive(Debug, Default)]
pub(super) struct Standing(AtomicU8);

const UNKNOWN: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

impl Standing {
    /// None: nobody knows yet.
    pub(super) fn up(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            UP => Some(true),
            DOWN => Some(false),
            _ => None,
        }
    }

    /// Whether it is asked in its turn: who is not known is.
    pub(super) fn is_in_turn(&self) -> bool {
        self.up() != Some(false)
    }

    /// From now on; what it was until now.
    pub(super) fn set(&self, up: Option<bool>) -> Option<bool> {
        let next = match up {
            None => UNKNOWN,
            Some(true) => UP,
            Some(false) => DOWN,
        };
        // A store that changes nothing would still take the cache line from whoever reads it.
        if self.0.load(Ordering::Relaxed) == next {
            return up;
        }
        match self.0.swap(next, Ordering::Relaxed) {
            UP => Some(true),
            DOWN => Some(false),
            _ => None,
        }
    }
}

/// Checks in a row that contradict what is thought of a service.
#[derive(Debug, Default)]
pub(super) struct Run {
    against: u32,
    thought: Option<bool>,
}

impl Run {
    /// After one more check, while so much is thought of the service: what is to be thought from now on, where that is something else. Of a service that
    /// nobody knew the first check decides.
    pub(super) fn after(&mut self, thought: Option<bool>, is_good: bool, counts: Counts) -> Option<bool> {
        if std::mem::replace(&mut self.thought, thought) != thought {
            // A request saw it change meanwhile.
            self.against = 0;
        }
        if thought == Some(is_good) {
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        let enough = if is_good { counts.healthy } else { counts.unhealthy };
        (thought.is_none() || self.against >= enough).then(|| {
            (self.against, self.thought) = (0, Some(is_good));
            is_good
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { healthy: 2, unhealthy: 3 };

    /// What is thought after each of these checks.
    fn thoughts(mut thought: Option<bool>, checks: &[bool]) -> Vec<Option<bool>> {
        let mut run = Run::default();
        let after = checks.iter().map(|&is_good| {
            thought = run.after(thought, is_good, COUNTS).or(thought);
            thought
        });
        after.collect()
    }

    #[test]
    fn the_first_check_decides_and_then_as_many_in_a_row_as_the_file_says() {
        let (up, down) = (Some(true), Some(false));
        assert_eq!(thoughts(None, &[true]), [up]);
        assert_eq!(thoughts(None, &[false, true, true]), [down, down, up]);
        assert_eq!(thoughts(up, &[false, false, false]), [up, up, down]);
        assert_eq!(thoughts(up, &[false, false, true, false, false, false]), [up, up, up, up, up, down]);
        assert_eq!(thoughts(down, &[true, false, true, true]), [down, down, down, up]);
    }

    #[test]
    fn what_a_request_saw_begins_the_count_anew() {
        let mut run = Run::default();
        assert_eq!(run.after(Some(true), false, COUNTS), None);
        assert_eq!(run.after(Some(true), false, COUNTS), None);
        // A request found that it takes no connection.
        assert_eq!(run.after(Some(false), true, COUNTS), None);
        assert_eq!(run.after(Some(false), true, COUNTS), Some(true));
    }

    #[test]
    fn who_is_not_known_is_in_turn_and_not_up() {
        let standing = Standing::default();
        assert!(standing.up().is_none() && standing.is_in_turn());
        assert_eq!(
            (standing.set(Some(false)), standing.up(), standing.is_in_turn()),
            (None, Some(false), false)
        );
        assert_eq!(
            (standing.set(Some(true)), standing.up(), standing.is_in_turn()),
            (Some(false), Some(true), true)
        );
    }
}
