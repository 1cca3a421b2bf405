//! `sceau doctor`: looks at an installation and says what is wrong and what to do. It changes nothing; only servers that settings
//! name are asked with the platform's own passwords.

mod antivirus;
mod certificates;
mod configured;
mod connector;
mod identity;
mod keys;
mod local;
mod outside;
mod peers;
mod policy;
mod provider;
mod records;
mod servers;
mod units;

use std::path::PathBuf;

use sceau_store::ClamdAddress;
use serde::Serialize;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::house::Layout;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau doctor                                     looks at what `sceau up` runs from .sceau
  sceau doctor --config /etc/sceau/platform.toml   asks each server of the settings
  sceau doctor --policy /etc/sceau/keymanager.toml --key-manager https://cles.example.org --anchors /etc/sceau/racine.pem
  sceau doctor --connector /etc/sceau/connector.toml
  sceau doctor --provider /etc/sceau/provider.toml
  sceau doctor --data /var/lib/sceau-platform --element /run/sceau-element/element.sock --platform https://sceau.example.org

It ends with code 0 where nothing is wrong; what is to be known (!) is no failure.";

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorOptions {
    /// Folder of `sceau up`, or of one role
    #[arg(long, value_name = "FOLDER", default_value = ".sceau")]
    data: PathBuf,
    /// Settings of the platform: each server in them is asked (a probe is written to the object store and removed; no letter is sent)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Socket of the element, instead of the one in the folder
    #[arg(long, value_name = "SOCKET")]
    element: Option<PathBuf>,
    /// Web address of the platform, instead of the one in the folder
    #[arg(long, value_name = "URL")]
    platform: Option<String>,
    /// Web address of the key manager, instead of the one in the folder
    #[arg(long, value_name = "URL")]
    key_manager: Option<String>,
    /// Certificates (PEM) to trust for these addresses, instead of the system's
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// Certificates (PEM) whose end is to be known: a role's own (the intake's, MOB's host's), a proxy's; may be given more than once
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,
    /// Policy of the key manager: its certificate, its authorities and their revocation lists, and each server in it is asked (no letter is sent, no key
    /// published)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Settings of a connector: platform, key manager and antivirus are asked with its credentials (no dossier is taken)
    #[arg(long, value_name = "FILE")]
    connector: Option<PathBuf>,
    /// Settings of a provider that logs people in: its certificate, the host of keyrings asked with it, what applications sign by (nobody's terminal rings)
    #[arg(long, value_name = "FILE")]
    provider: Option<PathBuf>,
    /// Antivirus of the intake or of MOB's host, unix:/path or tcp:127.0.0.1:port; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    antivirus: Vec<ClamdAddress>,
    /// Print the findings as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Well,
    /// Works, and is to be known.
    Notice,
    Trouble,
}

/// What was found of one thing.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at; stable.
    check: &'static str,
    state: State,
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Finding {
    fn well(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Well, found: found.into(), advice: None }
    }

    fn notice(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Notice, found: found.into(), advice: Some(advice.into()) }
    }

    fn trouble(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Trouble, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Where the parts of an installation are, as far as that is known.
struct Installation {
    element: Option<PathBuf>,
    platform: Option<String>,
    key_manager: Option<String>,
    anchors: Option<PathBuf>,
}

impl Installation {
    /// As the options say, completed by what `sceau up` keeps in its folder. Nothing is made.
    fn find(options: &DoctorOptions) -> Self {
        let left = Layout::left_at(&options.data);
        let left = left.as_ref();
        let made = left.filter(|layout| layout.has_key_manager());
        let authority = left.map(Layout::authority).filter(|path| path.exists());
        Self {
            element: options.element.clone().or_else(|| left.map(Layout::socket)),
            platform: options.platform.clone().or_else(|| left.map(Layout::platform_origin)),
            key_manager: options.key_manager.clone().or_else(|| made.map(Layout::key_manager_address)),
            anchors: options.anchors.clone().or(authority),
        }
    }

    fn is_nowhere(&self) -> bool {
        self.element.is_none() && self.platform.is_none() && self.key_manager.is_none()
    }
}

pub(super) fn run(options: &DoctorOptions) -> Result<(), Failure> {
    let installation = Installation::find(options);
    let asked = options.config.is_some()
        || options.policy.is_some()
        || options.connector.is_some()
        || options.provider.is_some()
        || !options.antivirus.is_empty()
        || !options.certificate.is_empty();
    if installation.is_nowhere() && !asked && !options.data.is_dir() {
        let words = format!(
            "there is nothing to look at: {} is no folder, and neither --config, --policy, --connector, --provider, --element, --platform \
             nor --key-manager is given; \
             give the folder with --data",
            options.data.display()
        );
        return Err(Failure::new(Exit::Usage, "nothing_to_look_at", words));
    }
    let now = sceau_store::Clock::now_ms(&sceau_store::SystemClock);
    let mut findings = vec![local::program()];
    if options.data.is_dir() {
        findings.extend(local::folder(&options.data, now));
        findings.extend(local::space(&options.data));
    }
    findings.extend(options.certificate.iter().flat_map(|file| certificates::file(file, now)));
    findings.extend(units::look());
    findings.push(local::swap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    if let Some(socket) = &installation.element {
        findings.extend(local::socket(socket));
    }
    findings.extend(runtime.block_on(servers::look(&installation, now)));
    if let Some(config) = &options.config {
        let anchors = options.anchors.as_deref();
        findings.extend(runtime.block_on(configured::look(config, &options.data, anchors, now)));
    }
    if let Some(policy) = &options.policy {
        findings.extend(runtime.block_on(policy::look(policy, now)));
    }
    if let Some(config) = &options.connector {
        findings.extend(runtime.block_on(connector::look(config, now)));
    }
    if let Some(config) = &options.provider {
        findings.extend(runtime.block_on(provider::look(config, now)));
    }
    for address in &options.antivirus {
        findings.extend(runtime.block_on(antivirus::look(address, now)));
    }
    tell(&findings, options.json)?;
    match findings.iter().filter(|finding| finding.state == State::Trouble).count() as u64 {
        0 => Ok(()),
        troubles => {
            let words = format!("{} found", say::counted(troubles, "trouble"));
            Err(Failure::new(Exit::System, "trouble", words))
        }
    }
}

fn tell(findings: &[Finding], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return say::json(&json!({"findings": findings}));
    }
    let mut lines = Vec::new();
    for Finding { check, state, found, advice } in findings {
        let mark = match state {
            State::Well => '✓',
            State::Notice => '!',
            State::Trouble => '✗',
        };
        lines.push(format!("{mark} {check:<14} {found}"));
        lines.extend(advice.iter().map(|advice| format!("  {:<14} → {advice}", "")));
    }
    say::result(&lines.join("\n"))
}
