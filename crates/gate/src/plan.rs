//! What the file asks for, read whole and ready to be used: certificates loaded, names resolved, nothing left to find out.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sceau_pki::Staple;

use crate::{
    aside, clock,
    door::At,
    error::Error,
    files::{folder_of, read, text_of},
    guard::{self, Guard},
    issuing::{Gathering, Obtained, Ours, Way},
    keys::{self, KeyFile},
    lists::{Feed, Keeping, Places, Reads, Stamp, feeds, keeping, stamp},
    observe::{Dated, DoorTally, Ledger, Observing, dated},
    ocsp::{self, Answers, Kept},
    outgoing::{self, Outgoing},
    pass::Pass,
    route::{Around, Routes},
    settings::{ListenerTable, Settings},
    termination::Termination,
    told::Telling,
    upstream::Upstreams,
};

/// A configuration that can be run.
#[derive(Debug)]
pub struct Plan {
    path: PathBuf,
    /// Of the file, before it was read.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) guards: Vec<Arc<Guard>>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    pub(crate) keeping: Keeping,
    certificates: Vec<Dated>,
    keys: Vec<KeyFile>,
    /// Certificates that the gate gets by itself.
    pub(crate) obtained: Vec<Arc<Obtained>>,
    pub(crate) observing: Option<Arc<Observing>>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) answers: Arc<Answers>,
    /// Where these are kept for the next start.
    pub(crate) kept: Arc<Kept>,
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) place: Place,
    /// How TLS is ended.
    pub(crate) termination: Termination,
    pub(crate) head_within: Duration,
    /// Whose PROXY header is read, and must be there.
    pub(crate) proxies: Vec<IpAddr>,
    /// What is passed on by its name.
    pub(crate) passes: Arc<[Pass]>,
    pub(crate) tally: Arc<DoorTally>,
    pub(crate) routes: Routes,
}

/// What stays of a listener when the file is read again: its address, and how many had the same before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    nth: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.nth {
            0 => self.address.fmt(f),
            nth => write!(f, "{} ({})", self.address, nth + 1),
        }
    }
}

impl Plan {
    /// Reads a configuration and every file that it names.
    ///
    /// # Errors
    /// [`Error`], with the setting at fault; nothing of a file that is wrong is used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_after(path, None)
    }

    /// Reads its file again, and every file that this names; lists in use stay so.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_again(&self) -> Result<Self, Error> {
        Self::read_after(&self.path, Some(self))
    }

    /// Of its file as it is now.
    pub(crate) fn stamp_now(&self) -> Option<Stamp> {
        stamp(&self.path)
    }

    /// Removes what a gate that was killed was writing; where that cannot be, the log says so.
    pub(crate) fn clear(&self) {
        let kept = [self.keeping.cache.folder(), self.kept.folder()].map(aside::clear_hashed);
        let state = self.obtained.iter().map(|obtained| obtained.clear());
        for error in kept.into_iter().chain(state).filter_map(Result::err) {
            tracing::warn!(%error, "what a gate before was writing when it ended stays there");
        }
    }

    fn read_after(path: &Path, before: Option<&Self>) -> Result<Self, Error> {
        let ledger = before.map(|before| Arc::clone(&before.ledger)).unwrap_or_default();
        let answers = before.map(|before| Arc::clone(&before.answers)).unwrap_or_default();
        let (stamp, folder) = (stamp(path), folder_of(path));
        let settings = settings(path)?;
        let telling = Telling::of(&settings)?;
        let keeping = keeping(folder, &settings.lists);
        let kept = Arc::new(Kept::beside(keeping.cache.folder()));
        let judges = Judges::read(folder, &settings, (&keeping, before), &ledger, (&answers, &kept))?;
        let tables = (&settings.acme, &settings.ca);
        let mut gathering = Gathering::new(folder, tables, before.map_or(&[][..], |before| &before.obtained));
        let around = Around { folder, guards: &judges.guards, telling: &telling, ledger: &ledger };
        let listeners = listeners(&settings.listener, &around, &mut gathering)?;
        before.iter().for_each(|before| before.hand_on_staples(&listeners));
        before.iter().for_each(|before| before.hand_on_standings(&listeners, &judges.outgoing));
        let staples = listeners.iter().filter_map(|listener| listener.termination.staple());
        staples.for_each(|staple| ocsp::recall(&staple, &kept));
        let observing = settings.observe.as_ref().map(|table| Observing::read(folder, table)).transpose()?;
        let observing = observing.map(|wanted| wanted.after(before.and_then(|it| it.observing.as_ref())));
        let Judges { guards, outgoing, feeds } = judges;
        let (path, guards) = (path.to_owned(), guards.into_values().collect::<Vec<_>>());
        let certificates = dated(folder, &settings, &guards)?;
        let keys = keys::named(folder, &settings);
        let obtained = gathering.all;
        Ok(Self {
            path,
            stamp,
            listeners,
            outgoing,
            guards,
            feeds,
            keeping,
            certificates,
            keys,
            obtained,
            observing,
            ledger,
            answers,
            kept,
        })
    }

    /// Follows the places of lists that callers named to the plan before while this one was read; within a runtime.
    pub(crate) fn adopt(&self, before: &Self) {
        for guard in &self.guards {
            let same = before.guards.iter().find(|other| other.name() == guard.name());
            if let (Some(points), Some(learnt)) = (guard.points(), same.and_then(|same| same.points())) {
                points.adopt(learnt, (Reads::Aside, clock::now()));
            }
        }
    }

    /// What is handed out with the same certificate stays so.
    fn hand_on_staples(&self, next: &[Listener]) {
        for staple in next.iter().filter_map(|listener| listener.termination.staple()) {
            let same = self.staples().find(|used| used.certificate() == staple.certificate());
            same.into_iter().for_each(|used| staple.put(used.response()));
        }
    }

    /// What is known of the services of a route, and of a partner, stays so.
    fn hand_on_standings(&self, listeners: &[Listener], outgoing: &[Outgoing]) {
        for listener in listeners {
            for route in listener.routes.iter() {
                let before = self.listener(listener.place);
                let mut routes = before.into_iter().flat_map(|before| before.routes.iter());
                let same = routes.find(|it| (it.host(), it.path()) == (route.host(), route.path()));
                same.into_iter().for_each(|same| same.upstreams.hand_on(&route.upstreams));
            }
        }
        for one in outgoing {
            let same = self.outgoing.iter().find(|it| it.at == one.at);
            same.into_iter().for_each(|same| same.partner().hand_on(one.partner()));
        }
    }

    /// The services of each route, and each partner.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = &Upstreams> {
        let routes = self.listeners.iter().flat_map(|listener| listener.routes.iter());
        routes.map(|route| &route.upstreams).chain(self.outgoing.iter().map(Outgoing::partner))
    }

    /// Where lists come from: what the file names, and what certificates name.
    pub(crate) fn all_feeds(&self) -> Vec<Arc<Feed>> {
        let mut all = self.feeds.clone();
        for feed in self.guards.iter().flat_map(|guard| guard.learnt()) {
            if !all.iter().any(|other| Arc::ptr_eq(other, &feed)) {
                all.push(feed);
            }
        }
        all
    }

    /// What is handed out with each listener's certificate.
    pub(crate) fn staples(&self) -> impl Iterator<Item = Staple> {
        self.listeners.iter().filter_map(|listener| listener.termination.staple())
    }

    /// Those of the file, and those that the gate got by itself, as they are now.
    pub(crate) fn certificates(&self) -> Vec<Dated> {
        let ours = self.listeners.iter().enumerate().filter_map(|(at, listener)| {
            let place = format!("listener {}, certificate", at + 1);
            Some(listener.termination.ours()?.obtained.dated(&place))
        });
        ours.flatten().chain(self.certificates.iter().cloned()).collect()
    }

    /// Shows the certificates that the gate got meanwhile.
    pub(crate) fn show_anew(&self) {
        self.listeners.iter().filter_map(|listener| listener.termination.ours()).for_each(Ours::refresh);
    }

    /// Where challenges are answered in plain HTTP.
    pub(crate) fn challenged(&self) -> Vec<At> {
        let mut all: Vec<_> = self.obtained.iter().filter_map(|one| one.http()).collect();
        all.sort();
        all.dedup();
        all.into_iter().map(At::Tcp).collect()
    }

    /// Looks whether what it writes could be written, and writes nothing: as whoever asks, which is often another than whoever runs it; and that no key
    /// lies where others get it.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::InTree`].
    pub(crate) fn rehearse(&self) -> Result<(), Error> {
        self.keys.iter().try_for_each(KeyFile::check)?;
        self.guards.iter().try_for_each(|guard| guard.rehearse())?;
        self.obtained.iter().try_for_each(|obtained| obtained.rehearse())?;
        self.observing.iter().try_for_each(|observing| observing.rehearse())
    }

    /// Says in the log which keys lie where others get them, and of which authorities no list speaks.
    pub(crate) fn tell(&self) {
        self.keys.iter().for_each(KeyFile::tell);
        self.guards.iter().for_each(|guard| guard.tell_of_unlisted());
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The listener of this place.
    pub(crate) fn listener(&self, place: Place) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.place == place)
    }

    /// Where it will listen, in the order of the configuration.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.place.address).collect()
    }
}

impl Listener {
    /// How a connection begins now.
    pub(crate) fn way(&self) -> Way {
        self.termination.way()
    }
}

/// The file as it is written, with what profiles say of partners.
pub(crate) fn settings(path: &Path) -> Result<Settings, Error> {
    let folder = folder_of(path);
    let text = read(folder, path, "the configuration")?;
    let mut settings: Settings = toml::from_str(&text_of(&text))?;
    for (nth, table) in settings.outgoing.iter_mut().enumerate() {
        outgoing::fill(folder, nth, table)?;
    }
    settings.is_something()?;
    Ok(settings)
}

/// Who judges clients and partners, and the lists by which they do.
struct Judges<'a> {
    guards: BTreeMap<&'a str, Arc<Guard>>,
    outgoing: Vec<Outgoing>,
    feeds: Vec<Arc<Feed>>,
}

impl<'a> Judges<'a> {
    fn read(
        folder: &Path,
        settings: &'a Settings,
        (keeping, before): (&Keeping, Option<&Plan>),
        ledger: &Ledger,
        asked: (&Arc<Answers>, &Arc<Kept>),
    ) -> Result<Self, Error> {
        let partners = settings.outgoing.iter().enumerate();
        let partners = partners.map(|(nth, table)| outgoing::Draft::read(folder, nth, table, ledger));
        let partners: Vec<_> = partners.collect::<Result<_, _>>()?;
        let guards = settings.clients.iter().map(|(name, table)| guard::Draft::read(folder, name, table));
        let guards: Vec<_> = guards.collect::<Result<_, _>>()?;
        let subscribers = guards.iter().map(guard::Draft::subscriber);
        let subscribers = subscribers.chain(partners.iter().map(outgoing::Draft::subscriber));
        let used = before.map(Plan::all_feeds).unwrap_or_default();
        let feeds = feeds(&subscribers.collect::<Vec<_>>(), keeping, &used, ledger)?;
        let guards = guards.into_iter();
        let places = Arc::new(Places::new(keeping, &used));
        let with_lists = |draft: guard::Draft<'a>| {
            let mut guards = before.into_iter().flat_map(|before| &before.guards);
            let same = guards.find(|guard| guard.name() == draft.name).map(Arc::as_ref);
            (draft.name, Arc::new(draft.with_lists(&feeds, ledger, (&places, same), asked)))
        };
        let guards = guards.map(with_lists);
        let outgoing = partners.into_iter().map(|draft| draft.with_lists(&feeds)).collect();
        Ok(Self { guards: guards.collect(), outgoing: outgoing::each_once(outgoing)?, feeds })
    }
}

fn listeners(
    tables: &[ListenerTable],
    around: &Around<'_>,
    gathering: &mut Gathering<'_>,
) -> Result<Vec<Listener>, Error> {
    let mut all: Vec<Listener> = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let nth = all.iter().filter(|other| other.place.address == table.address).count();
        let place = Place { address: table.address, nth };
        all.push(listener(&format!("listener {}", at + 1), place, table, around, gathering)?);
    }
    Ok(all)
}

fn listener(
    name: &str,
    place: Place,
    table: &ListenerTable,
    around: &Around<'_>,
    gathering: &mut Gathering<'_>,
) -> Result<Listener, Error> {
    let Around { folder, ledger, .. } = around;
    let tally = |route: &str| ledger.routes.of(&format!("{place} {route}"));
    let routes = Routes::read(name, &table.route, tally, around)?;
    let anchors: Vec<_> =
        routes.iter().filter_map(|route| route.guard.as_ref()).map(|guard| guard.anchors()).collect();
    let termination = Termination::read(folder, name, table, &anchors, gathering)?;
    let tally = ledger.doors.of(&place.to_string());
    Ok(Listener {
        place,
        termination,
        head_within: table.head_within.0,
        proxies: table.proxies.clone(),
        passes: Pass::all(name, &table.pass)?,
        tally,
        routes,
    })
}
