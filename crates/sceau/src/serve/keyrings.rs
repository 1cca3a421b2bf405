//! The host of keyrings, assembled: between actors and terminals on one side and the element on the other, with rows and requests in the platform's database.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_accounts::callers::{Callers, Edge};
use sceau_element_api::Client;
use sceau_hsm::certificates;
use sceau_keyrings::{EstServer, Host, Notices, PLACES, Rows, Sole, Teller, behind_a_gate, routes, serve};
use sceau_pki::server_config_asking;
use sceau_store::{Clock, Outbox, RetryPolicy, SystemClock};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use super::callers::{self, CallersTable};
use super::door::{At, Door};
use super::est::EstTable;
use super::secret::SecretFile;
use super::settings::{Settings, authorities};
use super::{asked_to_end, say_ready};
use crate::failure::{Exit, Failure};

/// The section `[keyrings]`: that there is a host of keyrings, and who is told that requests wait.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyringsTable {
    /// Who can reach holders' terminals; nobody without it.
    notify_url: Option<String>,
    /// The bearer token that it is told with.
    notify_token_file: Option<SecretFile>,
    /// Authorities (PEM) to trust for it beside the system's.
    notify_ca_file: Option<PathBuf>,
    /// By which names terminals reach the host, with the port where it is not 443; else whatever name a request says that it came for.
    names: Option<BTreeSet<String>>,
    /// The authorities outside that policies name, with what they know this host by.
    #[serde(default)]
    est: Vec<EstTable>,
    /// What certificates of actors are judged by, besides their registration by the security officer.
    clients: Option<CallersTable>,
}

impl KeyringsTable {
    /// What can be judged without asking anybody.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.notify_url.as_ref().is_some_and(|url| !keeps_to_itself(url)) {
            return Err("keyrings.notify_url is an https address, or one of this machine".to_owned());
        }
        let name = |name: &&String| {
            let url = Url::parse(&format!("https://{name}"));
            !url.is_ok_and(|url| names_host(&url) == Some((*name).clone()))
        };
        self.est.iter().try_for_each(EstTable::check)?;
        match self.names.iter().flatten().find(name) {
            None => Ok(()),
            Some(name) => {
                Err(format!("keyrings.names are as in addresses, `host` or `host:port`: {name:?} is not"))
            }
        }
    }

    /// The paths that are written in it, with their names.
    pub(crate) fn paths(&self) -> Vec<(&'static str, Option<&Path>)> {
        let token = self.notify_token_file.as_ref().and_then(SecretFile::path);
        let own = [
            ("keyrings.notify_token_file", token),
            ("keyrings.notify_ca_file", self.notify_ca_file.as_deref()),
        ];
        own.into_iter().chain(self.est.iter().flat_map(EstTable::paths)).collect()
    }

    /// The authorities outside, as they are written.
    pub(crate) fn outside(&self) -> &[EstTable] {
        &self.est
    }

    /// The authorities outside, as they are reached.
    pub(crate) fn authorities_outside(&self) -> Result<Vec<EstServer>, Failure> {
        self.est.iter().map(EstTable::open).collect()
    }

    /// What tells that requests wait, if anybody is to be told.
    pub(crate) fn teller(&self, clock: Arc<dyn Clock>) -> Result<Option<Teller>, Failure> {
        let Some(url) = self.notify_url.clone() else { return Ok(None) };
        let token = self.notify_token_file.as_ref().map(SecretFile::read).transpose()?;
        let token = token.map(|token| token.as_str().to_owned());
        let authorities = authorities(self.notify_ca_file.as_deref())?;
        let teller = Teller::new(url, token, authorities.as_deref(), clock);
        teller.map(Some).map_err(|why| Failure::new(Exit::Usage, "keyrings", format!("notify_url: {why}")))
    }
}

/// How the host is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyringsOptions {
    /// The platform's settings, with a section [keyrings]
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The platform's data folder
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Socket of the element, which must be started with --keyrings-officer
    #[arg(long)]
    element: PathBuf,
    /// Address to listen at, or unix:/path for a socket that a gate alone opens, whose word for callers' certificates is taken
    #[arg(long, default_value = "127.0.0.1:8448")]
    listen: At,
    /// Certificate chain and private key, in one PEM file that only this user reads; without it, terminals alone are served, in clear, on loopback
    #[arg(long, value_name = "PEM")]
    tls: Option<PathBuf>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Serves until asked to end.
pub(crate) async fn run(options: KeyringsOptions) -> Result<(), Failure> {
    let settings = Settings::read(Some(&options.config))?;
    let Some(keyrings) = &settings.keyrings else {
        return Err(usage("the settings have no section [keyrings]: keyrings are off without it"));
    };
    let element = Client::new(&options.element);
    let about = element.keyrings_about().await.map_err(|error| Failure::role("element", &error))?;
    let origin = about.origin.clone();
    if settings.database.is_file() {
        sceau_hsm::durable::secret_folder(&options.data)?;
    }
    let database = settings.records(&options.data).await?;
    let alone = match settings.database.is_file() {
        true => Sole::take(&options.data).map_err(|cause| Failure::system("lock the data folder", &cause))?,
        false => None,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let outbox = Outbox::new(database.clone(), Arc::clone(&clock), RetryPolicy::default());
    let notices = if keyrings.notify_url.is_some() { Notices::by(outbox) } else { Notices::default() };
    let names = keyrings.names.clone();
    let host = Host::new(element, about, (Rows::new(database), alone), (notices, names), clock).await;
    let host = host.map_err(|error| Failure::role("keyrings", &error))?;
    let (stop, stopped) = watch::channel(false);
    let carries = tokio::spawn(host.carrier(keyrings.authorities_outside()?).run(stopped.clone()));
    let keeps = tokio::spawn(host.clone().keep(stopped));
    let ready = |url: &str| say_ready(&json!({"ready": "keyrings", "url": url, "origin": origin}));
    let clients = || {
        let section = |settings: Settings| settings.keyrings?.clients;
        keyrings.clients.is_some().then(|| Settings::clients_of(options.config.clone(), PLACES, section))
    };
    match &options.listen {
        At::Tcp(address) => {
            if options.tls.is_none() && !address.ip().is_loopback() {
                return Err(usage("who sends what is seen in clear: give a certificate with --tls"));
            }
            let edge = match (&options.tls, clients()) {
                (Some(tls), None) => asking(tls)?,
                (tls, clients) => callers::edge("keyrings", tls.as_deref(), clients)?,
            };
            let listener =
                TcpListener::bind(address).await.map_err(|cause| Failure::listen(*address, &cause))?;
            let address =
                listener.local_addr().map_err(|cause| Failure::system("read the address", &cause))?;
            let scheme = if options.tls.is_some() { "https" } else { "http" };
            let end = asked_to_end()?;
            ready(&format!("{scheme}://localhost:{}", address.port()))?;
            serve(host, listener, edge, end).await;
        }
        At::Unix(path) => {
            let callers = clients().map(|clients| Callers::open(clients, None, Arc::new(SystemClock)));
            let callers = callers.transpose().map_err(|error| callers::unusable(&error))?;
            let door = Door::take(&options.listen).await?;
            let end = asked_to_end()?;
            ready(&format!("unix:{}", path.display()))?;
            let served = door.serve(behind_a_gate(routes(host, callers.as_ref())), end).await;
            served.map_err(|cause| Failure::system("serve keyrings", &cause))?;
        }
    }
    let _ = stop.send(true);
    let _ = keeps.await;
    let _ = carries.await;
    Ok(())
}

/// TLS that asks for a certificate and takes any, of whatever authority: who acts is who the security officer registered.
fn asking(tls: &Path) -> Result<Edge, Failure> {
    let identity = certificates::read_identity(tls)?;
    let config = server_config_asking(&identity, &[]);
    Ok(Edge::Tls(Arc::new(config.map_err(|error| Failure::role("keyrings", &error))?)))
}

/// Whether what is sent there is read by nobody on its way: over TLS, or on this machine.
fn keeps_to_itself(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    bare && (url.scheme() == "https" || (url.scheme() == "http" && here))
}

/// Its host, with the port where that is not the scheme's.
fn names_host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn usage(words: &str) -> Failure {
    Failure::new(Exit::Usage, "keyrings", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_is_told_over_tls_or_on_this_machine() {
        for url in ["https://push.example.org/sceau", "http://127.0.0.1:8080/x", "http://[::1]:8080/"] {
            assert!(keeps_to_itself(url), "{url}");
        }
        for url in [
            "http://push.example.org/",
            "http://127.0.0.1:x@push.example.org/",
            "http://127.0.0.1:8080@push.example.org/",
            "https://sceau:secret@push.example.org/",
            "http://127.0.0.1.example.org:80/",
            "ftp://127.0.0.1/",
            "https://",
        ] {
            assert!(!keeps_to_itself(url), "{url}");
        }
    }

    #[test]
    fn a_host_is_named_as_in_its_address() {
        let table =
            |name: &str| KeyringsTable { names: Some([name.to_owned()].into()), ..Default::default() };
        for name in ["keyrings.example.org", "localhost:8448", "[::1]:8448", "192.0.2.7"] {
            assert_eq!(table(name).check(), Ok(()), "{name}");
        }
        for name in
            ["https://keyrings.example.org", "Keyrings.example.org", "keyrings.example.org:443", "a/b", ""]
        {
            assert!(table(name).check().is_err(), "{name}");
        }
    }
}
