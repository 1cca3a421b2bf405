//! The places of lists that certificates name, of all tables of clients: each is asked once, whoever follows it, for as long as somebody does.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use sceau_pki::Certificate;
use tokio::{runtime::Handle, sync::watch, task::JoinSet};

use super::{
    cache::DISK,
    feed::Feed,
    keeper::{Keeping, keep_fetched},
    source::Source,
};

/// The places of all tables.
#[derive(Debug)]
pub(crate) struct Places {
    keeping: Keeping,
    /// Feeds of the plan before, whose lists stay in use.
    before: Vec<Arc<Feed>>,
    followed: Mutex<Followed>,
}

#[derive(Debug, Default)]
struct Followed {
    /// Each is there as long as a table follows it.
    all: Vec<Weak<Place>>,
    /// None: the gate does not serve yet.
    fetching: Option<Fetching>,
}

#[derive(Debug)]
struct Fetching {
    runtime: Handle,
    at_once: bool,
}

/// A place, and the one authority whose lists are taken from there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) issuer: Certificate,
    pub(super) feed: Arc<Feed>,
    /// Closed once what the disk keeps is in use.
    loading: watch::Receiver<()>,
    /// Ends with it.
    task: Mutex<JoinSet<()>>,
}

/// Where what the disk keeps of a place is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads {
    /// Here, which blocks.
    Here,
    /// Aside, within a runtime: [`Loading::all`] says when.
    Aside,
}

/// What the disk keeps of a place, which is being read.
#[derive(Debug)]
pub(crate) struct Loading(watch::Receiver<()>);

impl Places {
    /// None yet. Lists that feeds used `before` stay in use where they come from the same place.
    pub(crate) fn new(keeping: &Keeping, before: &[Arc<Feed>]) -> Self {
        let fetched = before.iter().filter(|feed| !feed.source.is_file());
        Self { keeping: keeping.clone(), before: fetched.cloned().collect(), followed: Mutex::default() }
    }

    /// Fetches what was learnt, and what will be, each as long as a table follows it; within a runtime. `at_once` asks each server whatever the hour.
    pub(super) fn start(&self, at_once: bool) {
        let mut followed = self.lock();
        if followed.fetching.is_none() {
            let fetching = Fetching { runtime: Handle::current(), at_once };
            followed.all.iter().filter_map(Weak::upgrade).for_each(|one| fetching.fetch(&one, &self.keeping));
            followed.fetching = Some(fetching);
        }
    }

    /// The one of this source and authority, which others may follow already; `reads` at `now` (Unix milliseconds) what the disk keeps of it, and holds nobody up.
    pub(super) fn followed(
        &self,
        source: &Source,
        issuer: &Certificate,
        (reads, now): (Reads, u64),
    ) -> Arc<Place> {
        let (place, loaded) = {
            let mut followed = self.lock();
            followed.all.retain(|one| one.strong_count() > 0);
            let known = followed.all.iter().filter_map(Weak::upgrade).find(|one| one.is(source, issuer));
            if let Some(known) = known {
                return known;
            }
            let (place, loaded) = self.place(source, issuer);
            followed.fetching.iter().for_each(|fetching| fetching.fetch(&place, &self.keeping));
            followed.all.push(Arc::downgrade(&place));
            (place, loaded)
        };
        tracing::info!(%source, issuer = %issuer.subject(), "a revocation list is followed, which a certificate names");
        let (feed, cache) = (Arc::clone(&place.feed), self.keeping.cache.clone());
        let used: Vec<_> = self.before.iter().filter(|feed| feed.source == *source).cloned().collect();
        let load = move || {
            // An address has no file that could be missing.
            drop(feed.load(&used, &cache, now));
            drop(loaded);
        };
        match reads {
            Reads::Here => load(),
            Reads::Aside => drop(tokio::task::spawn_blocking(load)),
        }
        place
    }

    fn place(&self, source: &Source, issuer: &Certificate) -> (Arc<Place>, watch::Sender<()>) {
        let feed = Feed::new(source.clone(), vec![issuer.clone()], self.keeping.limits.octets);
        let feed = match self.before.iter().find(|feed| feed.source == *source) {
            Some(used) => feed.counting(Arc::clone(&used.tally)),
            None => feed,
        };
        let (loaded, loading) = watch::channel(());
        let (issuer, feed, task) = (issuer.clone(), Arc::new(feed), Mutex::default());
        (Arc::new(Place { issuer, feed, loading, task }), loaded)
    }

    fn lock(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fetching {
    /// Once it is known what the disk keeps: a server is not asked for what is at hand. A disk that does not answer keeps nothing.
    fn fetch(&self, place: &Place, keeping: &Keeping) {
        let Source::Http(uri) = place.feed.source.clone() else { return };
        let (feed, keeping, at_once) = (Arc::clone(&place.feed), keeping.clone(), self.at_once);
        let loading = Loading(place.loading.clone());
        let keeps = async move {
            Loading::all(vec![loading], DISK).await;
            keep_fetched(uri, feed, keeping, at_once).await;
        };
        place.task.lock().unwrap_or_else(PoisonError::into_inner).spawn_on(keeps, &self.runtime);
    }
}

impl Place {
    pub(super) fn is(&self, source: &Source, issuer: &Certificate) -> bool {
        self.feed.source == *source && self.issuer.fingerprint() == issuer.fingerprint()
    }

    /// Whether it ever gave a list.
    pub(super) fn gave(&self) -> bool {
        !self.feed.lists().is_empty()
    }

    /// What the disk keeps of it, while that is being read.
    pub(super) fn loading(&self) -> Option<Loading> {
        let is_over = self.loading.has_changed().is_err();
        (!is_over).then(|| Loading(self.loading.clone()))
    }
}

impl Loading {
    /// Whether all of it is over within this time: then what is of use of it is in use.
    pub(crate) async fn all(loading: Vec<Self>, within: Duration) -> bool {
        let over = async {
            for mut one in loading {
                while one.0.changed().await.is_ok() {}
            }
        };
        tokio::time::timeout(within, over).await.is_ok()
    }
}
