//! What the file says of services and partners: whom to reach, and how.

use std::{path::Path, sync::Arc};

use hyper::http::uri::Authority;
use rustls::pki_types::ServerName;
use sceau_pki::{Anchors, Certificate, CurrentLists, client_config, client_config_asking};

use super::{Bounds, Reach, TlsWays, To, Upstreams, check::Check};
use crate::{
    error::Error,
    files::{certificates, identity},
    observe::Ledger,
    proxy::Version,
    route::bare,
    settings::{OutgoingTable, RouteTable, TlsTable},
};

const SHAPE: &str = "write it http://host:port, https://host:port, h2c://host:port or unix:/path";

/// Those of a route, in the order of the file.
pub(crate) fn of_route(
    folder: &Path,
    route: &str,
    table: &RouteTable,
    ledger: &Ledger,
) -> Result<Upstreams, Error> {
    let at = |name: &str| format!("{route}, {name}");
    let Written { proxy, check, bounds } = Written::of(route, table)?;
    let texts = table.upstream.texts();
    let secure = texts.iter().any(|text| text.starts_with("https://"));
    let tls = secure.then(|| tls(folder, &at("tls"), table.tls.as_ref(), None)).transpose()?;
    let reaches = texts.iter().map(|text| {
        let to = to(text, tls.as_ref()).ok_or_else(|| Error::setting(at("upstream"), SHAPE))?;
        Ok(Reach { to, within: table.connect_within.0, proxy })
    });
    let reaches: Vec<Reach> = reaches.collect::<Result<_, Error>>()?;
    Ok(Upstreams::new(reaches, bounds, check, ledger))
}

/// What a route says by itself of its services, before a file that it names is read.
pub(crate) struct Written {
    proxy: Option<Version>,
    check: Option<Check>,
    bounds: Bounds,
}

impl Written {
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn of(route: &str, table: &RouteTable) -> Result<Self, Error> {
        let at = |name: &str| format!("{route}, {name}");
        let texts = table.upstream.texts();
        if table.tls.is_some() && !texts.iter().any(|text| text.starts_with("https://")) {
            return Err(Error::setting(at("tls"), "no upstream of this route begins with https://"));
        }
        let proxy = Version::read(&at("send_proxy"), table.send_proxy)?;
        if texts.is_empty() || !texts.iter().all(|text| has_shape(text)) {
            return Err(Error::setting(at("upstream"), SHAPE));
        }
        let bounds = Bounds { answer: table.answer_within.0, body: table.largest_body.map(|size| size.0) };
        let check = table.check.as_ref().map(|table| table.read(&at("check"))).transpose()?;
        Ok(Self { proxy, check, bounds })
    }
}

/// The partner that an outgoing address reaches.
pub(crate) fn of_outgoing(
    folder: &Path,
    outgoing: &str,
    table: &OutgoingTable,
    authority: &Authority,
    lists: Option<CurrentLists>,
    ledger: &Ledger,
) -> Result<Upstreams, Error> {
    let with_port = match authority.port() {
        Some(_) => Ok(authority.clone()),
        None => format!("{authority}:443").parse(),
    };
    let ways = tls(folder, &format!("{outgoing}, tls"), table.tls.as_ref(), lists)?;
    let to = with_port.ok().and_then(|authority| over_tls(authority, ways));
    let to = to.ok_or_else(|| Error::setting(format!("{outgoing}, to"), "this is no host"))?;
    let reach = Reach { to, within: table.connect_within.0, proxy: None };
    let bounds = Bounds { answer: table.answer_within.0, body: table.largest_body.map(|size| size.0) };
    // A partner is called when somebody wants something of it.
    Ok(Upstreams::new(vec![reach], bounds, None, ledger))
}

fn over_tls(authority: Authority, ways: TlsWays) -> Option<To> {
    let host = bare(authority.host());
    let name = ServerName::try_from(host.to_owned()).ok()?;
    Some(To::Tls(authority, name, ways))
}

fn to(text: &str, tls: Option<&TlsWays>) -> Option<To> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = Path::new(path);
        return path.is_absolute().then(|| To::Unix(path.to_owned()));
    }
    match scheme_and_authority(text)? {
        ("http", authority) => Some(To::Tcp(authority)),
        ("h2c", authority) => Some(To::TcpTwo(authority)),
        ("https", authority) => over_tls(authority, tls?.clone()),
        _ => None,
    }
}

fn scheme_and_authority(text: &str) -> Option<(&str, Authority)> {
    let (scheme, rest) = text.split_once("://")?;
    let authority: Authority = rest.trim_end_matches('/').parse().ok()?;
    let is_whole = authority.port().is_some() && !authority.as_str().contains('@');
    is_whole.then_some((scheme, authority))
}

/// Whether [`to`] takes it, whatever TLS is to be.
fn has_shape(text: &str) -> bool {
    match scheme_and_authority(text) {
        Some(("https", authority)) => ServerName::try_from(bare(authority.host())).is_ok(),
        _ => to(text, None).is_some(),
    }
}

/// Whom to believe, and what to show: the system's authorities and no certificate, unless the table says otherwise.
fn tls(
    folder: &Path,
    setting: &str,
    table: Option<&TlsTable>,
    lists: Option<CurrentLists>,
) -> Result<TlsWays, Error> {
    let at = |name: &str| format!("{setting}.{name}");
    let authority = table.and_then(|table| table.authority.as_ref());
    let trusted = match authority {
        Some(path) => certificates(folder, std::slice::from_ref(path), &at("authority"))?,
        None => of_the_system(),
    };
    let anchors = Anchors::new(trusted).map_err(Error::pki(&at("authority")))?;
    let shown = match table.map(|table| (&table.certificate, &table.key)) {
        Some((Some(chain), Some(key))) => {
            Some(identity(folder, [chain, key], [&at("certificate"), &at("key")])?)
        }
        None | Some((None, None)) => None,
        Some(_) => {
            return Err(Error::setting(setting, "a certificate needs its key, and a key its certificate"));
        }
    };
    let either = match lists {
        Some(lists) => client_config_asking(&anchors, shown.as_ref(), lists),
        None => client_config(&anchors, shown.as_ref()),
    };
    let either = either.map_err(Error::pki(setting))?;
    let mut one = either.clone();
    one.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsWays { either: Arc::new(either), one: Arc::new(one) })
}

/// Those of the system's that may issue.
pub(crate) fn of_the_system() -> Vec<Certificate> {
    let found = rustls_native_certs::load_native_certs().certs;
    let read = found.iter().filter_map(|der| Certificate::from_der(der, "the system's authorities").ok());
    read.filter(|certificate| Anchors::new([certificate.clone()]).is_ok()).collect()
}
