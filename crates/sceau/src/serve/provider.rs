//! The provider that logs people in by keyrings, assembled: its settings, its keys, the host of keyrings that it asks by.
//!
//! ```toml
//! [provider]
//! issuer = "https://login.example.org"        # what sites know it by
//! name = "Ville de Lyon"                      # what people read
//! language = "fr"                             # of who asks for none
//! id = "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c003" # as the security officer registered it
//! certificate_file = "/etc/sceau/provider.pem"
//! key_file = "/etc/sceau/provider.key"
//! element_file = "/etc/sceau/element.json"    # what `sceau keyring element` printed, from the element's administrator
//! host = "https://keyrings.example.org"       # where requests are left
//! host_ca_file = "/etc/sceau/ca.pem"          # authorities to trust for it, in the place of the system's
//! login_seconds = 180                         # how long somebody has to answer: 60 to 300
//! token_minutes = 10                          # how long tokens are good: 1 to 60
//! key_days = 90                               # how long a key signs tokens: 7 to 400
//! evidence_days = 365                         # how long evidence of logins is kept
//! acr = "urn:sceau:keyring"                   # the level that tokens name
//! logins_per_address = 120                    # an hour, by browsers that nobody knows
//! proxies = ["10.0.0.5"]                      # believed about whom they carry
//!
//! [[provider.clients]]
//! id = "library"
//! name = "Bibliothèque de Lyon"               # what people read, on the terminal too
//! redirect_uris = ["https://library.example.org/callback"]
//! auth = "client_secret_basic"                # or "private_key_jwt", or "none" for programs on people's machines
//! secret_sha256 = "…"                         # what `sceau provider secret` printed
//! jwks_file = "/etc/sceau/library.jwks"       # its public keys, of private_key_jwt
//! scopes = ["openid", "profile"]              # and "service", to sign by CSC
//! grants = ["authorization_code", "ciba"]
//! pushed_only = false                         # its requests are pushed, or refused
//! sector = "example.org"                      # sites of one sector are told the same sub; its host without it
//!
//! [provider.csc]                              # applications sign by the Cloud Signature Consortium's API (docs/sign-through-csc.md): see `csc.rs`
//! credentials_folder = "/var/lib/sceau/csc"   # KEYRING.pem: holders' certificates
//! region = "FR"
//! logo = "https://www.example.org/logo.png"
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sceau_accounts::TrustedProxies;
use sceau_client::keyring::FileKey;
use sceau_client::{Server, Trust};
use sceau_crypto::jose::KeySet;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_element_api::{Cidr, KeyringActorId};
use sceau_pki::Certificate;
use sceau_provider::oauth::{Authenticates, Client, ClientId, Clients, GrantKind};
use sceau_provider::{
    AtHost, Fonts, Lang, Plan, Provider, ProviderSecret, Records, TokenKeys, Words, routes, serve,
};
use sceau_store::{Clock, SystemClock};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::callers;
use super::csc::CscTable;
use super::door::{At, Door};
use super::settings::{absolute, text};
use super::{asked_to_end, pages, say_ready};
use crate::command::keyring::{read_element, shown, signer};
use crate::failure::{Exit, Failure};

const DAY: u64 = 24 * 3_600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    provider: ProviderTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderTable {
    issuer: String,
    name: String,
    #[serde(default = "english")]
    language: String,
    id: KeyringActorId,
    certificate_file: PathBuf,
    key_file: PathBuf,
    element_file: PathBuf,
    host: String,
    host_ca_file: Option<PathBuf>,
    #[serde(default = "default::<180>")]
    login_seconds: u64,
    #[serde(default = "default::<10>")]
    token_minutes: u64,
    #[serde(default = "default::<90>")]
    key_days: u64,
    #[serde(default = "default::<365>")]
    evidence_days: u64,
    #[serde(default = "level")]
    acr: String,
    #[serde(default = "per_address")]
    logins_per_address: u32,
    #[serde(default)]
    proxies: Vec<String>,
    #[serde(default)]
    clients: Vec<ClientTable>,
    /// That applications sign by CSC, and how.
    csc: Option<CscTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientTable {
    id: String,
    name: String,
    #[serde(default)]
    redirect_uris: Vec<String>,
    auth: String,
    secret_sha256: Option<String>,
    jwks_file: Option<PathBuf>,
    #[serde(default = "only_openid")]
    scopes: BTreeSet<String>,
    #[serde(default = "only_codes")]
    grants: BTreeSet<String>,
    #[serde(default)]
    pushed_only: bool,
    #[serde(default)]
    sector: String,
}

fn default<const N: u64>() -> u64 {
    N
}

fn english() -> String {
    "en".to_owned()
}

fn level() -> String {
    "urn:sceau:keyring".to_owned()
}

fn per_address() -> u32 {
    120
}

fn only_openid() -> BTreeSet<String> {
    BTreeSet::from(["openid".to_owned()])
}

fn only_codes() -> BTreeSet<String> {
    BTreeSet::from(["authorization_code".to_owned()])
}

/// How the provider is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct ProviderOptions {
    /// The provider's settings
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The provider's data folder: its keys, its holders, evidence of logins
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Address to listen at, or unix:/path for a socket that a gate alone opens
    #[arg(long, default_value = "127.0.0.1:8449")]
    listen: At,
    /// Certificate chain and private key, in one PEM file that only this user reads; without it, in clear, on loopback, behind what ends TLS
    #[arg(long, value_name = "PEM")]
    tls: Option<PathBuf>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Serves until asked to end.
pub(crate) async fn run(options: ProviderOptions) -> Result<(), Failure> {
    let (table, mut plan) = ProviderTable::read(&options.config)?;
    let door = Door::take(&options.listen).await?;
    if let Some(proxy) = door.proxy() {
        // Whoever opens the socket says whom it carries.
        plan.proxies = table.proxies(Some(proxy)).map_err(|why| unusable(&options.config, &why))?;
    }
    let (key, element) = table.acts()?;
    let host = table.host()?;
    sceau_hsm::durable::secret_folder(&options.data)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let role = |error: &dyn std::error::Error| Failure::role("provider", error);
    let keys =
        TokenKeys::open(&options.data, table.key_days * DAY, clock.now_ms()).map_err(|error| role(&error))?;
    let secret = ProviderSecret::open(&options.data).map_err(|error| role(&error))?;
    let records = Records::open(&options.data).await.map_err(|error| role(&error))?;
    let holders = Arc::new(AtHost { host, key, provider: table.id, element });
    let issuer = plan.issuer.clone();
    let lang = plan.lang;
    let provider = Provider::new(plan, (keys, secret), records, holders, Arc::clone(&clock));
    let mut router = routes(provider.clone());
    if let Some(csc) = &table.csc {
        router = router.merge(csc.routes(&table, provider.clone(), lang, clock)?);
    }
    let tending = tokio::spawn(tend(provider.clone()));
    let end = asked_to_end()?;
    let port = door.port();
    match (door, &options.listen) {
        (Door::Tcp(listener), At::Tcp(address)) => {
            let edge = callers::edge("provider", options.tls.as_deref(), None)?;
            if options.tls.is_none() && !address.ip().is_loopback() {
                return Err(usage("codes and secrets would travel in clear: give a certificate with --tls"));
            }
            say_ready(&json!({"ready": "provider", "issuer": issuer, "port": port}))?;
            let listener: TcpListener = listener;
            serve(router, listener, edge, end).await;
        }
        (door, listen) => {
            say_ready(&json!({"ready": "provider", "issuer": issuer, "listen": format!("{listen:?}")}))?;
            let served = door.serve(router, end).await;
            served.map_err(|cause| Failure::system("serve the provider", &cause))?;
        }
    }
    tending.abort();
    Ok(())
}

/// Keys take turns, and what is kept long enough is forgotten.
async fn tend(provider: Provider) {
    loop {
        if let Err(error) = provider.tend().await {
            tracing::error!(%error, "the keys of tokens did not take turns");
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
}

impl ProviderTable {
    /// The settings of a file, and what they come to.
    pub(crate) fn read(config: &Path) -> Result<(Self, Plan), Failure> {
        let settings: Settings =
            toml::from_str(&text(config)?).map_err(|error| unusable(config, error.to_string().trim_end()))?;
        let table = settings.provider;
        if let Some(csc) = &table.csc {
            csc.check().map_err(|why| unusable(config, &why))?;
        }
        let plan = table.plan().map_err(|why| unusable(config, &why))?;
        Ok((table, plan))
    }

    /// What it acts by: its certificate and its key, and who the element is.
    pub(crate) fn acts(&self) -> Result<(FileKey, KeyringsAbout), Failure> {
        Ok((signer(&self.certificate_file, &self.key_file)?, read_element(&self.element_file)?))
    }

    /// Where the host of keyrings is, and by which authorities it is known.
    pub(crate) fn host_address(&self) -> (&str, Option<&Path>) {
        (&self.host, self.host_ca_file.as_deref())
    }

    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate_file
    }

    /// What applications sign by.
    pub(crate) fn csc(&self) -> Option<&CscTable> {
        self.csc.as_ref()
    }

    /// The host of keyrings, which is shown the provider's certificate.
    pub(crate) fn host(&self) -> Result<Server, Failure> {
        let identity_pem = Some(shown(&self.certificate_file, &self.key_file)?);
        let anchors_pem = super::settings::authorities(self.host_ca_file.as_deref())?;
        Ok(Server::new(&self.host, &Trust { anchors_pem, identity_pem })?)
    }

    /// The way to holders who are asked to sign, and the authority of their certificates.
    pub(crate) fn to_sign(&self) -> Result<(sceau_csc::AtHost, Certificate), Failure> {
        let (key, element) = self.acts()?;
        let none = || usage("provider.element_file names no authority of holders' certificates");
        let authority = element.authority.as_ref().ok_or_else(none)?;
        let authority = Certificate::from_der(authority, "the element's authority").map_err(|_| none())?;
        let holders = sceau_csc::AtHost { host: self.host()?, key, provider: self.id, element };
        Ok((holders, authority))
    }

    pub(super) fn names(&self) -> (&str, &str) {
        (&self.issuer, &self.name)
    }

    fn plan(&self) -> Result<Plan, String> {
        let paths = [
            ("provider.certificate_file", Some(&self.certificate_file)),
            ("provider.key_file", Some(&self.key_file)),
            ("provider.element_file", Some(&self.element_file)),
            ("provider.host_ca_file", self.host_ca_file.as_ref()),
        ];
        paths.into_iter().try_for_each(|(name, path)| absolute(name, path.map(PathBuf::as_path)))?;
        let url = url::Url::parse(&self.issuer).ok();
        let origin = url.filter(|url| url.scheme() == "https").map(|url| url.origin().ascii_serialization());
        if origin.as_deref() != Some(self.issuer.as_str()) {
            return Err("provider.issuer is https, a host and perhaps a port, as browsers write it, without a path or a slash at the end".to_owned());
        }
        let within = [
            ("login_seconds", self.login_seconds, 60..=300),
            ("token_minutes", self.token_minutes, 1..=60),
            ("key_days", self.key_days, 7..=400),
            ("evidence_days", self.evidence_days, 1..=36_500),
            ("logins_per_address", self.logins_per_address.into(), 1..=100_000),
        ];
        for (name, value, range) in within {
            if !range.contains(&value) {
                return Err(format!("provider.{name} is {} to {}", range.start(), range.end()));
            }
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 64 {
            return Err("provider.name has 1 to 64 characters".to_owned());
        }
        let clients = self.clients.iter().map(ClientTable::client).collect::<Result<Vec<_>, _>>()?;
        let unproven = |one: &&Client| {
            matches!(one.authenticates, Authenticates::Nobody) && one.scopes.contains("service")
        };
        for client in clients.iter().filter(unproven) {
            tracing::warn!(client = %client.id, "this client may ask for signatures, and any program can say that it is this client: auth = \"none\"");
        }
        Ok(Plan {
            issuer: self.issuer.clone(),
            name: self.name.clone(),
            lang: Lang::parse(&self.language).ok_or("provider.language is \"fr\" or \"en\"")?,
            clients: Clients::new(clients).map_err(|error| format!("provider.clients: {error}"))?,
            login_seconds: self.login_seconds,
            token_seconds: self.token_minutes * 60,
            acr: self.acr.clone(),
            evidence_days: self.evidence_days,
            logins_per_address: self.logins_per_address,
            proxies: self.proxies(None)?,
            fonts: Fonts {
                serif: pages::font("eb-garamond-latin-wght"),
                sans: pages::font("atkinson-hyperlegible-next-latin"),
            },
        })
    }

    fn proxies(&self, besides: Option<Cidr>) -> Result<TrustedProxies, String> {
        let named = self
            .proxies
            .iter()
            .map(|text| text.parse().map_err(|error| format!("provider.proxies: {error}")));
        let named: Vec<Cidr> = named.collect::<Result<_, _>>()?;
        Ok(TrustedProxies::new(named.into_iter().chain(besides).collect()))
    }
}

impl ClientTable {
    fn client(&self) -> Result<Client, String> {
        let wrong = |why: &str| format!("provider.clients, {}: {why}", self.id);
        let id =
            ClientId::parse(&self.id).ok_or_else(|| wrong("an id has 1 to 64 letters, digits and -._~"))?;
        Words::site_is_legible(&self.name)
            .map_err(|error| wrong(&format!("holders could not read its name for what it is: {error}")))?;
        let authenticates = match (self.auth.as_str(), &self.secret_sha256, &self.jwks_file) {
            ("none", None, None) => Authenticates::Nobody,
            ("client_secret_basic", Some(hash), None) => {
                let hash = hex::decode(hash).ok().and_then(|bytes| bytes.try_into().ok());
                Authenticates::Secret(hash.ok_or_else(|| wrong("secret_sha256 is 64 hexadecimal digits"))?)
            }
            ("private_key_jwt", None, Some(path)) => {
                absolute("provider.clients.jwks_file", Some(path))?;
                let keys =
                    std::fs::read(path).map_err(|cause| wrong(&format!("{}: {cause}", path.display())))?;
                let keys =
                    KeySet::parse(&keys).map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
                Authenticates::Keys(keys)
            }
            _ => {
                return Err(wrong(
                    "auth is \"client_secret_basic\" with secret_sha256, \"private_key_jwt\" with jwks_file, or \"none\" with neither",
                ));
            }
        };
        let scopes = ["openid", "profile", "service"];
        if let Some(scope) = self.scopes.iter().find(|scope| !scopes.contains(&scope.as_str())) {
            return Err(wrong(&format!("there is no scope {scope}: openid, profile, service")));
        }
        let grant = |name: &String| match name.as_str() {
            "authorization_code" => Ok(GrantKind::Code),
            "ciba" => Ok(GrantKind::Ciba),
            _ => Err(wrong(&format!("there is no grant {name}: authorization_code, ciba"))),
        };
        Ok(Client {
            id,
            name: self.name.clone(),
            redirect_uris: self.redirect_uris.clone(),
            authenticates,
            scopes: self.scopes.clone(),
            grants: self.grants.iter().map(grant).collect::<Result<_, _>>()?,
            pushed_only: self.pushed_only,
            sector: self.sector.clone(),
        })
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, "settings", format!("the settings {} cannot be used: {why}", path.display()))
}

fn usage(words: &str) -> Failure {
    Failure::new(Exit::Usage, "provider", words)
}
