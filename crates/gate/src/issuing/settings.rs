//! Who issues, as the file says it.
//!
//! ```toml
//! [acme.letsencrypt]
//! directory = "https://acme-v02.api.letsencrypt.org/directory" # the usual
//! authority = "pebble.pem"            # whom to believe at that address; the system's authorities without it
//! contact = ["mailto:it@example.org"] # whom the authority may write to
//! terms_agreed = true                 # you read the authority's terms of service, and agree
//! challenge = "tls-alpn-01"           # the usual; or "http-01", with
//! http = "0.0.0.0:80"                 # where challenges are answered, and all else is sent on to https
//! external_account = { id = "kid", key = "eab.key" } # where the authority knows its customers otherwise (RFC 8555 §7.3.4)
//! anchors = ["root.pem"]              # of whom its certificates must be; any chain that has the issuer without it
//! state = "state"                     # keys and certificates; else systemd's STATE_DIRECTORY, else this folder beside the file
//!
//! [ca.house]                          # `sceau cert ca sign` answers
//! folder = "/var/lib/sceau-exchange"
//!
//! [[listener]]
//! acme = "letsencrypt"                # or ca = "house", instead of certificate and key
//! names = ["api.example.org"]
//! ```

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcmeTable {
    #[serde(default = "lets_encrypt")]
    pub(crate) directory: String,
    pub(crate) authority: Option<PathBuf>,
    #[serde(default)]
    pub(crate) contact: Vec<String>,
    #[serde(default)]
    pub(crate) terms_agreed: bool,
    #[serde(default)]
    pub(crate) challenge: ChallengeKind,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) external_account: Option<ExternalTable>,
    pub(crate) anchors: Option<Vec<PathBuf>>,
    pub(crate) state: Option<PathBuf>,
}

/// How the authority looks whether a name is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum ChallengeKind {
    /// On the listener itself (RFC 8737).
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn,
    /// In plain HTTP (RFC 8555 §8.3).
    #[serde(rename = "http-01")]
    Http,
}

/// An account that the authority's customer has already.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalTable {
    pub(crate) id: String,
    pub(crate) key: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaTable {
    pub(crate) folder: PathBuf,
    pub(crate) anchors: Option<Vec<PathBuf>>,
    pub(crate) state: Option<PathBuf>,
}

fn lets_encrypt() -> String {
    instant_acme::LetsEncrypt::Production.url().to_owned()
}
