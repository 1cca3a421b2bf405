//! Lists where certificates themselves say that they are published (RFC 5280 §4.2.1.13), at hosts that the file allows and nowhere else.
//!
//! A certificate is asked only once its chain is believed and its holder is one of ours, so that nobody has the gate call an address of his choice; what comes from
//! there is believed no more than what comes from elsewhere. The number of places is bounded.

use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU64, Ordering},
};

use sceau_pki::{Certificate, CertificateFacts, Fingerprint, Name};

use super::{
    feed::Feed,
    hosts::Hosts,
    places::{Loading, Place, Places, Reads, Times},
    source::Source,
    stale::Stale,
};

/// So many places are followed for a table of clients: an authority publishes a list or a few.
const MOST: usize = 16;
/// And so many of one certificate: who has one does not use up all of them.
const MOST_OF_ONE: usize = 2;
/// The longest address that is followed.
const LONGEST: usize = 2048;

/// The places of a table of clients.
#[derive(Debug)]
pub(crate) struct Points {
    /// What its setting is called.
    setting: String,
    hosts: Hosts,
    /// What the table names itself.
    sources: Vec<Source>,
    /// Whose lists it takes from there.
    authorities: Vec<Fingerprint>,
    places: Arc<Places>,
    own: RwLock<Vec<Learnt>>,
    /// What those that are followed no more add to [`Self::epoch`].
    gone: AtomicU64,
}

/// A place that a table follows.
#[derive(Clone, Debug)]
struct Learnt {
    place: Arc<Place>,
    by: By,
}

/// Who names a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// An authority of the file's: it stays, and is missed where it gives nothing.
    File,
    /// A certificate of a caller's.
    Caller,
}

impl Points {
    /// None yet. `named` is what the table names itself, and the authorities whose lists it takes from there: that is not asked twice.
    pub(crate) fn new(
        setting: String,
        hosts: Hosts,
        named: (&[Source], &[Certificate]),
        places: &Arc<Places>,
    ) -> Self {
        let (sources, authorities) = named;
        let (sources, authorities) =
            (sources.to_vec(), authorities.iter().map(Certificate::fingerprint).collect());
        let (places, own, gone) = (Arc::clone(places), RwLock::default(), AtomicU64::new(0));
        Self { setting, hosts, sources, authorities, places, own, gone }
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Those of each place that was learnt.
    pub(crate) fn feeds(&self) -> Vec<Arc<Feed>> {
        self.own().iter().map(|one| Arc::clone(&one.place.feed)).collect()
    }

    /// A number that grows with each change of the lists in use.
    pub(crate) fn epoch(&self) -> u64 {
        let own = self.own();
        own.iter().map(Learnt::epoch).sum::<u64>() + self.gone.load(Ordering::Relaxed)
    }

    /// Places of which no list is current at `now` (Unix milliseconds), where none of `all` is either of the same authority: one publishes a list at several. One
    /// that never gave a list counts where the file's own authorities name it: else each caller could say that some list is missing.
    pub(crate) fn stale(&self, all: &[Arc<Feed>], now: u64) -> Vec<Stale> {
        self.forget(now);
        let speaks = |name: &Name| {
            let current =
                |feed: &Arc<Feed>| feed.lists().iter().any(|it| it.issuer() == name && it.is_current(now));
            all.iter().any(current)
        };
        let own = self.own();
        let missed = own.iter().filter(|one| one.by == By::File || one.place.gave()).map(|one| &one.place);
        missed
            .filter(|place| !speaks(place.issuer.subject()))
            .flat_map(|place| place.feed.stale(now))
            .collect()
    }

    /// Fetches what was learnt, and what will be, by any table: see [`Places::start`].
    pub(crate) fn start(&self, at_once: bool) {
        self.places.start(at_once);
    }

    /// Learns the places of an authority that the file names, and of which this one is the issuer, at `now` (Unix milliseconds); what the disk keeps of them is
    /// in use afterwards, which is why it reads there.
    pub(crate) fn learn_of_the_file(&self, certificate: &Certificate, issuer: &Certificate, now: u64) {
        for source in self.wanted(certificate, issuer) {
            drop(self.follow(&source, issuer, (By::File, Times::begin(now)), (Reads::Here, now)));
        }
    }

    /// Learns the places of a certificate that is believed, and of which this one is the issuer, at `now` (Unix milliseconds); within a runtime. What the disk
    /// keeps of them is in use once that is loaded.
    pub(crate) fn learn(&self, certificate: &Certificate, issuer: &Certificate, now: u64) -> Vec<Loading> {
        let places = self.wanted(certificate, issuer).into_iter().filter_map(|source| {
            self.follow(&source, issuer, (By::Caller, Times::begin(now)), (Reads::Aside, now))
        });
        places.filter_map(|place| place.loading()).collect()
    }

    /// Follows at once what those of the same table followed before the file was read again, as far as this one would: what only such a list tells is not
    /// forgotten meanwhile. Reads there as [`Self::learn_of_the_file`].
    pub(crate) fn adopt(&self, before: &Self, now: u64) {
        let learnt: Vec<_> = before.own().iter().map(|one| Arc::clone(&one.place)).collect();
        for place in learnt.iter().filter(|place| !place.is_idle(now)) {
            let source = &place.feed.source;
            if matches!(source, Source::Http(uri) if self.hosts.allow(uri))
                && !self.names(source, &place.issuer)
            {
                let times = (By::Caller, place.times.clone());
                drop(self.follow(source, &place.issuer, times, (Reads::Here, now)));
            }
        }
    }

    /// Of the places that a certificate names, those that are followed.
    fn wanted(&self, certificate: &Certificate, issuer: &Certificate) -> Vec<Source> {
        let Ok(facts) = CertificateFacts::of(certificate) else { return Vec::new() };
        let mut wanted = Vec::new();
        for place in facts.revocation_lists.iter().filter(|place| place.starts_with("http://")) {
            let Ok(source) = Source::read(place, "".as_ref()) else { continue };
            let Source::Http(uri) = &source else { continue };
            let setting = &self.setting;
            if place.len() > LONGEST {
                let length = place.len();
                tracing::warn!(
                    length,
                    most = LONGEST,
                    "a certificate names a list at an address that is too long; it is not fetched"
                );
            } else if !self.hosts.allow(uri) {
                tracing::warn!(%source, "a certificate names a list at a host that {setting} does not allow; it is not fetched");
            } else if !self.names(&source, issuer) && !wanted.contains(&source) {
                wanted.push(source);
            }
        }
        if wanted.len() > MOST_OF_ONE {
            let (subject, places) = (certificate.subject(), wanted.len());
            tracing::warn!(%subject, places, most = MOST_OF_ONE, "a certificate names more lists than are followed of one; the first are");
            wanted.truncate(MOST_OF_ONE);
        }
        wanted
    }

    /// Whether the table names it itself, and takes the lists of this issuer from there.
    fn names(&self, source: &Source, issuer: &Certificate) -> bool {
        self.sources.contains(source) && self.authorities.contains(&issuer.fingerprint())
    }

    /// None: there are too many.
    fn follow(
        &self,
        source: &Source,
        issuer: &Certificate,
        (by, times): (By, Times),
        (reads, now): (Reads, u64),
    ) -> Option<Arc<Place>> {
        self.forget(now);
        if let Some(known) = self.own().iter().find(|one| one.place.is(source, issuer)) {
            known.place.times.ask(now);
            return Some(Arc::clone(&known.place));
        }
        let full = || {
            tracing::warn!(%source, most = MOST, "certificates name more lists than are followed; name this one in `revocation_lists`");
            None
        };
        if self.own().len() >= MOST {
            return full();
        }
        let place = self.places.followed(source, issuer, times, (reads, now));
        let mut own = self.own_mut();
        if own.iter().any(|one| Arc::ptr_eq(&one.place, &place)) {
            return Some(place);
        }
        if own.len() >= MOST {
            return full();
        }
        own.push(Learnt { place: Arc::clone(&place), by });
        Some(place)
    }

    /// Those of callers that are of no use any more.
    fn forget(&self, now: u64) {
        let is_gone = |one: &Learnt| one.by == By::Caller && one.place.is_idle(now);
        if !self.own().iter().any(is_gone) {
            return;
        }
        let mut own = self.own_mut();
        let gone: Vec<_> = own.extract_if(.., |one| is_gone(one)).collect();
        for one in gone {
            // More than it ever gave.
            self.gone.fetch_add(one.epoch() + 1, Ordering::Relaxed);
            tracing::info!(source = %one.place.feed.source, "a revocation list is followed no more: nothing current comes from there, and nobody asks for it");
        }
    }

    fn own(&self) -> RwLockReadGuard<'_, Vec<Learnt>> {
        self.own.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_mut(&self) -> RwLockWriteGuard<'_, Vec<Learnt>> {
        self.own.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learnt {
    fn epoch(&self) -> u64 {
        self.place.feed.epoch() + 1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::{fs, path::Path, process::Command, time::Duration};

    use super::*;
    use crate::lists::{Cache, Keeping, Limits, Window, places::IDLE};

    /// 2026-11-22.
    const NOW: u64 = 1_795_305_600_000;

    fn openssl(folder: &Path, words: &str) {
        let made =
            Command::new("openssl").args(words.split_whitespace()).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Of an authority, and of one that names these places.
    fn certificates(folder: &Path, places: &[&str]) -> (Certificate, Certificate) {
        let points = places.iter().map(|place| format!("URI:http://a/{place}")).collect::<Vec<_>>().join(",");
        let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        if !folder.join("ca.pem").exists() {
            openssl(folder, &format!("{key} -subj /CN=a -keyout ca.key -out ca.pem"));
        }
        let words =
            format!("{key} -subj /CN=b -addext crlDistributionPoints={points} -keyout b.key -out b.pem");
        openssl(folder, &words);
        let read = |name: &str| {
            let der = folder.join(format!("{name}.der"));
            openssl(folder, &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
            Certificate::from_der(&fs::read(der).unwrap(), name).unwrap()
        };
        (read("ca"), read("b"))
    }

    /// Its authority's list, which names nobody and holds for two days from [`NOW`] on.
    fn list(folder: &Path) -> Vec<u8> {
        fs::write(folder.join("index"), "").unwrap();
        fs::write(folder.join("number"), "01\n").unwrap();
        let settings = "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n";
        fs::write(folder.join("ca.cnf"), settings).unwrap();
        let dates = "-crl_lastupdate 20261122000000Z -crl_nextupdate 20261124000000Z";
        openssl(
            folder,
            &format!("ca -config ca.cnf -gencrl -cert ca.pem -keyfile ca.key -out list.pem {dates}"),
        );
        fs::read(folder.join("list.pem")).unwrap()
    }

    fn points(folder: &Path) -> Points {
        let keeping = Keeping {
            cache: Cache::new(folder.join("cache")),
            window: Window { from: Duration::ZERO, within: Duration::ZERO },
            limits: Limits { octets: 100_000, time: Duration::from_secs(10) },
        };
        let hosts = Hosts::read(&["a".to_owned()]).unwrap();
        Points::new("here".to_owned(), hosts, (&[], &[]), &Arc::new(Places::new(&keeping, &[])))
    }

    fn followed(points: &Points) -> Vec<String> {
        points.feeds().iter().map(|feed| feed.source.to_string().replace("http://a/", "")).collect()
    }

    #[tokio::test]
    async fn a_place_that_is_of_no_use_is_followed_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let points = points(folder.path());
        let (authority, one) = certificates(folder.path(), &["1", "2", "3", "4"]);
        drop(points.learn(&one, &authority, NOW));
        assert_eq!(followed(&points), ["1", "2"], "two of one certificate");
        let good = list(folder.path());
        assert!(points.feeds().first().unwrap().offer(&good, NOW).is_ok());
        let mut epoch = points.epoch();
        // Until the list ends the place stays, and then as long as it is asked for.
        for (at, other, left) in [
            (NOW + IDLE - 1, "5", vec!["1", "2", "5"]),
            (NOW + IDLE, "6", vec!["1", "5", "6"]),
            (NOW + 3 * IDLE - 1, "9", vec!["1", "9"]),
            (NOW + 3 * IDLE - 1, "1", vec!["1", "9"]),
            (NOW + 4 * IDLE - 2, "7", vec!["1", "9", "7"]),
            (NOW + 4 * IDLE - 1, "8", vec!["7", "8"]),
        ] {
            let before = followed(&points);
            drop(points.learn(&certificates(folder.path(), &[other]).1, &authority, at));
            assert_eq!(followed(&points), left, "at {at}");
            assert_eq!(points.epoch() > epoch, before != left, "it does not come back to where it was");
            epoch = points.epoch();
        }
        assert_eq!(points.stale(&[], NOW + 4 * IDLE), Vec::new(), "what never gave a list is not missed");
        assert_eq!(points.stale(&[], NOW + 9 * IDLE), Vec::new());
        assert_eq!(followed(&points), [""; 0], "nor followed for ever, where nobody learns another");
        assert!(points.epoch() > epoch);
    }

    #[tokio::test]
    async fn what_is_read_of_a_place_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let points = points(folder.path());
        let (authority, one) = certificates(folder.path(), &["1"]);
        let good = list(folder.path());
        // What the disk keeps is there when the test says so.
        let kept = Cache::new(folder.path().join("cache"));
        let source = Source::read("http://a/1", "".as_ref()).unwrap();
        kept.keep(&source, b"").unwrap();
        let pipe = fs::read_dir(kept.folder()).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(&pipe).unwrap();
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let before = points.epoch();
        let loading = points.learn(&one, &authority, NOW);
        assert_eq!((loading.len(), followed(&points)), (1, vec!["1".to_owned()]));
        assert_eq!(points.learn(&one, &authority, NOW).len(), 1, "who comes meanwhile waits too");
        let meanwhile = points.epoch();
        assert!(meanwhile > before && points.feeds().iter().all(|feed| feed.lists().is_empty()));
        tokio::task::spawn_blocking(move || fs::write(pipe, good).unwrap()).await.unwrap();
        for one in loading {
            one.done().await;
        }
        assert!(points.feeds().iter().all(|feed| !feed.lists().is_empty()) && points.epoch() > meanwhile);
        assert!(points.learn(&one, &authority, NOW).is_empty(), "it is read once");
    }
}
