//! Calls to partners: applications of this machine speak plain HTTP, the gate shows the certificate and believes no server unproven.
//!
//! It must never be reached from elsewhere, nor through a person's browser: whoever reaches it speaks with our certificate.

mod by_profile;
mod call;
mod words;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use hyper::http::uri::{Authority, Scheme, Uri};
use sceau_pki::{Certificate, RevocationLists};

use crate::{
    door::At,
    error::Error,
    files::certificates,
    lists::{Feed, Source, Subscriber},
    observe::Ledger,
    settings::OutgoingTable,
    upstream::{self, Upstreams},
};
pub(crate) use by_profile::fill;
pub(crate) use call::open;

const NOT_OURS: &str = "write an address of this machine alone, 127.0.0.1:8081 or [::1]:8081, or unix:/path with its `mode`: \
                        whoever reaches it speaks with your certificate";

/// Where applications call, and whom that reaches.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) at: At,
    upstreams: Upstreams,
    /// The partner, as its name stands in requests.
    authority: Authority,
    /// Its path before each request's own.
    base: String,
    /// Whose lists speak for the partner; set once they are loaded.
    feeds: Arc<OnceLock<Vec<Arc<Feed>>>>,
    /// Of the lists that the connections in use were begun under.
    epoch: AtomicU64,
}

/// One before its lists are loaded.
pub(crate) struct Draft {
    /// What its settings begin with.
    name: String,
    outgoing: Outgoing,
    sources: Vec<Source>,
    /// Whose lists it knows.
    authorities: Vec<Certificate>,
}

/// What a table says by itself, before a file that it names is read.
pub(crate) struct Written {
    at: At,
    to: Uri,
    authority: Authority,
    sources: Vec<Source>,
}

impl Written {
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn of(folder: &Path, name: &str, table: &OutgoingTable) -> Result<Self, Error> {
        let at = |setting: &str| format!("{name}, {setting}");
        let shape =
            || Error::setting(at("to"), "write it https://host, https://host:port or https://host/path");
        let to: Uri = table.to.as_deref().and_then(|to| to.parse().ok()).ok_or_else(shape)?;
        let authority = to.authority().filter(|it| !it.as_str().contains('@')).ok_or_else(shape)?.clone();
        if to.scheme() != Some(&Scheme::HTTPS) || to.query().is_some() {
            return Err(shape());
        }
        let texts = table.revocation_lists.iter().flatten();
        let sources = texts.map(|text| Source::read(text, folder)).collect::<Result<Vec<_>, _>>();
        let sources = sources.map_err(|reason| Error::setting(at("revocation_lists"), reason))?;
        if !sources.is_empty() && table.tls.as_ref().is_none_or(|tls| tls.authority.is_none()) {
            let reason = "lists are believed of the authorities that `tls.authority` names: name them";
            return Err(Error::setting(at("revocation_lists"), reason));
        }
        let at = self::at(&table.address, table.mode.as_deref(), name)?;
        Ok(Self { at, to, authority, sources })
    }
}

impl Draft {
    /// # Errors
    /// [`Error`] of the setting at fault.
    pub(crate) fn read(
        folder: &Path,
        nth: usize,
        table: &OutgoingTable,
        ledger: &Ledger,
    ) -> Result<Self, Error> {
        let name = format!("outgoing {}", nth + 1);
        let Written { at: place, to, authority, sources } = Written::of(folder, &name, table)?;
        let at = |setting: &str| format!("{name}, {setting}");
        let named = table.tls.as_ref().and_then(|tls| tls.authority.as_ref());
        let known = named.map(|path| certificates(folder, std::slice::from_ref(path), &at("tls.authority")));
        let feeds = Arc::new(OnceLock::new());
        let lists = (!sources.is_empty()).then(|| current(&feeds));
        let upstreams = upstream::of_outgoing(folder, &name, table, &authority, lists, ledger)?;
        let base = to.path().trim_end_matches('/').to_owned();
        let outgoing = Outgoing { at: place, upstreams, authority, base, feeds, epoch: AtomicU64::new(0) };
        Ok(Self { name, outgoing, sources, authorities: known.transpose()?.unwrap_or_default() })
    }

    /// Whose lists it is to be given.
    pub(crate) fn subscriber(&self) -> Subscriber<'_> {
        Subscriber { name: self.name.clone(), sources: &self.sources, authorities: &self.authorities }
    }

    /// With the lists that it asks, of all.
    pub(crate) fn with_lists(self, all: &[Arc<Feed>]) -> Outgoing {
        let own = all.iter().filter(|feed| self.sources.contains(&feed.source)).cloned().collect();
        // It is set here alone.
        drop(self.outgoing.feeds.set(own));
        self.outgoing
    }
}

/// # Errors
/// [`Error::Setting`] where two are at one address.
pub(crate) fn each_once(all: Vec<Outgoing>) -> Result<Vec<Outgoing>, Error> {
    for (nth, one) in all.iter().enumerate() {
        let port_is_chosen = matches!(one.at, At::Tcp(address) if address.port() == 0);
        if !port_is_chosen && all.iter().take(nth).any(|other| other.at == one.at) {
            return Err(Error::setting(format!("outgoing {}, address", nth + 1), "another one has it"));
        }
    }
    Ok(all)
}

/// What the lists of these feeds say at each moment; before they are loaded, nothing, and so nobody is believed.
fn current(feeds: &Arc<OnceLock<Vec<Arc<Feed>>>>) -> sceau_pki::CurrentLists {
    let feeds = Arc::clone(feeds);
    Box::new(move || {
        let lists = feeds.get().into_iter().flatten().map(|feed| feed.lists());
        lists.reduce(RevocationLists::and).unwrap_or_default()
    })
}

impl Outgoing {
    /// The partner, for whoever watches.
    pub(crate) fn partner(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The partner's services; connections that were begun under other lists are given up.
    fn upstreams(&self) -> &Upstreams {
        let now = self.feeds.get().into_iter().flatten().map(|feed| feed.epoch()).sum();
        if self.epoch.swap(now, Ordering::AcqRel) != now {
            self.upstreams.forget();
        }
        &self.upstreams
    }
}

/// An address of this machine alone.
fn at(text: &str, mode: Option<&str>, outgoing: &str) -> Result<At, Error> {
    let refused = |setting: &str, reason| Err(Error::setting(format!("{outgoing}, {setting}"), reason));
    let Some(path) = text.strip_prefix("unix:") else {
        let address: Option<SocketAddr> = text.parse().ok();
        return match address {
            Some(address) if address.ip().to_canonical().is_loopback() && mode.is_none() => {
                Ok(At::Tcp(address))
            }
            _ => refused("address", NOT_OURS),
        };
    };
    let mode = match mode {
        None | Some("0600") => 0o600,
        Some("0660") => 0o660,
        Some(_) => return refused("mode", "0600, for its owner, or 0660, for its group too"),
    };
    if !Path::new(path).is_absolute() {
        return refused("address", "the path of a socket begins with a slash");
    }
    Ok(At::Unix(PathBuf::from(path), mode))
}
