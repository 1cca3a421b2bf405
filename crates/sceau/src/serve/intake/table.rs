//! The intake's own settings, in one TOML file (`sceau serve intake --config FILE`). What the command line says goes before it.
//!
//! ```toml
//! [intake]
//! listen = "0.0.0.0:8445"
//! tls = "/etc/sceau/intake.pem"
//! platform = "https://sceau.example.org"
//! platform_anchors = "/etc/sceau/racine.pem"   # who vouches for it; else the system's authorities
//! log_key = "sceau.example.org/log+…"
//! key = "/var/lib/sceau-intake/intake.key"
//! largest_mib = 1024
//!
//! [antivirus]
//! pool = ["unix:/run/clamav/clamd.ctl", "tcp:127.0.0.1:3311"]   # the second is the local end of a TLS tunnel
//! patience_seconds = 600
//!
//! [limits]
//! at_once = 112                     # files received at once; each takes about a mebibyte and a quarter
//! per_deposit = 4                   # of these, for one deposit
//! per_address = 24                  # and for one address (of IPv6: one /64)
//! connections_per_address = 64      # behind a gate that passes TLS through, every sender has the gate's address: as many as there are
//! deposits_per_second = 10          # begun from one address; ten times as many at once
//! lowest_rate = 16384               # bytes a second, after the grace
//! grace_seconds = 30
//! silence_seconds = 20
//! whole_seconds = 7200              # for one file
//!
//! [clients]                         # certificates of who sends, asked for in the handshake: see `callers.rs`; without it, nobody is asked
//! anchors = ["/etc/sceau/partners.pem"]
//! demand = "nobody"                 # citizens' browsers have none
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_accounts::callers::ReadSettings;
use sceau_dossiers::intake::Slowest;
use sceau_store::{ClamdAddress, Rule};
use serde::Deserialize;

use crate::failure::{Exit, Failure};
use crate::serve::callers::{self, CallersTable};
use crate::serve::settings::text;

/// What a certificate may be demanded for.
const PLACES: [&str; 1] = ["/v1/deposits"];

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// How it is reached, and what it stands on.
    pub(super) intake: Reached,
    /// Its antivirus.
    pub(super) antivirus: Pool,
    /// What senders may take.
    pub(super) limits: Limits,
    /// Whose certificates are asked for; nobody's without it.
    pub(super) clients: Option<CallersTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reached {
    pub(super) listen: Option<SocketAddr>,
    pub(super) tls: Option<PathBuf>,
    pub(super) platform: Option<String>,
    pub(super) platform_anchors: Option<PathBuf>,
    pub(super) log_key: Option<String>,
    pub(super) key: Option<PathBuf>,
    pub(super) largest_mib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pool {
    pool: Vec<String>,
    pub(super) patience_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) at_once: usize,
    pub(super) per_deposit: usize,
    pub(super) per_address: usize,
    pub(super) connections_per_address: usize,
    deposits_per_second: u32,
    lowest_rate: u64,
    grace_seconds: u64,
    silence_seconds: u64,
    whole_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let Slowest { rate, grace, silence, whole } = Slowest::default();
        Self {
            at_once: 112,
            per_deposit: 4,
            per_address: 24,
            connections_per_address: 64,
            deposits_per_second: 10,
            lowest_rate: rate,
            grace_seconds: grace.as_secs(),
            silence_seconds: silence.as_secs(),
            whole_seconds: whole.as_secs(),
        }
    }
}

impl Limits {
    /// What begins a deposit is a grant.
    pub(super) fn grants(&self) -> Rule {
        let a_second = self.deposits_per_second;
        Rule { burst: a_second.saturating_mul(10), ..Rule::per_hour(0, a_second.saturating_mul(3600)) }
    }

    pub(super) fn slowest(&self) -> Slowest {
        Slowest {
            rate: self.lowest_rate,
            grace: Duration::from_secs(self.grace_seconds),
            silence: Duration::from_secs(self.silence_seconds),
            whole: Duration::from_secs(self.whole_seconds),
        }
    }
}

impl Pool {
    fn addresses(&self) -> Result<Vec<ClamdAddress>, String> {
        self.pool
            .iter()
            .map(|text| text.parse().map_err(|error| format!("antivirus.pool: {error}")))
            .collect()
    }
}

impl Table {
    /// Reads the file; without one, everything is the command line's.
    ///
    /// # Errors
    /// With the file, the line and what is expected there.
    pub(super) fn read(path: Option<&Path>) -> Result<(Self, Vec<ClamdAddress>), Failure> {
        let Some(path) = path else { return Ok((Self::default(), Vec::new())) };
        let wrong = |words: String| {
            Failure::new(Exit::Usage, "settings", format!("{}: {}", path.display(), words.trim_end()))
        };
        let table: Self = toml::from_str(&text(path)?).map_err(|error| wrong(error.to_string()))?;
        let zero = [table.limits.at_once, table.limits.per_deposit, table.limits.per_address];
        let connections = table.limits.connections_per_address;
        if zero.contains(&0) || connections == 0 || table.limits.deposits_per_second == 0 {
            return Err(wrong("limits: at least 1, or nobody sends anything".to_owned()));
        }
        let pool = table.antivirus.addresses().map_err(wrong)?;
        Ok((table, pool))
    }

    /// Reads the section `[clients]` of a file, again each time that it is asked for.
    pub(super) fn clients(path: PathBuf) -> ReadSettings {
        Box::new(move |files| {
            files.note(&path);
            let (table, _) = Self::read(Some(&path)).map_err(|failure| failure.to_string())?;
            table.clients.ok_or_else(callers::gone)?.settings(&PLACES)
        })
    }
}
