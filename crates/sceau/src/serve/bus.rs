//! The bus to companies' own systems: the section `[bus]` of the settings, and the definitions that its broker loads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_dossiers::mob::{ReplyDesk, Subscriptions};
use sceau_store::bus::{Broker, BusLogin, Company, Provision, definitions};
use sceau_store::{Outbox, RetryPolicy, SystemClock};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::secret::SecretFile;
use super::settings::Settings;
use crate::failure::{Exit, Failure};
use crate::say;

/// The longest chain with its key, in bytes.
const LONGEST_IDENTITY: usize = 64 << 10;
const EXAMPLES: &str = "\
Examples:
  sceau bus definitions --config /etc/sceau/platform.toml > definitions.json
  rabbitmqctl import_definitions definitions.json";

/// What is done for the bus beside running it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BusCommand {
    /// Print the definitions that RabbitMQ imports: for each company a virtual host, a login, its queues
    #[command(after_help = EXAMPLES)]
    Definitions {
        /// The platform's settings, whose section [bus] names the companies
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// List what could not be delivered, to the bus or elsewhere, and why
    DeadLetters(RecordsPlace),
    /// Try a dead letter again: the platform delivers it within a minute
    Replay {
        /// Where it is
        #[command(flatten)]
        place: RecordsPlace,
        /// Its id, as dead-letters shows it
        id: String,
    },
}

/// The platform's records.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordsPlace {
    /// The platform's settings, where it has some
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The platform's data folder
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
}

/// Does it.
pub(crate) async fn run(command: BusCommand) -> Result<(), Failure> {
    match command {
        BusCommand::Definitions { config } => {
            let settings = Settings::read(Some(&config))?;
            let words = || {
                Failure::new(Exit::Usage, "settings", format!("{} has no section [bus]", config.display()))
            };
            say::json(&settings.bus.as_ref().ok_or_else(words)?.definitions()?)
        }
        BusCommand::DeadLetters(place) => {
            let letters = outbox(&place).await?.dead_letters(SHOWN).await;
            let letters = letters.map_err(|error| Failure::role("store", &error))?;
            if letters.is_empty() {
                // Standard output is for scripts: one line a letter.
                say::remark("sceau: there are no dead letters");
            }
            for letter in letters {
                say::json(&json!({
                    "id": letter.id, "topic": letter.topic, "created": letter.created, "attempts": letter.attempts,
                    "reason": letter.reason,
                }))?;
            }
            Ok(())
        }
        BusCommand::Replay { place, id } => {
            let revived = outbox(&place).await?.revive(&id).await;
            if revived.map_err(|error| Failure::role("store", &error))? {
                return say::json(&json!({ "replayed": id }));
            }
            Err(Failure::new(Exit::Usage, "no_such_message", format!("there is no dead letter {id}")))
        }
    }
}

/// Dead letters that are printed at once.
const SHOWN: u32 = 10_000;

async fn outbox(place: &RecordsPlace) -> Result<Outbox, Failure> {
    let settings = Settings::read(place.config.as_deref())?;
    let database = settings.records(&place.data).await?;
    Ok(Outbox::new(database, Arc::new(SystemClock), RetryPolicy::default()))
}

/// Where the broker is, and which companies are on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BusSettings {
    /// `amqps://login@host:port`, the platform's own login.
    address: String,
    /// Where its password is.
    password_file: SecretFile,
    /// PEM file of the authorities that may certify the broker.
    ca_file: PathBuf,
    /// PEM file with a client certificate's chain and key, for a broker that demands one; only the platform's user may read it.
    certificate_file: Option<PathBuf>,
    /// The companies.
    #[serde(default)]
    companies: Vec<CompanySettings>,
}

/// A company on the bus.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanySettings {
    /// As queues name it.
    name: Company,
    /// Its login.
    login: String,
    /// Where its login's password is: for the definitions only.
    password_file: Option<SecretFile>,
    /// Messages that its queue may hold.
    limit: Option<u32>,
}

impl BusSettings {
    /// What can be judged without asking the broker.
    pub(crate) fn check(&self) -> Result<(), String> {
        let own = Broker::new(&self.address, Zeroizing::default(), "");
        let own = own.map_err(|error| format!("bus.address: {error}"))?;
        for CompanySettings { name, login, .. } in &self.companies {
            if login == own.login() {
                return Err(format!("bus.companies: {name} has the platform's own login"));
            }
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            if login.is_empty() || login.len() > 64 || !login.bytes().all(plain) {
                return Err(format!(
                    "bus.companies: the login of {name} has 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`"
                ));
            }
        }
        let mut names: Vec<&str> = self.companies.iter().map(|company| company.name.as_str()).collect();
        let mut logins: Vec<&str> = self.companies.iter().map(|company| company.login.as_str()).collect();
        for list in [&mut names, &mut logins] {
            list.sort_unstable();
            if list.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err("bus.companies: each name and each login stands once".into());
            }
        }
        Ok(())
    }

    /// The companies, by name.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.companies.iter().map(|company| company.name.as_str()).collect()
    }

    /// The paths that are written in it, with their names.
    pub(crate) fn paths(&self) -> Vec<(&'static str, Option<&Path>)> {
        let companies = self.companies.iter().filter_map(|company| company.password_file.as_ref());
        let companies = companies.map(|file| ("bus.companies.password_file", file.path()));
        let own = [
            ("bus.password_file", self.password_file.path()),
            ("bus.ca_file", Some(self.ca_file.as_path())),
            ("bus.certificate_file", self.certificate_file.as_deref()),
        ];
        own.into_iter().chain(companies).collect()
    }

    /// What publishes and settles for the companies. Connects when it is run.
    pub(crate) fn open(&self, subscriptions: Subscriptions) -> Result<ReplyDesk, Failure> {
        let broker = self.broker()?;
        let companies = self.companies.iter().map(|company| (company.name.clone(), company.login.clone()));
        Ok(ReplyDesk::new(Arc::new(broker), subscriptions, companies.collect()))
    }

    /// The broker. Nothing is asked of it yet.
    pub(crate) fn broker(&self) -> Result<Broker, Failure> {
        let authority = std::fs::read_to_string(&self.ca_file)
            .map_err(|cause| Failure::file("read", &self.ca_file, &cause))?;
        let broker = Broker::new(&self.address, self.password_file.read()?, &authority)
            .map_err(|error| Failure::role("bus", &error))?;
        let Some(path) = &self.certificate_file else { return Ok(broker) };
        sceau_hsm::durable::check_secret(path)?;
        let identity = sceau_hsm::durable::read_secret(path, LONGEST_IDENTITY)?;
        Ok(broker.showing(identity.to_vec().into()))
    }

    /// The virtual host of each company.
    pub(crate) fn vhosts(&self) -> Vec<String> {
        self.companies.iter().map(|company| company.name.vhost()).collect()
    }

    /// Its address, and who may certify it.
    pub(crate) fn place(&self) -> (&str, &Path) {
        (&self.address, &self.ca_file)
    }

    /// The definitions that the broker loads; a company without a password gets none.
    pub(crate) fn definitions(&self) -> Result<serde_json::Value, Failure> {
        let own = self.password_file.read()?;
        let broker =
            Broker::new(&self.address, Zeroizing::default(), "").map_err(|e| Failure::role("bus", &e))?;
        let mut passwords = Vec::new();
        for company in &self.companies {
            if let Some(file) = &company.password_file {
                passwords.push((company, file.read()?));
            }
        }
        let provisions: Vec<Provision<'_>> = passwords
            .iter()
            .map(|(company, password)| Provision {
                company: &company.name,
                login: BusLogin { name: &company.login, password },
                limit: company.limit,
            })
            .collect();
        let platform = BusLogin { name: broker.login(), password: &own };
        definitions(&platform, &provisions).map_err(|error| Failure::role("store", &error))
    }
}
