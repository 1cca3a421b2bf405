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
    learnt::{By, Learnt, Times},
    places::{Loading, Place, Places, Reads},
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

    /// Follows what those of the same table follow in the plan before, as far as this one would, and takes what comes to them: what only such a list tells is not
    /// forgotten meanwhile.
    pub(crate) fn adopt(&self, before: &Self, (reads, now): (Reads, u64)) {
        let learnt = before.own().clone();
        for one in learnt.iter().filter(|one| !one.is_idle(now)) {
            let (source, issuer) = (&one.place.feed.source, &one.place.issuer);
            let is_allowed = matches!(source, Source::Http(uri) if self.hosts.allow(uri));
            if !is_allowed || self.names(source, issuer) {
                continue;
            }
            let known = self.known(source, issuer, |_| ());
            let follow = || self.follow(source, issuer, (By::Caller, one.times.clone()), (reads, now));
            known.or_else(follow).iter().for_each(|place| place.feed.inherit(&one.place.feed, now));
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
        if let Some(known) = self.known(source, issuer, |one| one.times.ask(now)) {
            return Some(known);
        }
        let full = || {
            tracing::warn!(%source, most = MOST, "certificates name more lists than are followed; name this one in `revocation_lists`");
            None
        };
        if self.own().len() >= MOST {
            return full();
        }
        let place = self.places.followed(source, issuer, (reads, now));
        let mut own = self.own_mut();
        if own.iter().any(|one| Arc::ptr_eq(&one.place, &place)) {
            return Some(place);
        }
        if own.len() >= MOST {
            return full();
        }
        own.push(Learnt { place: Arc::clone(&place), by, times });
        Some(place)
    }

    /// The one of this source and authority that the table follows already.
    fn known(&self, source: &Source, issuer: &Certificate, seen: impl Fn(&Learnt)) -> Option<Arc<Place>> {
        let own = self.own();
        let known = own.iter().find(|one| one.place.is(source, issuer))?;
        seen(known);
        Some(Arc::clone(&known.place))
    }

    /// Those of callers that are of no use any more.
    fn forget(&self, now: u64) {
        let is_gone = |one: &Learnt| one.by == By::Caller && one.is_idle(now);
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

#[cfg(test)]
mod tests;
