//! `sceau cert`: certificates for mutual TLS, from the request to the day that they end. Words and files; what decides is in `sceau-pki`.

mod bundle;
mod ca;
mod config;
mod convert;
mod csr;
#[cfg(test)]
mod documented;
pub(crate) mod fault;
mod guide;
mod inspect;
mod lists;
mod ocsp;
mod online;
mod place;
mod probe;
mod profile;
pub(crate) mod token;
mod unspoken;
mod verify;
mod watch;
pub(crate) mod web;

use crate::failure::Failure;

/// What to do with certificates.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CertCommand {
    /// Make a key and a request for its certificate, where the key stays
    Csr(csr::CsrOptions),
    /// Put key, certificate and issuer into one file, checked against one another
    Bundle(bundle::BundleOptions),
    /// Show certificates, requests, revocation lists and bundles
    Inspect(inspect::InspectOptions),
    /// Turn certificates and revocation lists from DER into PEM and back
    Convert(convert::ConvertOptions),
    /// Say whether a certificate would pass, and if not, why
    Verify(verify::VerifyOptions),
    /// Say how long certificates and lists still hold
    Watch(watch::WatchOptions),
    /// Call a partner, and explain each step
    Probe(probe::ProbeOptions),
    /// Print correct settings for nginx, Apache, HAProxy or Traefik
    Config(config::ConfigOptions),
    /// Tell a platform's procedure step by step, what is done and what is next
    Guide(guide::GuideOptions),
    /// Be an authority of your own: root, intermediate, certificates, list
    #[command(subcommand)]
    Ca(ca::CaCommand),
}

impl CertCommand {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Csr(options) => csr::run(options),
            Self::Bundle(options) => bundle::run(options),
            Self::Inspect(options) => inspect::run(options),
            Self::Convert(options) => convert::run(options),
            Self::Verify(options) => verify::run(options),
            Self::Watch(options) => watch::run(options),
            Self::Probe(options) => probe::run(options),
            Self::Config(options) => config::run(options),
            Self::Guide(options) => guide::run(options),
            Self::Ca(command) => ca::run(command),
        }
    }

    /// Whether results, and a failure too, are asked for as JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Csr(options) => options.json,
            Self::Bundle(options) => options.json,
            Self::Inspect(options) => options.json,
            Self::Convert(_) | Self::Config(_) | Self::Ca(_) => false,
            Self::Verify(options) => options.json,
            Self::Watch(options) => options.json,
            Self::Probe(options) => options.json,
            Self::Guide(options) => options.json,
        }
    }
}

/// Unix milliseconds.
fn now() -> u64 {
    sceau_store::Clock::now_ms(&sceau_store::SystemClock)
}

/// A day in milliseconds.
const DAY_MS: u64 = 86_400_000;
