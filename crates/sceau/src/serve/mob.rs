//! MOB's host, in the privileged zone, assembled: it sees files in clear for a moment, so it has a process, a key and a listener of its own.

mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use sceau_accounts::{Accounts, AccountsConfig, Directory, Parts};
use sceau_dossiers::Dossiers;
use sceau_dossiers::intake::Slowest;
use sceau_dossiers::mob::http::{MobHost, MobSettings, serve};
use sceau_element_api::{Client, OrganisationId};
use sceau_store::{Antivirus, ClamdAddress, Clock, Outbox, Patience, RetryPolicy, SystemClock};
use serde_json::json;
use tokio::net::TcpListener;

use super::settings::Settings;
use super::{asked_to_end, callers, intake, say_ready};
use crate::failure::{Exit, Failure};
use crate::say;

pub(crate) use table::{DANGERS, MobTable};

/// Uploads received at once: each takes two mebibytes or so.
const AT_ONCE: usize = 64;

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
    if options.tls.is_none() && !options.listen.ip().is_loopback() {
        return Err(usage("documents pass here in clear: give a certificate with --tls".into()));
    }
    let clients = table.clients.is_some().then(|| MobTable::clients(options.place.config.clone()));
    let edge = callers::edge("mob", options.tls.as_deref(), clients)?;
    let key = intake::key(&options.key)?;
    let public = intake::text_of(&key.verifying_key());
    if public != table.key {
        return Err(usage(format!("mob.key is not the key of {}: that is {public}", options.key.display())));
    }
    let antivirus = Antivirus::new(options.antivirus.clone(), Patience::default());
    let mob = MobSettings {
        funders: table.funders(),
        url: table.url.clone(),
        key,
        antivirus: antivirus.map_err(|error| usage(error.to_string()))?,
        at_once: AT_ONCE,
        slowest: Slowest::default(),
        tokens: table.tokens()?,
        page: table.page_origin.clone(),
    };
    let listener =
        TcpListener::bind(options.listen).await.map_err(|cause| Failure::listen(options.listen, &cause))?;
    let (dossiers, accounts) = options.place.records(&settings, &table.url).await?;
    let host = MobHost::new(dossiers, accounts, mob);
    let end = asked_to_end()?;
    tracing::warn!("mob-2022 is on: {DANGERS:?} are given up for its funders (docs/mob-2022.md)");
    say_ready(&json!({"ready": "mob", "url": table.url, "key": public, "gives_up": DANGERS}))?;
    serve(host, listener, edge, end).await;
    Ok(())
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
        self.records_are_there(settings)?;
        let database = settings.records(&self.data).await?;
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
            return say::json(&json!({ "key": public }));
        }
        MobCommand::Client { place, organisation } => (place, organisation),
    };
    let settings = Settings::read(Some(&place.config))?;
    let (dossiers, accounts) = place.records(&settings, &place.table(&settings)?.url).await?;
    let made = dossiers.make_maas_client(&accounts, organisation).await;
    let made = made.map_err(|error| Failure::role("dossiers", &error))?;
    say::json(&json!({"client_id": made.client_id.to_string(), "client_secret": made.client_secret.as_str()}))
}
