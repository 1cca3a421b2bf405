//! `sceau cert probe`: calls a partner as a client would, and says of each step what was found and what to do.

mod answer;
mod call;
mod staple;

use std::path::{Path, PathBuf};

use sceau_pki::{Anchors, Certificate, Material, PrivateKey, TlsIdentity};
use serde::Serialize;
use serde_json::json;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
use url::Url;

use super::{fault, token};
use crate::command::input::read_small;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau cert probe https://partner.example.org/sas --cert sas/MonLogiciel_TEST.key.crt.ca.pem
  sceau cert probe https://partner.example.org/sas          without a certificate
  sceau cert probe https://127.0.0.1:8443/ --anchors ca.pem --cert client.pem --key client.key

<URL>/check is asked for. Nothing but this one request is sent, and only to a server whose certificate is believed. Ends with 0 where the service answers that it \
works, with 5 where a certificate is not believed on one of the sides, with 1 where it cannot be reached or does not work.";

/// Where Debian, and others, keep the authorities that everybody knows.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
/// All of those take a quarter of a mebibyte.
const LONGEST: u64 = 16 << 20;

/// Whom to call, and as whom.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProbeOptions {
    /// Base address of the service (https://…)
    url: Url,
    /// Our certificate and what stands between it and its anchor; the key may be in the same file
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Our private key, readable by this user alone; or its address in a token (pkcs11:…)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Authorities that may vouch for the server, PEM [default: those of the system]
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// What to ask for, below the base address
    #[arg(long, value_name = "PATH", default_value = "/check")]
    path: String,
    /// Print the steps as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Well,
    /// Works, and is to be known.
    Notice,
    /// It cannot be reached, or does not work.
    Trouble,
    /// A certificate is not believed.
    Refused,
}

/// What was found in one step.
#[derive(Debug, Serialize)]
struct Step {
    /// Stable.
    step: &'static str,
    state: State,
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Step {
    fn new(step: &'static str, state: State, found: impl Into<String>) -> Self {
        Self { step, state, found: found.into(), advice: None }
    }

    fn well(step: &'static str, found: impl Into<String>) -> Self {
        Self::new(step, State::Well, found)
    }

    fn but(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

pub(super) fn run(options: &ProbeOptions) -> Result<(), Failure> {
    let (Some(host), "https") = (options.url.host_str(), options.url.scheme()) else {
        return Err(fault::usage("not_https", "the address begins with https:// and has a host"));
    };
    let plan = call::Plan {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: options.url.port_or_known_default().unwrap_or(443),
        path: format!(
            "{}/{}",
            options.url.path().trim_end_matches('/'),
            options.path.trim_start_matches('/')
        ),
        anchors: anchors(options.anchors.as_deref())?,
        identity: options.cert.as_deref().map(|cert| identity(cert, options.key.as_deref())).transpose()?,
        now: super::now(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    let steps = runtime.block_on(call::steps(&plan));
    tell(&steps, options.json)?;
    let worst = steps.iter().rev().find(|step| matches!(step.state, State::Trouble | State::Refused));
    match worst {
        None => Ok(()),
        Some(step) => {
            let exit = if step.state == State::Refused { Exit::Proof } else { Exit::System };
            Err(Failure::new(exit, format!("probe_{}", step.step), format!("{}: {}", step.step, step.found)))
        }
    }
}

fn anchors(given: Option<&Path>) -> Result<Anchors, Failure> {
    let there = || SYSTEM.iter().map(Path::new).find(|path| path.exists());
    let Some(path) = given.or_else(there) else {
        return Err(fault::usage(
            "no_anchors",
            "this system keeps no authorities where they are looked for: give --anchors",
        ));
    };
    let bytes = read_small(path, LONGEST, "a file of authorities")?;
    let label = path.display().to_string();
    let made = if given.is_some() {
        Material::certificates(&bytes, &label).and_then(Anchors::new)
    } else {
        // One of the system's that is not read here only means that it is not trusted.
        let ders = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok);
        Anchors::new(ders.filter_map(|der| Certificate::from_der(&der, &label).ok()))
    };
    made.map_err(|error| fault::pki(&error))
}

fn identity(cert: &Path, key: Option<&Path>) -> Result<TlsIdentity, Failure> {
    let key_path = key.unwrap_or(cert);
    if let Some(uri) = token::address(key_path)? {
        let bytes = read_small(cert, LONGEST, "a certificate")?;
        let chain = Material::certificates(&bytes, &cert.display().to_string());
        let chain: String =
            chain.map_err(|error| fault::pki(&error))?.iter().map(Certificate::to_pem).collect();
        let key = std::sync::Arc::new(token::find(&uri)?);
        return TlsIdentity::with_key_elsewhere(&chain, key).map_err(|error| fault::pki(&error));
    }
    sceau_hsm::durable::check_secret(key_path)?;
    let read = |path: &Path| -> Result<Vec<Material>, Failure> {
        let bytes = zeroize::Zeroizing::new(read_small(path, LONGEST, "a certificate and its key")?);
        Material::read(&bytes, &path.display().to_string()).map_err(|error| fault::pki(&error))
    };
    let (mut chain, mut own): (String, Option<PrivateKey>) = (String::new(), None);
    for one in read(cert)? {
        match one {
            Material::Certificate(certificate) => chain.push_str(&certificate.to_pem()),
            Material::Key(found) if key.is_none() => own = Some(found),
            _ => {}
        }
    }
    if let Some(path) = key {
        own = read(path)?.into_iter().find_map(|one| match one {
            Material::Key(found) => Some(found),
            _ => None,
        });
    }
    let none = || {
        let words = format!("{} holds no private key: give it with --key", key_path.display());
        Failure::new(Exit::Usage, "no_key", words)
    };
    TlsIdentity::new(&chain, own.ok_or_else(none)?).map_err(|error| fault::pki(&error))
}

fn tell(steps: &[Step], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return say::json(&json!({"steps": steps}));
    }
    let mut lines = Vec::new();
    for Step { step, state, found, advice } in steps {
        let mark = match state {
            State::Well => "✓",
            State::Notice => "·",
            State::Trouble | State::Refused => "✗",
        };
        lines.push(format!("{mark} {step:<12} {found}"));
        lines.extend(advice.iter().map(|advice| format!("{:15}→ {advice}", "")));
    }
    say::result(&lines.join("\n"))
}
