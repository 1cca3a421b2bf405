//! Routes: which one a request is for, by its host and path as every server may read them.
//!
//! It must never choose by a path that the service behind could take for another route's.

mod host;
mod path;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    assertion::Assertion,
    connection::HEAD,
    error::Error,
    guard::Guard,
    observe::{Ledger, RouteTally},
    settings::RouteTable,
    told::{Telling, Told},
    upstream::{self, Upstreams},
};
pub use host::read_host;
pub(crate) use host::{Host, NoHost, bare};
pub(crate) use path::Ambiguous;

/// Where requests of a host and path go, and who may send them.
#[derive(Debug)]
pub(crate) struct Route {
    host: Option<String>,
    path: Arc<str>,
    pub(crate) tally: Arc<RouteTally>,
    pub(crate) upstreams: Upstreams,
    pub(crate) largest_head: u64,
    /// What its services are told, signed.
    pub(crate) assertion: Option<Assertion>,
    /// Under which names they are told who calls.
    pub(crate) told: Told,
    pub(crate) guard: Option<Arc<Guard>>,
}

/// Those of a listener, the longest path first.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

/// What each route needs of the rest of the file.
pub(crate) struct Around<'a> {
    /// Where the file is.
    pub(crate) folder: &'a Path,
    pub(crate) guards: &'a BTreeMap<&'a str, Arc<Guard>>,
    pub(crate) telling: &'a Telling,
    pub(crate) ledger: &'a Ledger,
}

impl Routes {
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(
        listener: &str,
        tables: &[RouteTable],
        tally: impl Fn(&str) -> Arc<RouteTally>,
        around: &Around<'_>,
    ) -> Result<Self, Error> {
        check_apart(listener, tables)?;
        let routes = tables.iter().enumerate().map(|(nth, table)| {
            let name = format!("{listener}, route {}", nth + 1);
            let tally = tally(&format!("{} {}", table.host.as_deref().unwrap_or("*"), table.path));
            Route::read(&name, table, tally, around)
        });
        let mut routes: Vec<_> = routes.collect::<Result<_, _>>()?;
        routes.sort_by_key(|route| (std::cmp::Reverse(route.base().len()), route.host.is_none()));
        Ok(Self(routes))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// The one of a request for this host and path, if any.
    ///
    /// # Errors
    /// [`Ambiguous`] where the service behind may read the path otherwise, and would then be another route's.
    pub(crate) fn find(&self, host: &Host, path: &str) -> Result<Option<&Route>, Ambiguous> {
        let of = |path: &str, same| self.0.iter().position(|route| route.is_for(host.name(), path, same));
        Ok(path::agreed(path, of)?.and_then(|at| self.0.get(at)))
    }
}

/// Which of these paths, the longest first, is that of a request for `path`, as routes are found: its place, if any. For whoever tries that.
///
/// # Errors
/// Servers may read it as another's.
pub fn read_path(bases: &[&str], path: &str) -> Result<Option<usize>, NotOnePath> {
    let of = |path: &str, same| bases.iter().position(|base| path::is_below(base, path, same));
    path::agreed(path, of).map_err(|Ambiguous| NotOnePath)
}

/// A path that servers may read in several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOnePath;

/// What a route says by itself, before a file that it names is read.
///
/// # Errors
/// [`Error::Setting`].
pub(crate) fn check_written(name: &str, table: &RouteTable) -> Result<(), Error> {
    let at = |setting: &str| format!("{name}, {setting}");
    if !table.path.starts_with('/') {
        return Err(Error::setting(at("path"), "a path begins with a slash"));
    }
    if !path::is_plain(&table.path) {
        let reason = "servers may read this path in several ways, so no request would be for it: write it in ASCII, without %, ;, \\, ?, #, // and dots between slashes or before one";
        return Err(Error::setting(at("path"), reason));
    }
    if table.host.as_deref().is_some_and(|host| !host::is_plain(host)) {
        let reason = "no request would be for this host, and so the route would ask nobody who it is: write a name or an address alone, without scheme, port, wildcard and dot at its end";
        return Err(Error::setting(at("host"), reason));
    }
    if table.assertion.is_some() && table.clients.is_none() {
        return Err(Error::setting(
            at("assertion"),
            "without `clients` nobody is known who could be asserted",
        ));
    }
    if table.largest_head.is_some_and(|size| size.0 > HEAD as u64) {
        return Err(Error::setting(at("largest_head"), "a head has at most 64 KiB, whatever the route"));
    }
    Ok(())
}

/// What the routes of a listener say, besides each other.
///
/// # Errors
/// [`Error::Setting`], where two are for the same requests: only the first would be asked, whoever the other's clients are.
pub(crate) fn check_apart(listener: &str, tables: &[RouteTable]) -> Result<(), Error> {
    let is_same_host = |one: &RouteTable, other: &RouteTable| match (&one.host, &other.host) {
        (Some(one), Some(other)) => host::is_same(one, other),
        (one, other) => one == other,
    };
    for (nth, table) in tables.iter().enumerate() {
        let mut before = tables.iter().take(nth);
        let is_same = |other: &RouteTable| {
            is_same_host(table, other) && base(&table.path).eq_ignore_ascii_case(base(&other.path))
        };
        if before.any(is_same) {
            let reason = "a route before it is for the same host and path (capitals, and a slash at the end, make no other): the clients of that one alone would be asked";
            return Err(Error::setting(format!("{listener}, route {}, path", nth + 1), reason));
        }
    }
    Ok(())
}

/// A route's clients are those of a table that is not there.
pub(crate) fn no_such_clients(route: &str) -> Error {
    Error::setting(format!("{route}, clients"), "there is no table [clients.…] of this name")
}

impl Route {
    fn read(
        name: &str,
        table: &RouteTable,
        tally: Arc<RouteTally>,
        around: &Around<'_>,
    ) -> Result<Self, Error> {
        let &Around { folder, guards, telling, ledger } = around;
        let at = |setting: &str| format!("{name}, {setting}");
        check_written(name, table)?;
        let guard = table.clients.as_ref().map(|clients| {
            let guard = guards.get(clients.as_str()).cloned();
            guard.ok_or_else(|| no_such_clients(name))
        });
        let assertion =
            table.assertion.as_ref().map(|table| Assertion::read(folder, &at("assertion"), table));
        Ok(Self {
            host: table.host.clone(),
            path: table.path.as_str().into(),
            tally,
            upstreams: upstream::of_route(folder, name, table, ledger)?,
            largest_head: table.largest_head.map_or(HEAD as u64, |size| size.0),
            assertion: assertion.transpose()?,
            told: telling.told(name, &table.headers)?,
            guard: guard.transpose()?,
        })
    }

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
        base(&self.path)
    }

    fn is_for(&self, host: &str, path: &str, same: fn(&str, &str) -> bool) -> bool {
        self.host.as_deref().is_none_or(|own| host::is_same(own, host))
            && path::is_below(self.base(), path, same)
    }
}

fn base(path: &str) -> &str {
    path.trim_end_matches('/')
}
