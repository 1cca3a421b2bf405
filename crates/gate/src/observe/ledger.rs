//! What is counted while a gate serves, kept from one reading of its file to the next: plain atomics, so that a request pays nanoseconds for it.
//! Each count belongs to something that the file names; nothing that a client chooses makes another.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::recent::Recent;

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) doors: Shelf<DoorTally>,
    pub(crate) routes: Shelf<RouteTally>,
    pub(crate) guards: Shelf<GuardTally>,
    pub(crate) clients: Shelf<NamedClientTally>,
    pub(crate) feeds: Shelf<FeedTally>,
    pub(crate) services: Shelf<ServiceTally>,
    /// Answers of the gate's own, by their code.
    pub(crate) answers: Codes,
    /// Readings of the file: `read` and `refused`.
    pub(crate) readings: Codes,
    /// Lines of the access log that were not written.
    pub(crate) lost_lines: Arc<Count>,
    /// Spans, `sent` and `lost`.
    pub(crate) spans: Arc<Codes>,
    pub(crate) recent: Recent,
}

/// Tallies by the name of what they count.
#[derive(Debug)]
pub(crate) struct Shelf<T>(Mutex<BTreeMap<String, Arc<T>>>);

/// One number that grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// Numbers by a code of the gate's own.
#[derive(Debug, Default)]
pub(crate) struct Codes(Mutex<BTreeMap<String, u64>>);

/// How long something took, in classes.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    classes: [Count; Self::BOUNDS.len()],
    longer: Count,
    micros: Count,
}

/// Connections to a listener.
#[derive(Debug, Default)]
pub(crate) struct DoorTally {
    pub(crate) opened: Count,
    pub(crate) closed: Count,
    pub(crate) full: Count,
    pub(crate) resumed: Count,
    pub(crate) failed: Count,
    pub(crate) slow: Count,
    /// Passed on by their name.
    pub(crate) passed: Count,
    /// Closed at once, since their address has too many.
    pub(crate) crowded: Count,
    /// Balancers that were not understood.
    pub(crate) balancer: Count,
}

/// Requests of a route.
#[derive(Debug, Default)]
pub(crate) struct RouteTally {
    /// By the hundreds of their status; the first are those that ended without an answer.
    pub(crate) classes: [Count; 6],
    pub(crate) took: Latency,
    /// Octets of bodies.
    pub(crate) received: Count,
    pub(crate) sent: Count,
}

/// Verdicts of a guard, one for each request.
#[derive(Debug, Default)]
pub(crate) struct GuardTally {
    pub(crate) passed: Count,
    /// Of those, by `fail_open`.
    pub(crate) unchecked: Count,
    pub(crate) refused: Codes,
    pub(crate) remembered: Count,
    pub(crate) judged: Count,
}

/// Requests of a client that the file names.
#[derive(Debug, Default)]
pub(crate) struct NamedClientTally {
    pub(crate) requests: Count,
    /// When it last called, and when the certificate that it showed then ends (Unix milliseconds).
    pub(crate) last: Mark,
    pub(crate) certificate_ends: Mark,
}

impl NamedClientTally {
    /// It called at `now`, with a certificate that ends then (Unix milliseconds).
    pub(crate) fn called(&self, now: u64, certificate_ends: u64) {
        self.requests.one();
        self.last.set(now);
        self.certificate_ends.set(certificate_ends);
    }
}

/// What became of the lists of a source.
#[derive(Debug, Default)]
pub(crate) struct FeedTally {
    /// `new`, `same`, `gone`, or the code of why there is none, or none that is used.
    pub(crate) outcomes: Codes,
    /// When lists last came that could be used (Unix milliseconds).
    pub(crate) good: Mark,
}

/// Requests sent to a service.
#[derive(Debug, Default)]
pub(crate) struct ServiceTally {
    /// Until the head of its answer.
    pub(crate) took: Latency,
    /// By the code that the caller reads.
    pub(crate) failed: Codes,
    /// Checks without a request: `good`, or why it fails.
    pub(crate) checks: Codes,
}

/// Questions to a responder.
#[derive(Debug, Default)]
pub(crate) struct ResponderTally {
    pub(crate) took: Latency,
    /// `good`, `revoked`, `unknown` or why it gave no answer.
    pub(crate) outcomes: Codes,
}

/// A number that is set.
#[derive(Debug, Default)]
pub(crate) struct Mark(AtomicU64);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Shelf<T> {
    /// The one of this name.
    pub(crate) fn of(&self, name: &str) -> Arc<T> {
        let mut all = locked(&self.0);
        if let Some(known) = all.get(name) {
            return Arc::clone(known);
        }
        Arc::clone(all.entry(name.to_owned()).or_default())
    }

    /// All of them, by their names.
    pub(crate) fn values(&self) -> Vec<(String, Arc<T>)> {
        locked(&self.0).iter().map(|(name, one)| (name.clone(), Arc::clone(one))).collect()
    }
}

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Mark {
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// None where it was never set.
    pub(crate) fn value(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|value| *value > 0)
    }
}

impl Codes {
    pub(crate) fn one(&self, code: &str) {
        self.add(code, 1);
    }

    pub(crate) fn add(&self, code: &str, more: u64) {
        let mut all = locked(&self.0);
        if let Some(known) = all.get_mut(code) {
            *known += more;
        } else {
            all.insert(code.to_owned(), more);
        }
    }

    pub(crate) fn values(&self) -> Vec<(String, u64)> {
        locked(&self.0).iter().map(|(code, count)| (code.clone(), *count)).collect()
    }
}

impl Latency {
    /// Microseconds.
    pub(crate) const BOUNDS: [u64; 14] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
    ];

    pub(crate) fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let classes = Self::BOUNDS.iter().zip(&self.classes);
        let class = classes.into_iter().find(|(bound, _)| micros <= **bound).map(|(_, class)| class);
        class.unwrap_or(&self.longer).one();
        self.micros.add(micros);
    }

    /// For each bound how many took no longer, then all of them, then the sum in microseconds.
    pub(crate) fn values(&self) -> (Vec<u64>, u64, u64) {
        let mut sum = 0;
        let up_to = self.classes.iter().map(|class| {
            sum += class.value();
            sum
        });
        let up_to: Vec<u64> = up_to.collect();
        (up_to, sum + self.longer.value(), self.micros.value())
    }
}

impl RouteTally {
    /// A request that ended: with a status, or without an answer.
    pub(crate) fn end(&self, status: Option<u16>, took: Duration, [received, sent]: [u64; 2]) {
        let class = usize::from(status.unwrap_or(0) / 100);
        if let Some(class) = self.classes.get(class) {
            class.one();
        }
        self.took.note(took);
        self.received.add(received);
        self.sent.add(sent);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_every_class_that_holds_it() {
        let latency = Latency::default();
        for micros in [1, 500, 501, 20_000_000] {
            latency.note(Duration::from_micros(micros));
        }
        let (classes, all, sum) = latency.values();
        assert_eq!((classes.first(), classes.get(1), classes.last()), (Some(&2), Some(&3), Some(&3)));
        assert_eq!((all, sum), (4, 20_001_002));
    }

    #[test]
    fn what_has_a_name_is_counted_once() {
        let shelf = Shelf::<Count>::default();
        shelf.of("a").one();
        shelf.of("a").one();
        shelf.of("b").one();
        assert_eq!((shelf.of("a").value(), shelf.of("b").value()), (2, 1));
    }
}
