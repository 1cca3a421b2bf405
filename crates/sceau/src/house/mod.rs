//! The house on one machine: one process a role, and the folder with its data and its ports.

mod edge;
mod keyfront;
mod keyrings;
mod layout;
pub(crate) mod local;
mod witness;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_hsm::durable::write_secret;
use sceau_store::ClamdAddress;
use sceau_trace::VerifierKey;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::serve::intake;
use crate::supervise::{Role, Running};

pub(crate) use layout::Layout;

/// How often what the key manager witnessed is carried to the element's witness file.
const CARRY: Duration = Duration::from_secs(60);

/// The roles that run.
#[derive(Debug)]
pub(crate) struct House {
    roles: Vec<Running>,
    /// Web origin of the platform.
    pub(crate) platform: String,
    log_key: String,
    key_manager: Option<String>,
    /// Where applications have their data protected, if anywhere: address, the log's name, and the file of the authority that vouches for it.
    keyfront: Option<Value>,
    /// Where terminals of keyrings and actors come, if anywhere: address, the file of the authority that vouches for it, and the security officer's certificate.
    keyrings: Option<Value>,
    /// Where documents are scanned, if anywhere: address and key, as a scheme names them.
    intake: Option<Value>,
    /// Who examines documents, here and on the organisation's side.
    antivirus: Vec<ClamdAddress>,
    /// One-time link of the first administrator, while there is none.
    pub(crate) first_administrator: Option<String>,
}

impl House {
    /// Starts the element, then what stands on it; an intake only where there is an antivirus. The platform's servers are those of `config`; with one, a
    /// keyfront only where it has a section `[protect]`, and keyrings only where it has a section `[keyrings]`.
    pub(crate) async fn start(
        layout: &Layout,
        antivirus: &[ClamdAddress],
        config: Option<&Path>,
    ) -> Result<Self, Failure> {
        let settings = settings(layout, config)?;
        let officer = keyrings::wanted(&settings)?.then(|| keyrings::officer(layout)).transpose()?;
        let element = element(layout, officer.as_deref())?.start().await?;
        let platform = platform(layout, !antivirus.is_empty(), &settings)?.start().await?;
        let gate = edge::gate(layout)?.start().await?;
        let text =
            |value: &Value, name: &str| value.get(name).and_then(|text| text.as_str()).map(str::to_owned);
        let missing = || Failure::not_ready("platform", &layout.logs());
        let log_key = text(&platform.ready, "log_key").ok_or_else(missing)?;
        let mut roles = vec![];
        let (mut scanned_at, mut protected_at) = (None, None);
        if let Some(role) = keyfront::role(layout, &settings)? {
            let running = role.start().await?;
            protected_at = Some(json!({
                "url": layout.keyfront_address(), "audience": text(&running.ready, "audience"),
                "authority": layout.local_authority(),
            }));
            roles.push(running);
        }
        let mut held_at = None;
        if let Some(officer) = &officer {
            roles.push(keyrings::role(layout, &settings)?.start().await?);
            held_at = Some(json!({
                "url": layout.keyrings_address(), "authority": layout.local_authority(), "officer": officer,
            }));
        }
        if !antivirus.is_empty() {
            let running = intake_role(layout, &log_key, antivirus)?.start().await?;
            let said = (text(&running.ready, "url"), text(&running.ready, "key"));
            scanned_at = Some(json!({"url": said.0, "key": said.1}));
            roles.push(running);
        }
        Ok(Self {
            keyfront: protected_at,
            keyrings: held_at,
            intake: scanned_at,
            antivirus: antivirus.to_vec(),
            platform: text(&platform.ready, "url").ok_or_else(missing)?,
            log_key,
            first_administrator: text(&platform.ready, "first_administrator"),
            key_manager: None,
            roles: [element, platform, gate].into_iter().chain(roles).collect(),
        })
    }

    /// Starts the key manager, if one was made in the folder.
    pub(crate) async fn start_key_manager(&mut self, layout: &Layout) -> Result<Option<String>, Failure> {
        if !layout.has_key_manager() {
            return Ok(None);
        }
        let running = key_manager(layout, &self.antivirus)?.start().await?;
        let url = running.ready.get("url").and_then(|url| url.as_str()).map(str::to_owned);
        self.key_manager.clone_from(&url);
        self.roles.push(running);
        Ok(url)
    }

    /// The intake that runs, as a scheme names it.
    pub(crate) fn intake(&self) -> Option<&Value> {
        self.intake.as_ref()
    }

    /// Whether there is a host of keyrings.
    pub(crate) fn has_keyrings(&self) -> bool {
        self.keyrings.is_some()
    }

    /// Verifier key of the log.
    pub(crate) fn log_key(&self) -> Result<VerifierKey, Failure> {
        VerifierKey::parse(&self.log_key).map_err(|error| Failure::role("element", &error))
    }

    /// What a program that starts the house reads on standard output.
    pub(crate) fn ready(&self, demonstration: &Value) -> Value {
        json!({
            "ready": "up", "platform": self.platform, "key_manager": self.key_manager,
            "intake": self.intake.as_ref().map(|intake| &intake["url"]), "keyfront": self.keyfront,
            "keyrings": self.keyrings, "log_key": self.log_key,
            "first_administrator": self.first_administrator, "demonstration": demonstration,
        })
    }

    /// What a person who starts it reads.
    pub(crate) fn show(&self) {
        let mut lines = vec![
            String::new(),
            "  Sceau is up (demonstration: zones not isolated, every role runs under one user).".to_owned(),
            String::new(),
            format!("  Pages       {}", self.platform),
            format!("  Log key     {}", self.log_key),
        ];
        if let Some(url) = &self.key_manager {
            lines.push(format!(
                "  Key manager {url}  (in the organisation’s network, with a client certificate)"
            ));
        }
        lines.push(match &self.keyfront {
            Some(keyfront) => format!(
                "  Keyfront    {}  (protects the data of applications, which trust {})",
                keyfront["url"].as_str().unwrap_or_default(),
                keyfront["authority"].as_str().unwrap_or_default()
            ),
            None => "  Keyfront    none: the settings have no section [protect]".to_owned(),
        });
        lines.push(match &self.keyrings {
            Some(keyrings) => format!(
                "  Keyrings    {}  (for terminals and actors; the security officer is {})",
                keyrings["url"].as_str().unwrap_or_default(),
                keyrings["officer"].as_str().unwrap_or_default()
            ),
            None => "  Keyrings    none: the settings have no section [keyrings]".to_owned(),
        });
        match &self.intake {
            Some(intake) => lines.push(format!(
                "  Intake      {}  (scans documents for the schemes that ask for it; the key manager scans the others)",
                intake["url"].as_str().unwrap_or_default()
            )),
            None => lines.push(
                "  Intake      none: documents come in sealed only (--antivirus unix:/path adds one)"
                    .to_owned(),
            ),
        }
        if let Some(link) = &self.first_administrator {
            lines.push(format!("  First administrator, once:  {link}"));
        }
        lines.push(String::new());
        lines.push("  Ctrl-C stops everything; the data stays for the next start.".to_owned());
        eprintln!("{}\n", lines.join("\n"));
    }

    /// Restarts a role that falls, until the `end`; then stops all in the opposite order.
    pub(crate) async fn keep_until(
        mut self,
        end: impl Future<Output = ()>,
        layout: &Layout,
    ) -> Result<(), Failure> {
        tokio::pin!(end);
        let mut carrying = tokio::time::interval(CARRY);
        let result = loop {
            tokio::select! {
                () = &mut end => break Ok(()),
                _ = carrying.tick() => self.carry_witness(layout).await,
                fallen = first_to_end(&mut self.roles) => {
                    let Some(role) = self.roles.get_mut(fallen) else { break Ok(()) };
                    eprintln!("  {} ended by itself and is started again; see its log.", role.name());
                    if let Err(failure) = role.restart().await {
                        break Err(failure);
                    }
                }
            }
        };
        self.carry_witness(layout).await;
        self.stop().await;
        result
    }

    /// Keeps what the key manager witnessed beside the element.
    async fn carry_witness(&self, layout: &Layout) {
        let Some(address) = &self.key_manager else { return };
        if let Err(failure) = witness::carry(layout, address).await {
            eprintln!("  What the key manager witnessed could not be kept for the element: {failure}");
        }
    }

    /// Stops everything, last started first.
    pub(crate) async fn stop(self) {
        for role in self.roles.into_iter().rev() {
            role.stop().await;
        }
    }
}

async fn first_to_end(roles: &mut [Running]) -> usize {
    let endings = roles.iter_mut().map(|role| Box::pin(role.ended()));
    let (_, index, _) = futures::future::select_all(endings).await;
    index
}

/// The settings of the platform, the keyfront and the host of keyrings: those that were given, or ones that switch both on.
fn settings(layout: &Layout, config: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(config) = config {
        // Roles are started in the folder that this program was started in.
        return std::path::absolute(config).map_err(|cause| Failure::file("find", config, &cause));
    }
    let file = layout.settings();
    let port = layout.ports().keyrings;
    let words = format!(
        "# Written by `sceau up` at each start: give another one with --config.\n[protect]\n\n\
         [keyrings]\nnames = [\"localhost:{port}\", \"127.0.0.1:{port}\"]\n"
    );
    write_secret(&file, words.as_bytes())?;
    Ok(file)
}

fn element(layout: &Layout, officer: Option<&Path>) -> Result<Role, Failure> {
    let program = beside_us("sceau-element")?;
    let mut arguments = vec![
        "--state".into(),
        layout.element().into_os_string(),
        "--socket".into(),
        layout.socket().into_os_string(),
        "--origin".into(),
        "sceau.localhost/log".into(),
        "--keystore-passphrase-file".into(),
        layout.passphrase("element")?.into_os_string(),
        "--protect-tenants".into(),
        keyfront::TENANTS.into(),
        "--die-with-parent".into(),
    ];
    if layout.witnessed().exists() {
        arguments.extend(["--witness-file".into(), layout.witnessed().into_os_string()]);
    }
    if let Some(officer) = officer {
        arguments.extend(["--keyrings-officer".into(), officer.as_os_str().to_owned()]);
    }
    Ok(Role { name: "element", program, arguments, logs: layout.logs() })
}

fn platform(layout: &Layout, scans: bool, settings: &Path) -> Result<Role, Failure> {
    let mut arguments = vec![
        "serve".into(),
        "platform".into(),
        "--data".into(),
        layout.platform().into_os_string(),
        "--listen".into(),
        format!("unix:{}", layout.platform_socket().display()).into(),
        "--origin".into(),
        layout.platform_origin().into(),
        "--element".into(),
        layout.socket().into_os_string(),
        "--config".into(),
        settings.as_os_str().to_owned(),
        "--die-with-parent".into(),
    ];
    if scans {
        let key = intake::text_of(&intake::key(&layout.intake_key())?.verifying_key());
        arguments.extend([
            "--intake".into(),
            layout.intake_origin().into(),
            "--intake-key".into(),
            key.into(),
        ]);
    }
    Ok(Role { name: "platform", program: ourselves()?, arguments, logs: layout.logs() })
}

/// On loopback, without TLS: a browser takes `http://*.localhost` for a secure context, and no certificate of ours for a good one.
fn intake_role(layout: &Layout, log_key: &str, antivirus: &[ClamdAddress]) -> Result<Role, Failure> {
    let mut arguments = vec![
        "serve".into(),
        "intake".into(),
        "--listen".into(),
        format!("127.0.0.1:{}", layout.ports().intake).into(),
        "--platform".into(),
        layout.platform_origin().into(),
        "--log-key".into(),
        log_key.into(),
        "--key".into(),
        layout.intake_key().into_os_string(),
        "--die-with-parent".into(),
    ];
    for address in antivirus {
        arguments.extend(["--antivirus".into(), address.to_string().into()]);
    }
    Ok(Role { name: "intake", program: ourselves()?, arguments, logs: layout.logs() })
}

fn key_manager(layout: &Layout, antivirus: &[ClamdAddress]) -> Result<Role, Failure> {
    let mut arguments = vec![
        "serve".into(),
        "keymanager".into(),
        "--data".into(),
        layout.key_manager().into_os_string(),
        "--listen".into(),
        format!("127.0.0.1:{}", layout.ports().key_manager).into(),
        "--passphrase-file".into(),
        layout.passphrase("keymanager")?.into_os_string(),
        "--die-with-parent".into(),
    ];
    for address in antivirus {
        arguments.extend(["--antivirus".into(), address.to_string().into()]);
    }
    Ok(Role { name: "keymanager", program: ourselves()?, arguments, logs: layout.logs() })
}

fn ourselves() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|cause| Failure::system("find the program itself", &cause))
}

fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    let path = ourselves()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    let words = format!("{} is missing: build or install it beside this program", path.display());
    Err(Failure::new(Exit::System, "missing_program", words))
}
