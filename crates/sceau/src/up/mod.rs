//! `sceau up`: every role on one machine, one process each, with the data and the ports of the last time.

mod layout;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use sceau_trace::VerifierKey;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::serve::{asked_to_end, say_ready};
use crate::supervise::{Role, Running};

pub(crate) use layout::{Layout, write_private};

/// What to start, and where its data is.
#[derive(Debug, clap::Args)]
pub(crate) struct UpOptions {
    /// Folder of everything that is kept from one start to the next
    #[arg(long, default_value = ".sceau")]
    pub(crate) data: PathBuf,
    /// Make a demonstration organisation with a scheme and a case officer, through the public API
    #[arg(long)]
    demonstration: bool,
}

/// The roles that run.
#[derive(Debug)]
pub(crate) struct House {
    roles: Vec<Running>,
    /// Web origin of the platform.
    pub(crate) platform: String,
    log_key: String,
    key_manager: Option<String>,
    /// One-time link of the first administrator, while there is none.
    pub(crate) first_administrator: Option<String>,
}

/// Starts everything, shows where to go, and ends it all on a signal.
pub(crate) async fn run(options: &UpOptions) -> Result<(), Failure> {
    let layout = Layout::open(&options.data)?;
    let mut house = House::start(&layout).await?;
    let shown = if options.demonstration {
        crate::demonstration::show(&mut house, &layout).await
    } else {
        house.start_key_manager(&layout).await.map(|_| Value::Null)
    };
    let demonstration = match shown {
        Ok(demonstration) => demonstration,
        Err(failure) => {
            house.stop().await;
            return Err(failure);
        }
    };
    house.show();
    // Programs read standard output; people have read the lines above.
    if !std::io::stdout().is_terminal() {
        say_ready(&json!({
            "ready": "up", "platform": house.platform, "key_manager": house.key_manager, "log_key": house.log_key,
            "first_administrator": house.first_administrator, "demonstration": demonstration,
        }))?;
    }
    house.keep_until_asked_to_end().await
}

impl House {
    /// Starts the element, then what stands on it.
    pub(crate) async fn start(layout: &Layout) -> Result<Self, Failure> {
        let element = element(layout)?.start().await?;
        let platform = platform(layout)?.start().await?;
        let text = |value: &serde_json::Value, name: &str| {
            value.get(name).and_then(|text| text.as_str()).map(str::to_owned)
        };
        let missing = || Failure::not_ready("platform", &layout.logs());
        Ok(Self {
            platform: text(&platform.ready, "url").ok_or_else(missing)?,
            log_key: text(&platform.ready, "log_key").ok_or_else(missing)?,
            first_administrator: text(&platform.ready, "first_administrator"),
            key_manager: None,
            roles: vec![element, platform],
        })
    }

    /// Starts the key manager, if one was made in the folder.
    pub(crate) async fn start_key_manager(&mut self, layout: &Layout) -> Result<Option<String>, Failure> {
        if !layout.key_manager().join("keymanager.db").exists() {
            return Ok(None);
        }
        let running = key_manager(layout)?.start().await?;
        let url = running.ready.get("url").and_then(|url| url.as_str()).map(str::to_owned);
        self.key_manager.clone_from(&url);
        self.roles.push(running);
        Ok(url)
    }

    /// Verifier key of the log.
    pub(crate) fn log_key(&self) -> Result<VerifierKey, Failure> {
        VerifierKey::parse(&self.log_key).map_err(|error| Failure::role("element", &error))
    }

    fn show(&self) {
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
        if let Some(link) = &self.first_administrator {
            lines.push(format!("  First administrator, once:  {link}"));
        }
        lines.push(String::new());
        lines.push("  Ctrl-C stops everything; the data stays for the next start.".to_owned());
        eprintln!("{}\n", lines.join("\n"));
    }

    /// Restarts a role that falls, until the program is asked to end; then stops all in the opposite order.
    async fn keep_until_asked_to_end(mut self) -> Result<(), Failure> {
        let end = asked_to_end();
        tokio::pin!(end);
        let result = loop {
            tokio::select! {
                () = &mut end => break Ok(()),
                fallen = first_to_end(&mut self.roles) => {
                    let Some(role) = self.roles.get_mut(fallen) else { break Ok(()) };
                    eprintln!("  {} ended by itself and is started again; see its log.", role.name());
                    if let Err(failure) = role.restart().await {
                        break Err(failure);
                    }
                }
            }
        };
        self.stop().await;
        result
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

fn element(layout: &Layout) -> Result<Role, Failure> {
    let program = beside_us("sceau-element")?;
    let arguments = [
        "--state".into(),
        layout.element().into_os_string(),
        "--socket".into(),
        layout.socket().into_os_string(),
        "--origin".into(),
        "sceau.localhost/log".into(),
        "--keystore-passphrase-file".into(),
        layout.passphrase("element")?.into_os_string(),
        "--die-with-parent".into(),
    ];
    Ok(Role { name: "element", program, arguments: arguments.into(), logs: layout.logs() })
}

fn platform(layout: &Layout) -> Result<Role, Failure> {
    let arguments = [
        "serve".into(),
        "platform".into(),
        "--data".into(),
        layout.platform().into_os_string(),
        "--listen".into(),
        format!("127.0.0.1:{}", layout.ports().platform).into(),
        "--element".into(),
        layout.socket().into_os_string(),
        "--die-with-parent".into(),
    ];
    Ok(Role { name: "platform", program: ourselves()?, arguments: arguments.into(), logs: layout.logs() })
}

fn key_manager(layout: &Layout) -> Result<Role, Failure> {
    let arguments = [
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
    Ok(Role { name: "keymanager", program: ourselves()?, arguments: arguments.into(), logs: layout.logs() })
}

fn ourselves() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|cause| Failure::system("find the program itself", &cause))
}

fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    let path = ourselves()?.with_file_name(name);
    let missing = |path: &Path| {
        let words = format!("{} is missing: build or install it beside this program", path.display());
        Failure::new(Exit::System, "missing-program", words)
    };
    if path.exists() { Ok(path) } else { Err(missing(&path)) }
}
