//! The gate's file as it is written (TOML). Each setting has its row in docs/gate.md, "All settings", with its usual value. Paths are relative to the
//! file's folder. What is not known is refused.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;

use crate::{
    error::Error,
    issuing::{AcmeTable, CaTable},
    observe::ObserveTable,
    ocsp::OcspTable,
    told::HeadersTable,
    units::{Hour, Size, Span, Spread},
    upstream::CheckTable,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) lists: ListsTable,
    pub(crate) observe: Option<ObserveTable>,
    #[serde(default)]
    pub(crate) identity: IdentityTable,
    #[serde(default)]
    pub(crate) listener: Vec<ListenerTable>,
    #[serde(default)]
    pub(crate) outgoing: Vec<OutgoingTable>,
    #[serde(default)]
    pub(crate) clients: BTreeMap<String, ClientsTable>,
    #[serde(default)]
    pub(crate) acme: BTreeMap<String, AcmeTable>,
    #[serde(default)]
    pub(crate) ca: BTreeMap<String, CaTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListsTable {
    pub(crate) cache: Option<PathBuf>,
    pub(crate) fetch_from: Hour,
    pub(crate) fetch_within: Spread,
    pub(crate) largest: Size,
    pub(crate) time_out: Span,
}

impl Default for ListsTable {
    fn default() -> Self {
        Self {
            cache: None,
            fetch_from: Hour(Duration::from_secs(7 * 3600)),
            fetch_within: Spread(Duration::from_secs(4 * 3600)),
            largest: Size(64 << 20),
            time_out: Span(Duration::from_secs(60)),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityTable {
    #[serde(default)]
    pub(crate) headers: HeadersTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerTable {
    pub(crate) address: SocketAddr,
    #[serde(default)]
    pub(crate) plain: bool,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// Instead of both: who issues it, and for which names.
    pub(crate) acme: Option<String>,
    pub(crate) ca: Option<String>,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    #[serde(default = "twenty_seconds")]
    pub(crate) head_within: Span,
    #[serde(default)]
    pub(crate) proxies: Vec<IpAddr>,
    pub(crate) staple: Option<bool>,
    #[serde(default)]
    pub(crate) pass: Vec<PassTable>,
    pub(crate) route: Vec<RouteTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassTable {
    pub(crate) name: String,
    pub(crate) to: String,
    pub(crate) send_proxy: Option<u8>,
    #[serde(default = "five_seconds")]
    pub(crate) connect_within: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutgoingTable {
    pub(crate) address: String,
    pub(crate) mode: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) editor: Option<String>,
    pub(crate) tls: Option<TlsTable>,
    pub(crate) revocation_lists: Option<Vec<String>>,
    #[serde(default = "five_seconds")]
    pub(crate) connect_within: Span,
    #[serde(default = "a_minute")]
    pub(crate) answer_within: Span,
    pub(crate) largest_body: Option<Size>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteTable {
    pub(crate) host: Option<String>,
    #[serde(default = "everything")]
    pub(crate) path: String,
    pub(crate) upstream: OneOrMore,
    pub(crate) clients: Option<String>,
    pub(crate) tls: Option<TlsTable>,
    pub(crate) send_proxy: Option<u8>,
    pub(crate) assertion: Option<AssertionTable>,
    #[serde(default)]
    pub(crate) headers: HeadersTable,
    pub(crate) check: Option<CheckTable>,
    #[serde(default = "five_seconds")]
    pub(crate) connect_within: Span,
    #[serde(default = "a_minute")]
    pub(crate) answer_within: Span,
    pub(crate) largest_body: Option<Size>,
    pub(crate) largest_head: Option<Size>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssertionTable {
    pub(crate) key: PathBuf,
    pub(crate) audience: String,
    #[serde(default = "sceau_gate")]
    pub(crate) issuer: String,
    #[serde(default = "a_minute")]
    pub(crate) lifetime: Span,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsTable {
    pub(crate) authority: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientsTable {
    pub(crate) profile: Option<String>,
    pub(crate) environment: Option<OneOrMore>,
    pub(crate) anchors: Option<Vec<PathBuf>>,
    pub(crate) intermediates: Option<Vec<PathBuf>>,
    pub(crate) issuer: Option<PathBuf>,
    pub(crate) depth: Option<u8>,
    #[serde(default)]
    pub(crate) policies: Vec<String>,
    #[serde(default)]
    pub(crate) types: Vec<TypeTable>,
    pub(crate) revocation_lists: Option<Vec<String>>,
    pub(crate) distribution_points: Option<Vec<String>>,
    pub(crate) addresses: Option<AddressesTable>,
    pub(crate) allow: Option<Vec<AllowTable>>,
    pub(crate) fail_open: Option<FailOpenTable>,
    pub(crate) ocsp: Option<OcspTable>,
}

/// `"any"`, or those that are meant.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum AddressesTable {
    These(Vec<IpAddr>),
    Any(Any),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Any {
    Any,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailOpenTable {
    pub(crate) maximum_age: Span,
    pub(crate) journal: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowTable {
    pub(crate) common_name: String,
    pub(crate) organizational_units: Vec<String>,
    pub(crate) addresses: Option<Vec<IpAddr>>,
    #[serde(default)]
    pub(crate) policies: Vec<String>,
    #[serde(default)]
    pub(crate) types: Vec<TypeTable>,
}

/// An extension, and one of what may stand in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeTable {
    pub(crate) extension: String,
    pub(crate) text: Option<String>,
    pub(crate) oid: Option<String>,
    pub(crate) der: Option<String>,
}

impl Settings {
    /// # Errors
    /// [`Error::Setting`] of a file that serves nobody, such as one that is just being written.
    pub(crate) fn is_something(&self) -> Result<(), Error> {
        if self.listener.is_empty() && self.outgoing.is_empty() {
            let reason = "it has neither a [[listener]] nor an [[outgoing]]";
            return Err(Error::setting("the configuration", reason));
        }
        Ok(())
    }
}

impl OneOrMore {
    pub(crate) fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::More(texts) => texts,
        }
    }
}

fn twenty_seconds() -> Span {
    Span(Duration::from_secs(20))
}

fn five_seconds() -> Span {
    Span(Duration::from_secs(5))
}

fn a_minute() -> Span {
    Span(Duration::from_secs(60))
}

fn sceau_gate() -> String {
    "sceau-gate".to_owned()
}

fn everything() -> String {
    "/".to_owned()
}
