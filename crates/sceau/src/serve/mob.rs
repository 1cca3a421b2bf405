//! MOB's host, in the privileged zone, assembled: it sees files in clear for a moment, so it has a process, a key and a listener of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use sceau_accounts::oidc::{AccessTokens, IssuerUrl, Provider, WebClient};
use sceau_accounts::{Accounts, AccountsConfig, Directory, Parts};
use sceau_dossiers::intake::Slowest;
use sceau_dossiers::mob::http::{MobFunder, MobHost, MobSettings, serve};
use sceau_dossiers::{Dossiers, IntakeDesk};
use sceau_element_api::{Client, OrganisationId};
use sceau_hsm::certificates;
use sceau_store::bus::Company;
use sceau_store::{Antivirus, ClamdAddress, Clock, Outbox, Patience, RetryPolicy, SystemClock};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::settings::Settings;
use super::{asked_to_end, intake, say_ready};
use crate::failure::{Exit, Failure};

/// Uploads received at once: each takes two mebibytes or so.
const AT_ONCE: usize = 64;

/// What this profile gives up, word for word: the operator writes each, or there is no MOB host.
pub(crate) const DANGERS: [&str; 3] = ["integrity", "plaintext", "preflight"];

/// What is done for MOB's host beside running it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum MobCommand {
    /// Print the public key that manifests are signed with, for the section [mob] and for schemes; made the first time
    Key {
        /// File of the key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Make the client of a mobility service, which subscribes for citizens: its credentials are printed once
    Client {
        /// The platform's records
        #[command(flatten)]
        place: Place,
        /// The organisation that answers for it
        #[arg(long, value_name = "ID")]
        organisation: OrganisationId,
    },
}

/// Where the platform's records are.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The platform's settings, whose section [mob] lists the funders that use this profile
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The platform's data folder
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Socket of the element
    #[arg(long)]
    element: PathBuf,
}

/// How MOB's host is reached, and what it stands on.
#[derive(Debug, clap::Args)]
pub(crate) struct MobOptions {
    #[command(flatten)]
    place: Place,
    /// Address to listen at
    #[arg(long, default_value = "127.0.0.1:8446")]
    listen: SocketAddr,
    /// Certificate chain and private key, in one PEM file that only this user reads; without it, loopback alone is served, in clear
    #[arg(long, value_name = "PEM")]
    tls: Option<PathBuf>,
    /// File of the key that signs manifests; made at the first start
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A ClamAV daemon, unix:/path or tcp:127.0.0.1:port for the local end of a TLS tunnel; may be given more than once
    #[arg(long, value_name = "ADDRESS", required = true)]
    antivirus: Vec<ClamdAddress>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// The section `[mob]` of the settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobTable {
    /// Where the host is reached, `https://mob.example.org`: what its messages say.
    url: String,
    /// The public key that its manifests are signed with, as `sceau mob key` prints it: what schemes name as the intake that they trust.
    key: String,
    /// What the profile gives up, each word written out.
    danger_accepted: Vec<String>,
    /// The one page of another origin that may call from a browser: MOB's own.
    page_origin: Option<String>,
    /// A provider of identities whose access tokens are taken beside the platform's own.
    provider: Option<ProviderTable>,
    /// Who uses it.
    #[serde(default)]
    funders: Vec<FunderTable>,
}

/// The section `[mob.provider]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderTable {
    /// As its tokens name it, `https://id.example.org/realms/mcm`.
    issuer: IssuerUrl,
    /// One of these must be in `aud`.
    audiences: Vec<String>,
    /// Authorities (PEM) to trust beside the system's.
    ca_file: Option<PathBuf>,
    /// Where roles are in a token, as JSON pointers.
    #[serde(default = "roles")]
    roles: Vec<String>,
}

/// Where Keycloak has the roles of its realm, and of MOB's API.
fn roles() -> Vec<String> {
    ["/realm_access/roles", "/resource_access/api/roles"].map(str::to_owned).into()
}

impl ProviderTable {
    fn provider(&self) -> Result<Provider, Failure> {
        let authorities = super::settings::authorities(self.ca_file.as_deref())?;
        let http = WebClient::new(authorities.as_deref()).map_err(|error| Failure::role("mob", &error))?;
        Ok(Provider::new(self.issuer.clone(), Arc::new(http), Arc::new(SystemClock)))
    }

    fn tokens(&self) -> Result<AccessTokens, Failure> {
        Ok(AccessTokens::new(self.provider()?, self.audiences.clone(), self.roles.clone()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FunderTable {
    /// The organisation.
    organisation: OrganisationId,
    /// As `[[bus.companies]]` names it, where its own system decides over the bus.
    company: Option<Company>,
    /// Its group at the provider of identities.
    group: Option<String>,
}

impl MobTable {
    /// What can be judged without asking anybody; `companies` are those of the bus.
    pub(crate) fn check(&self, companies: &[&str]) -> Result<(), String> {
        for (name, given) in [("url", Some(&self.url)), ("page_origin", self.page_origin.as_ref())] {
            let Some(given) = given else { continue };
            let origin = url::Url::parse(given).map(|url| url.origin().ascii_serialization());
            if origin.as_deref() != Ok(given.as_str()) {
                return Err(format!("mob.{name} is https://host[:port] and nothing more"));
            }
        }
        if self.provider.as_ref().is_some_and(|provider| provider.audiences.is_empty()) {
            return Err(
                "mob.provider.audiences: name for whom tokens are made, or everybody's are taken".to_owned()
            );
        }
        let accepted = DANGERS.iter().all(|danger| self.danger_accepted.iter().any(|word| word == danger));
        if !accepted || self.danger_accepted.len() != DANGERS.len() {
            return Err(format!(
                "mob.danger_accepted: this profile gives up what docs/mob-2022.md says; to have it all the same, write {DANGERS:?}"
            ));
        }
        intake::public_key(&self.key).map_err(|error| format!("mob.key: {error}"))?;
        if self.funders.is_empty() {
            return Err("mob.funders: nobody uses this profile".to_owned());
        }
        for funder in &self.funders {
            if let Some(company) = funder.company.as_ref().filter(|name| !companies.contains(&name.as_str()))
            {
                return Err(format!("mob.funders: {company} is none of bus.companies"));
            }
        }
        Ok(())
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The provider whose access tokens are taken: as its tokens name it, and itself.
    pub(crate) fn provider(&self) -> Result<Option<(String, Provider)>, Failure> {
        let Some(table) = &self.provider else { return Ok(None) };
        Ok(Some((table.issuer.as_str().to_owned(), table.provider()?)))
    }

    /// The host, for the platform whose schemes may name it.
    pub(crate) fn desk(&self) -> Option<IntakeDesk> {
        let key = intake::public_key(&self.key).ok()?;
        Some(IntakeDesk { url: self.url.clone(), key })
    }
}

/// Nobody is invited here, so nobody is told an organisation's name.
struct NoNames;

impl Directory for NoNames {
    fn organisation_name(&self, _: OrganisationId) -> BoxFuture<'_, Option<String>> {
        async { None }.boxed()
    }
}

/// Serves until asked to end.
pub(crate) async fn run(options: MobOptions) -> Result<(), Failure> {
    let usage = |words: String| Failure::new(Exit::Usage, "mob", words);
    let settings = Settings::read(Some(&options.place.config))?;
    let table = options.place.table(&settings)?;
    let tls = match &options.tls {
        Some(path) => {
            let identity = certificates::read_identity(path)?;
            let config = sceau_pki::server_config(&identity).map_err(|error| Failure::role("mob", &error))?;
            Some(Arc::new(config))
        }
        None if options.listen.ip().is_loopback() => None,
        None => return Err(usage("documents pass here in clear: give a certificate with --tls".into())),
    };
    let key = intake::key(&options.key)?;
    let public = intake::text_of(&key.verifying_key());
    if public != table.key {
        return Err(usage(format!("mob.key is not the key of {}: that is {public}", options.key.display())));
    }
    let antivirus = Antivirus::new(options.antivirus.clone(), Patience::default());
    let mob = MobSettings {
        funders: table.funders.iter().map(MobFunder::from).collect(),
        url: table.url.clone(),
        key,
        antivirus: antivirus.map_err(|error| usage(error.to_string()))?,
        at_once: AT_ONCE,
        slowest: Slowest::default(),
        tokens: table.provider.as_ref().map(ProviderTable::tokens).transpose()?,
        page: table.page_origin.clone(),
    };
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let (dossiers, accounts) = options.place.records(&settings, &table.url).await?;
    let host = MobHost::new(dossiers, accounts, mob);
    let end = asked_to_end()?;
    tracing::warn!("mob-2022 is on: {DANGERS:?} are given up for its funders (docs/mob-2022.md)");
    say_ready(&json!({"ready": "mob", "url": table.url, "key": public, "gives_up": DANGERS}))?;
    serve(host, listener, tls, end).await;
    Ok(())
}

impl From<&FunderTable> for MobFunder {
    fn from(table: &FunderTable) -> Self {
        let FunderTable { organisation, company, group } = table;
        Self { organisation: *organisation, company: company.clone(), group: group.clone() }
    }
}

impl Place {
    /// The section that switches the profile on.
    fn table<'s>(&self, settings: &'s Settings) -> Result<&'s MobTable, Failure> {
        settings.mob.as_ref().ok_or_else(|| {
            let words = format!(
                "{} has no section [mob]: this profile is off unless an operator asks for it (docs/mob-2022.md)",
                self.config.display()
            );
            Failure::new(Exit::Usage, "mob_off", words)
        })
    }

    /// Where no server keeps the records, they are the platform's file: without it nothing is begun, least of all records of its own.
    fn records_are_there(&self, settings: &Settings) -> Result<(), Failure> {
        let file = self.data.join("records.db");
        if !settings.database.is_file() {
            return Ok(());
        }
        std::fs::metadata(&file).map(drop).map_err(|cause| {
            let words = format!(
                "MOB's host works on the platform's records, and has no way to {} ({cause}): start the platform once, and where the \
                 host has a user of its own, keep records on PostgreSQL and objects in an S3 store (docs/deploy/mob.md)",
                file.display()
            );
            Failure::new(Exit::Usage, "mob_records", words)
        })
    }

    /// The platform's records, as a process beside it works on them.
    async fn records(&self, settings: &Settings, origin: &str) -> Result<(Dossiers, Accounts), Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let migrations =
            [sceau_store::MIGRATIONS, sceau_accounts::MIGRATIONS, sceau_dossiers::MIGRATIONS].concat();
        self.records_are_there(settings)?;
        let database = settings.database.open(&self.data, &migrations).await?;
        let objects = settings.objects.open(&self.data)?;
        let outbox = Outbox::new(database.clone(), Arc::clone(&clock), RetryPolicy::default());
        let element = Client::new(&self.element);
        element.hello().await.map_err(|error| Failure::role("element", &error))?;
        let dossiers =
            Dossiers::new(database.clone(), objects, outbox, element.clone(), Arc::clone(&clock), origin);
        let parts = Parts {
            database,
            element: Arc::new(element),
            clock,
            directory: Arc::new(NoNames),
            config: AccountsConfig::at(origin),
        };
        Ok((dossiers, Accounts::beside(parts)))
    }
}

/// Does what is done beside running it.
pub(crate) async fn tend(command: MobCommand) -> Result<(), Failure> {
    let (place, organisation) = match command {
        MobCommand::Key { key } => {
            let public = intake::text_of(&intake::key(&key)?.verifying_key());
            return say_ready(&json!({ "key": public }));
        }
        MobCommand::Client { place, organisation } => (place, organisation),
    };
    let settings = Settings::read(Some(&place.config))?;
    let (dossiers, accounts) = place.records(&settings, &place.table(&settings)?.url).await?;
    let made = dossiers.make_maas_client(&accounts, organisation).await;
    let made = made.map_err(|error| Failure::role("dossiers", &error))?;
    say_ready(&json!({"client_id": made.client_id.to_string(), "client_secret": made.client_secret.as_str()}))
}
