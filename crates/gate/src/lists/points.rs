//! Lists where certificates themselves say that they are published (RFC 5280 §4.2.1.13), at hosts that the file allows and nowhere else.
//!
//! A certificate is asked only once its chain is believed and its holder is one of ours, so that nobody has the gate call an address of his choice; what comes from
//! there is believed no more than what comes from elsewhere. The number of places is bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use hyper::{Uri, http::uri::Authority};
use sceau_pki::{Certificate, CertificateFacts, Fingerprint, Name};
use tokio::{runtime::Handle, task::JoinSet};

use super::{
    feed::Feed,
    keeper::{Keeping, keep_fetched},
    source::Source,
    stale::Stale,
};

/// So many places are followed for a table of clients: an authority publishes a list or a few.
const MOST: usize = 16;
/// The longest address that is followed.
const LONGEST: usize = 2048;

/// The hosts at which lists are fetched: `host`, which is its port 80, or `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Vec<Authority>);

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
}

/// The places of all tables: each is asked once, whoever follows it.
#[derive(Debug)]
pub(crate) struct Places {
    keeping: Keeping,
    /// Feeds of the plan before, whose lists stay in use.
    before: Vec<Arc<Feed>>,
    followed: Mutex<Followed>,
}

#[derive(Debug, Default)]
struct Followed {
    all: Vec<Learnt>,
    /// None: the gate does not serve yet.
    fetching: Option<Fetching>,
}

/// A place, and the one authority whose lists are taken from there.
#[derive(Clone, Debug)]
struct Learnt {
    issuer: Fingerprint,
    name: Name,
    feed: Arc<Feed>,
}

#[derive(Debug)]
struct Fetching {
    tasks: JoinSet<()>,
    runtime: Handle,
    at_once: bool,
}

impl Hosts {
    /// # Errors
    /// What to write instead.
    pub(crate) fn read(texts: &[String]) -> Result<Self, &'static str> {
        let read = |text: &String| {
            let host = text.parse::<Authority>().ok().filter(|_| !text.contains('@'));
            host.filter(|host| !host.host().is_empty())
                .ok_or("write hosts, each as host or host:port, without http://")
        };
        if texts.is_empty() {
            return Err("name the hosts at which lists may be fetched, or leave it out");
        }
        texts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// For people.
    pub(crate) fn written(&self) -> String {
        self.0.iter().map(Authority::to_string).collect::<Vec<_>>().join(", ")
    }

    fn allow(&self, uri: &Uri) -> bool {
        let port = |authority: &Authority| authority.port_u16().unwrap_or(80);
        uri.authority().is_some_and(|to| {
            let is_it = |own: &Authority| own.host().eq_ignore_ascii_case(to.host()) && port(own) == port(to);
            self.0.iter().any(is_it)
        })
    }
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
        Self { setting, hosts, sources, authorities, places: Arc::clone(places), own: RwLock::default() }
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Those of each place that was learnt.
    pub(crate) fn feeds(&self) -> Vec<Arc<Feed>> {
        self.own().iter().map(|one| Arc::clone(&one.feed)).collect()
    }

    /// A number that grows with each change of the lists in use.
    pub(crate) fn epoch(&self) -> u64 {
        self.own().iter().map(|one| one.feed.epoch() + 1).sum()
    }

    /// Places of which no list is current at `now` (Unix milliseconds), where none of `all` is either of the same authority: one publishes a list at several.
    pub(crate) fn stale(&self, all: &[Arc<Feed>], now: u64) -> Vec<Stale> {
        let speaks = |name: &Name| {
            let current =
                |feed: &Arc<Feed>| feed.lists().iter().any(|it| it.issuer() == name && it.is_current(now));
            all.iter().any(current)
        };
        let own = self.own();
        own.iter().filter(|one| !speaks(&one.name)).flat_map(|one| one.feed.stale(now)).collect()
    }

    /// Fetches what was learnt, and what will be, by any table: see [`Places::start`].
    pub(crate) fn start(&self, at_once: bool) {
        self.places.start(at_once);
    }

    /// Learns the places of a certificate that is believed, and of which this one is the issuer, at `now` (Unix milliseconds); what the disk keeps of them is
    /// in use at once, which is why it reads there.
    pub(crate) fn learn(&self, certificate: &Certificate, issuer: &Certificate, now: u64) {
        let Ok(facts) = CertificateFacts::of(certificate) else { return };
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
            } else {
                self.follow(source, issuer, now);
            }
        }
    }

    fn follow(&self, source: Source, issuer: &Certificate, now: u64) {
        let is_named = self.sources.contains(&source) && self.authorities.contains(&issuer.fingerprint());
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        if is_named || own.iter().any(|one| one.is(&source, issuer)) {
            return;
        }
        if own.len() >= MOST {
            tracing::warn!(%source, most = MOST, "certificates name more lists than are followed; name this one in `revocation_lists`");
            return;
        }
        own.push(self.places.followed(source, issuer, now));
    }

    fn own(&self) -> RwLockReadGuard<'_, Vec<Learnt>> {
        self.own.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// None yet. Lists that feeds used `before` stay in use where they come from the same place.
    pub(crate) fn new(keeping: &Keeping, before: &[Arc<Feed>]) -> Self {
        let fetched = before.iter().filter(|feed| !feed.source.is_file());
        Self { keeping: keeping.clone(), before: fetched.cloned().collect(), followed: Mutex::default() }
    }

    /// Fetches what was learnt, and what will be, until this is dropped; within a runtime. `at_once` asks each server whatever the hour.
    fn start(&self, at_once: bool) {
        let mut followed = self.lock();
        if followed.fetching.is_none() {
            let mut begun = Fetching { tasks: JoinSet::new(), runtime: Handle::current(), at_once };
            followed.all.iter().for_each(|one| begun.fetch(&one.feed, &self.keeping));
            followed.fetching = Some(begun);
        }
    }

    /// The one of this place and authority, which others may follow already.
    fn followed(&self, source: Source, issuer: &Certificate, now: u64) -> Learnt {
        let mut followed = self.lock();
        if let Some(known) = followed.all.iter().find(|one| one.is(&source, issuer)) {
            return known.clone();
        }
        let used = self.before.iter().find(|feed| feed.source == source);
        let feed = Feed::new(source, vec![issuer.clone()], self.keeping.limits.octets);
        let feed = match used {
            Some(used) => feed.counting(Arc::clone(&used.tally)),
            None => feed,
        };
        // An address has no file that could be missing.
        drop(feed.load(used.map(Arc::as_ref), &self.keeping.cache, now));
        let name = issuer.subject().clone();
        tracing::info!(source = %feed.source, issuer = %name, "a revocation list is followed, which a certificate names");
        let learnt = Learnt { issuer: issuer.fingerprint(), name, feed: Arc::new(feed) };
        if let Some(fetching) = &mut followed.fetching {
            fetching.fetch(&learnt.feed, &self.keeping);
        }
        followed.all.push(learnt.clone());
        learnt
    }

    fn lock(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learnt {
    fn is(&self, source: &Source, issuer: &Certificate) -> bool {
        self.feed.source == *source && self.issuer == issuer.fingerprint()
    }
}

impl Fetching {
    fn fetch(&mut self, feed: &Arc<Feed>, keeping: &Keeping) {
        if let Source::Http(uri) = &feed.source {
            let keeps = keep_fetched(uri.clone(), Arc::clone(feed), keeping.clone(), self.at_once);
            self.tasks.spawn_on(keeps, &self.runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn hosts_are_exactly_those_that_are_named() {
        let hosts = Hosts::read(&["lists.example".to_owned(), "127.0.0.1:8080".to_owned()]).unwrap();
        for (place, is_allowed) in [
            ("http://lists.example/a.crl", true),
            ("http://LISTS.example:80/a.crl", true),
            ("http://lists.example:8080/a.crl", false),
            ("http://127.0.0.1:8080/a.crl", true),
            ("http://127.0.0.1/a.crl", false),
            ("http://xlists.example/a.crl", false),
            ("http://lists.example.evil/a.crl", false),
            ("http://evil/lists.example", false),
            ("http://169.254.169.254/latest", false),
        ] {
            assert_eq!(hosts.allow(&place.parse().unwrap()), is_allowed, "{place}");
        }
        for wrong in ["", "http://a", "a/b", "u@a", "a b", ":80"] {
            assert!(Hosts::read(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(Hosts::read(&[]).is_err());
    }
}
