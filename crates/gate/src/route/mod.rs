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
    upstream::{self, Upstreams},
};
pub(crate) use host::{Host, NoHost};

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
    pub(crate) guard: Option<Arc<Guard>>,
}

/// Those of a listener, the longest path first.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

/// A path that does not mean the same to everybody.
#[derive(Debug)]
pub(crate) struct Ambiguous;

impl Routes {
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(
        folder: &Path,
        listener: &str,
        tables: &[RouteTable],
        tally: impl Fn(&str) -> Arc<RouteTally>,
        guards: &BTreeMap<&str, Arc<Guard>>,
        ledger: &Ledger,
    ) -> Result<Self, Error> {
        let routes = tables.iter().enumerate().map(|(nth, table)| {
            let name = format!("{listener}, route {}", nth + 1);
            let tally = tally(&format!("{} {}", table.host.as_deref().unwrap_or("*"), table.path));
            Route::read(folder, &name, table, tally, guards, ledger)
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
        let written = self.0.iter().find(|route| route.is_for(host.name(), path, str::eq));
        let readings = path::readings(path).map_err(|_| Ambiguous)?;
        let read = readings.iter().map(String::as_str).chain([path]);
        let mut read = read.map(|path| {
            self.0.iter().find(|route| route.is_for(host.name(), path, str::eq_ignore_ascii_case))
        });
        let same = read.all(|read| match (written, read) {
            (Some(written), Some(read)) => std::ptr::eq(written, read),
            (None, None) => true,
            _ => false,
        });
        if same { Ok(written) } else { Err(Ambiguous) }
    }
}

impl Route {
    fn read(
        folder: &Path,
        name: &str,
        table: &RouteTable,
        tally: Arc<RouteTally>,
        guards: &BTreeMap<&str, Arc<Guard>>,
        ledger: &Ledger,
    ) -> Result<Self, Error> {
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
        if table.largest_head.is_some_and(|size| size.0 > HEAD as u64) {
            return Err(Error::setting(at("largest_head"), "a head has at most 64 KiB, whatever the route"));
        }
        let assertion =
            table.assertion.as_ref().map(|table| Assertion::read(folder, &at("assertion"), table));
        Ok(Self {
            host: table.host.clone(),
            path: table.path.as_str().into(),
            tally,
            upstreams: upstream::of_route(folder, name, table, ledger)?,
            largest_head: table.largest_head.map_or(HEAD as u64, |size| size.0),
            assertion: assertion.transpose()?,
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
