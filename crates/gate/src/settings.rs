//! The gate's file as it is written (TOML).
//!
//! ```toml
//! [[listener]]
//! address = "0.0.0.0:443"
//! certificate = "server.pem"          # the chain, leaf first
//! key = "server.key"                  # PKCS#8, readable by its owner only; or "pkcs11:token=gate;object=server?module-path=…&pin-source=file:…"
//! proxies = ["10.0.0.1"]             # balancers that speak the PROXY protocol, which is read from no one else
//! staple = true                       # hand out the certificate's OCSP response; so without it where the certificate names a responder
//! head_within = "20s"                 # how long a client may take for a request's head; this is the usual
//!
//! [[listener.pass]]                   # TLS that is asked for this name is passed on as it comes
//! name = "intake.example.org"
//! to = "10.0.0.2:8443"
//! send_proxy = 2
//!
//! [[listener.route]]                  # the first whose host fits and whose path is the longest
//! host = "api.example.org"            # any host without it
//! path = "/fhir"                      # everything without it
//! upstream = "http://127.0.0.1:8080"
//! clients = "sas-production"          # who may pass; anybody without it
//! assertion = { key = "assertion.key", audience = "urn:service", issuer = "sceau-gate", lifetime = "60s" } # who calls, signed; the last two are the usual
//! send_proxy = 2                      # the PROXY protocol is spoken to the service: 1 or 2
//! connect_within = "5s"               # this and the next are the usual
//! answer_within = "60s"               # while nothing happens, before the answer begins and amid it
//! largest_body = "10 MiB"             # any size without it
//! largest_head = "64 KiB"
//! tls = { authority = "ca.pem", certificate = "gate.pem", key = "gate.key" } # of upstreams that begin with https://, which may speak HTTP/2; h2c:// speaks it without TLS
//!
//! [clients.sas-production]
//! anchors = ["ACR-EL.pem"]
//! intermediates = ["ACI-EL-ORG.pem"]
//! issuer = "ACI-EL-ORG.pem"           # whose certificates are taken; any below the anchors without it
//! revocation_lists = ["ACR-EL.crl", "http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG.crl"]
//! addresses = ["51.68.88.222"]        # from where; anywhere without it
//! # What to do where no current list speaks: without it, refuse.
//! fail_open = { maximum_age = "48h", journal = "unchecked.jsonl" }
//! # Whom to ask about each certificate besides: this is the usual, and without it nobody.
//! ocsp = { deadline = "2s", nonce = "sent", prefer = "ocsp" } # and responder = "http://…", else the one that it names
//! [[clients.sas-production.allow]]    # anybody whom the authority vouches for without one
//! common_name = "sas-aggregator-production"
//! organizational_units = ["318751275100020"]
//! addresses = ["51.68.88.222"]        # from where this one calls; from anywhere that the table allows without it
//!
//! [clients.sas]                       # the same by a profile: what is not written is as it says
//! profile = "sas"                     # or a file: "profiles/ours.toml"
//! environment = "production"          # or several, ["recette", "preproduction"], below the same authorities
//!
//! [[listener]]                        # for browsers of this machine, where no certificate of ours is believed
//! address = "127.0.0.1:8080"          # loopback, and no other
//! plain = true                        # without TLS: its routes ask for no clients
//!
//! [[outgoing]]                        # for applications of this machine, which call a partner in plain HTTP by this address
//! address = "127.0.0.1:8081"          # or unix:/path, with mode = "0600" or "0660"
//! to = "https://partner.example.org/base"
//! tls = { authority = "partner-ca.pem", certificate = "ours.pem", key = "ours.key" }
//! revocation_lists = ["partner-ca.crl"] # of those authorities; nobody is asked without it
//!
//! [lists]                             # how they are kept; this is the usual
//! cache = "cache"                     # else systemd's CACHE_DIRECTORY, else this folder beside the file
//! fetch_from = "07:00"                # UTC: once a day, within
//! fetch_within = "4h"
//! largest = "64 MiB"
//! time_out = "60s"
//!
//! [observe]                           # what is to be seen of it; nothing without the table
//! address = "127.0.0.1:9464"          # or unix:/path
//! names = ["gate.internal"]           # by which it may be asked, besides localhost and addresses
//! access_log = "access.jsonl"         # or "-": standard output
//! queries = false                     # whether the log has what follows the question mark
//! traces = "http://127.0.0.1:4318"    # an OTLP collector
//! ```
//!
//! Paths are relative to the file's folder. What is not known is refused.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;

use crate::{
    observe::ObserveTable,
    ocsp::OcspTable,
    units::{Hour, Size, Span, Spread},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) lists: ListsTable,
    pub(crate) observe: Option<ObserveTable>,
    #[serde(default)]
    pub(crate) listener: Vec<ListenerTable>,
    #[serde(default)]
    pub(crate) outgoing: Vec<OutgoingTable>,
    #[serde(default)]
    pub(crate) clients: BTreeMap<String, ClientsTable>,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerTable {
    pub(crate) address: SocketAddr,
    #[serde(default)]
    pub(crate) plain: bool,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
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
    pub(crate) to: String,
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

#[derive(Debug, Deserialize)]
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
    pub(crate) revocation_lists: Option<Vec<String>>,
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
