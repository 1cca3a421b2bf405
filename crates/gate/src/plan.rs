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
    address,
    assertion::Assertion,
    connection::HEAD,
    error::Error,
    files::{identity, read, text_of},
    guard::Guard,
    guards::{guards, keeping},
    lists::{Feed, Keeping, Stamp, stamp},
    observe::{Dated, DoorTally, Ledger, Observing, RouteTally, dated},
    ocsp::{self, Answers},
    outgoing::{self, Outgoing},
    pass::Pass,
    routes::{passes, upstreams},
    settings::{ListenerTable, RouteTable, Settings},
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
    pub(crate) certificates: Vec<Dated>,
    pub(crate) observing: Option<Arc<Observing>>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) answers: Arc<Answers>,
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) place: Place,
    pub(crate) tls: Arc<rustls::ServerConfig>,
    /// What is handed out with its certificate.
    pub(crate) staple: Option<Staple>,
    pub(crate) head_within: Duration,
    /// Whose PROXY header is read, and must be there.
    pub(crate) proxies: Vec<IpAddr>,
    /// What is passed on by its name.
    pub(crate) passes: Arc<[Pass]>,
    pub(crate) tally: Arc<DoorTally>,
    /// The longest path first.
    pub(crate) routes: Vec<Route>,
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

/// A path that does not mean the same to everybody.
#[derive(Debug)]
pub(crate) struct Ambiguous;

#[derive(Debug)]
pub(crate) struct Route {
    host: Option<String>,
    path: Arc<str>,
    pub(crate) tally: Arc<RouteTally>,
    pub(crate) upstreams: Upstreams,
    pub(crate) largest_head: u64,
    /// What its services are told, signed.
    pub(crate) assertion: Option<Assertion>,
    pub(crate) guard: Option<Arc<Guard>>,
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

    fn read_after(path: &Path, before: Option<&Self>) -> Result<Self, Error> {
        let ledger = before.map(|before| Arc::clone(&before.ledger)).unwrap_or_default();
        let answers = before.map(|before| Arc::clone(&before.answers)).unwrap_or_default();
        let stamp = stamp(path);
        let folder = path.parent().unwrap_or(Path::new("."));
        let text = read(folder, path, "the configuration")?;
        let settings: Settings = toml::from_str(&text_of(&text))?;
        if settings.listener.is_empty() && settings.outgoing.is_empty() {
            // Such as a file that is just being written.
            return Err(Error::setting(
                "the configuration",
                "it has neither a [[listener]] nor an [[outgoing]]",
            ));
        }
        let keeping = keeping(folder, &settings.lists);
        let clients: Vec<_> = settings.clients.iter().map(|(name, table)| (name.as_str(), table)).collect();
        let used = before.map_or(&[][..], |before| &before.feeds);
        let drafts = settings.outgoing.iter().enumerate();
        let drafts = drafts.map(|(nth, table)| outgoing::Draft::read(folder, nth, table, &ledger));
        let drafts: Vec<_> = drafts.collect::<Result<_, _>>()?;
        let others = drafts.iter().map(outgoing::Draft::asks).collect();
        let (guards, feeds) = guards(folder, &clients, &keeping, used, others, &ledger, &answers)?;
        let outgoing = outgoing::each_once(drafts.into_iter().map(|draft| draft.asking(&feeds)).collect())?;
        let mut listeners: Vec<Listener> = Vec::new();
        for (at, table) in settings.listener.iter().enumerate() {
            let nth = listeners.iter().filter(|other| other.place.address == table.address).count();
            let place = Place { address: table.address, nth };
            listeners.push(listener(
                folder,
                &format!("listener {}", at + 1),
                place,
                table,
                &guards,
                &ledger,
            )?);
        }
        before.iter().for_each(|before| before.hand_on_staples(&listeners));
        let observing = settings.observe.as_ref().map(|table| Observing::read(folder, table)).transpose()?;
        let observing = observing.map(|wanted| wanted.after(before.and_then(|it| it.observing.as_ref())));
        let (path, guards) = (path.to_owned(), guards.into_values().collect::<Vec<_>>());
        let certificates = dated(folder, &settings, &guards)?;
        Ok(Self {
            path,
            stamp,
            listeners,
            outgoing,
            guards,
            feeds,
            keeping,
            certificates,
            observing,
            ledger,
            answers,
        })
    }

    /// What is handed out with the same certificate stays so.
    fn hand_on_staples(&self, next: &[Listener]) {
        for staple in next.iter().filter_map(|listener| listener.staple.as_ref()) {
            let same = self.staples().find(|used| used.certificate() == staple.certificate());
            same.into_iter().for_each(|used| staple.put(used.response()));
        }
    }

    /// What is handed out with each listener's certificate.
    pub(crate) fn staples(&self) -> impl Iterator<Item = &Staple> {
        self.listeners.iter().filter_map(|listener| listener.staple.as_ref())
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
    /// The route of a request for this host and path, if any.
    ///
    /// # Errors
    /// [`Ambiguous`] where the service behind may read the path otherwise, and would then be another route's.
    pub(crate) fn route(&self, host: &str, path: &str) -> Result<Option<&Route>, Ambiguous> {
        let written = self.routes.iter().find(|route| route.is_for(host, path, str::eq));
        let readings = address::readings(path).map_err(|_| Ambiguous)?;
        let read = readings.iter().map(String::as_str).chain([path]);
        let mut read = read
            .map(|path| self.routes.iter().find(|route| route.is_for(host, path, str::eq_ignore_ascii_case)));
        let same = read.all(|read| match (written, read) {
            (Some(written), Some(read)) => std::ptr::eq(written, read),
            (None, None) => true,
            _ => false,
        });
        if same { Ok(written) } else { Err(Ambiguous) }
    }
}

impl Route {
    /// As the file has it.
    pub(crate) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// None: any.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Its path without the slash at its end, which is where its own addresses begin.
    pub(crate) fn base(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    fn is_for(&self, host: &str, path: &str, same: fn(&str, &str) -> bool) -> bool {
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.host.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(host))
            && path
                .split_at_checked(self.base().len())
                .is_some_and(|(start, rest)| same(start, self.base()) && below(rest))
    }
}

fn listener(
    folder: &Path,
    name: &str,
    place: Place,
    table: &ListenerTable,
    guards: &BTreeMap<&str, Arc<Guard>>,
    ledger: &Ledger,
) -> Result<Listener, Error> {
    let (at_certificate, at_key) = (format!("{name}, certificate"), format!("{name}, key"));
    let identity = identity(folder, [&table.certificate, &table.key], [&at_certificate, &at_key])?;
    let routes = table.route.iter().enumerate();
    let routes = routes
        .map(|(at, table)| route(folder, &format!("{name}, route {}", at + 1), place, table, guards, ledger));
    let mut routes: Vec<_> = routes.collect::<Result<_, _>>()?;
    routes.sort_by_key(|route| (std::cmp::Reverse(route.base().len()), route.host.is_none()));
    let anchors: Vec<_> =
        routes.iter().filter_map(|route| route.guard.as_ref()).map(|guard| guard.anchors()).collect();
    let (tls, staple) = ocsp::server(&identity, &anchors, table.staple, name)?;
    let tls = Arc::new(tls);
    let tally = ledger.doors.of(&place.to_string());
    Ok(Listener {
        place,
        tls,
        staple,
        head_within: table.head_within.0,
        proxies: table.proxies.clone(),
        passes: passes(name, &table.pass)?,
        tally,
        routes,
    })
}

fn route(
    folder: &Path,
    name: &str,
    place: Place,
    table: &RouteTable,
    guards: &BTreeMap<&str, Arc<Guard>>,
    ledger: &Ledger,
) -> Result<Route, Error> {
    let at = |setting: &str| format!("{name}, {setting}");
    if !table.path.starts_with('/') {
        return Err(Error::setting(at("path"), "a path begins with a slash"));
    }
    let guard = table.clients.as_ref().map(|name| {
        let unknown = || Error::setting(at("clients"), "there is no table [clients.…] of this name");
        guards.get(name.as_str()).cloned().ok_or_else(unknown)
    });
    if table.assertion.is_some() && table.clients.is_none() {
        return Err(Error::setting(
            at("assertion"),
            "without `clients` nobody is known who could be asserted",
        ));
    }
    let assertion = table.assertion.as_ref().map(|table| Assertion::read(folder, &at("assertion"), table));
    Ok(Route {
        host: table.host.clone(),
        path: table.path.as_str().into(),
        tally: ledger.routes.of(&format!("{place} {} {}", table.host.as_deref().unwrap_or("*"), table.path)),
        upstreams: upstreams(folder, name, table, ledger)?,
        largest_head: table.largest_head.map_or(HEAD as u64, |size| size.0),
        assertion: assertion.transpose()?,
        guard: guard.transpose()?,
    })
}
