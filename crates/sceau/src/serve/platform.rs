//! The platform: accounts, dossiers, pages and the public log, assembled.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use futures::future::{BoxFuture, FutureExt as _};
use sceau_accounts::callers::{Callers, forwarded};
use sceau_accounts::{Accounts, AccountsConfig, Directory, Parts, TrustedProxies};
use sceau_crypto::VerifyingKey;
use sceau_dossiers::mob::{BUS_TOPIC, MOB_LETTERS, REPLY_TOPIC, ReplyDesk};
use sceau_dossiers::{Beside, Cosigned, Dossiers, DraftSpace, IntakeDesk, LETTERS, Platform, WEBHOOKS};
use sceau_element_api::Cidr;
use sceau_element_api::{Client, OrganisationId};
use sceau_keyrings::Teller;
use sceau_protect::{Console, Rows, Tally};
use sceau_store::{Clock, Mailer, Message, Outbox, RetryPolicy, SystemClock};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;

use super::door::{At, Door};
use super::mob::MobTable;
use super::settings::Settings;
use super::witnesses::{Collector, Peers, Stamper, at_turns};
use super::{asked_to_end, callers, intake, pages, say_ready};
use crate::failure::{Exit, Failure};
use crate::say;

/// What is delivered at the same time, over all topics.
const DELIVERIES_AT_ONCE: u32 = 64;
/// How often the outbox is looked at where MOB's host leaves messages in it, a process that cannot wake this one.
const BESIDE: std::time::Duration = std::time::Duration::from_secs(1);
/// How many letters are on their way at once.
const LETTERS_AT_ONCE: usize = 8;

/// Where the platform keeps things, and where it listens.
#[derive(Debug, clap::Args)]
pub(crate) struct PlatformOptions {
    /// Settings: the servers that the platform works with (TOML; docs/deploy/README.md)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Judge the settings and end, without starting anything
    #[arg(long, requires = "config")]
    check: bool,
    /// Folder of what is kept on this machine: records, sealed files, outgoing mail
    #[arg(long, required_unless_present = "check")]
    data: Option<PathBuf>,
    /// Where to listen: address:port, or unix:/path for a gate on this machine, which is then believed about whom it carries
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:8080")]
    listen: At,
    /// Web origin of the pages, where a proxy or another port stands before this one; a socket needs it
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Network of a TLS proxy whose Forwarded or X-Forwarded-For header is believed; may be given more than once
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<Cidr>,
    /// Files of unfinished deposits that one account may have, in MiB
    #[arg(long, value_name = "MIB", default_value_t = DraftSpace::default().per_account >> 20)]
    draft_space_per_account: u64,
    /// Files of unfinished deposits that may come from one machine, in MiB
    #[arg(long, value_name = "MIB", default_value_t = DraftSpace::default().per_source >> 20)]
    draft_space_per_source: u64,
    /// Socket of the element
    #[arg(long, required_unless_present = "check")]
    element: Option<PathBuf>,
    /// Web origin of the intake that scans documents, where there is one
    #[arg(long, value_name = "URL", requires = "intake_key")]
    intake: Option<String>,
    /// The public key that the intake's words are signed with, as its ready line says it
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, value_parser = intake::public_key, requires = "intake")]
    intake_key: Option<VerifyingKey>,
    /// Processors that this process works on; where several share a machine, its share (else all of the machine's)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

impl PlatformOptions {
    /// The data folder and the element's socket. The command line asks for both, unless settings are only judged.
    fn places(&self) -> Result<(&Path, &Path), Failure> {
        self.data
            .as_deref()
            .zip(self.element.as_deref())
            .ok_or_else(|| Failure::new(Exit::Usage, "settings", "say where with --data and --element"))
    }

    /// What people's browsers know it by.
    fn origin(&self, door: &Door) -> Result<String, Failure> {
        let own = || door.port().map(|port| format!("http://sceau.localhost:{port}"));
        let words = "behind a socket nobody knows the address that people see: say it with --origin";
        self.origin.clone().or_else(own).ok_or_else(|| Failure::new(Exit::Usage, "origin", words))
    }
}

/// The console of protected data, and what counts for it.
type Protection = (OpenApiRouter, Tally);

/// The names of organisations, for invitations.
struct Names(Dossiers);

impl Directory for Names {
    fn organisation_name(&self, id: OrganisationId) -> BoxFuture<'_, Option<String>> {
        async move { self.0.organisation(id).await.ok().map(|organisation| organisation.name) }.boxed()
    }
}

/// Runs the platform until it is asked to end.
pub(crate) async fn run(options: PlatformOptions) -> Result<(), Failure> {
    let settings = Settings::read(options.config.as_deref())?;
    if options.check {
        return say::json(&json!({ "settings": "usable" }));
    }
    let (data, socket) = options.places()?;
    let door = Door::take(&options.listen).await?;
    let origin = options.origin(&door)?;
    let element = Client::new(socket);
    let hello = element.hello().await.map_err(|error| Failure::role("element", &error))?;
    let (mut platform, outbox, mail, protection) =
        assemble(&options, &settings, data, (&origin, &door), element.clone()).await?;
    let peers = Peers::open(&settings.trace, element.clone())?;
    let clock = || Arc::new(SystemClock);
    let collector = Collector::open(&settings.trace, data, element.clone(), &hello.log_key, clock())?;
    let cosigned = collector.as_ref().map_or_else(Cosigned::default, Collector::cosigned);
    platform.dossiers = platform.dossiers.with_cosigned(cosigned.clone());
    let stamper = Stamper::open(&settings.trace, data, element, &hello.log_key, cosigned, clock())?;
    let desk = settings.bus.as_ref().map(|bus| bus.open(platform.dossiers.subscriptions())).transpose()?;
    let teller = settings.keyrings.as_ref().map(|it| it.teller(clock())).transpose()?.flatten();
    let link = platform.accounts.first_administrator_link().await;
    let link = link.map_err(|error| Failure::role("accounts", &error))?;
    platform.dossiers.recover().await.map_err(|error| Failure::role("dossiers", &error))?;

    let (protection, tally) = protection.unzip();
    let beside = Beside { protection, pages: pages::pages(options.intake.as_deref()) };
    let router = sceau_dossiers::api(&platform, &hello.log_key, beside);
    let router = router.map_err(|error| Failure::role("OpenAPI document", &error))?;
    let router = judging(router, &options, &settings, &door)?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let upkeep = tokio::spawn(keep(platform.clone(), stopped.clone()));
    let replies = desk.clone().map(|desk| {
        let stopped = stopped.clone();
        tokio::spawn(async move { desk.run(&stopped).await })
    });
    let tasks = [
        collector.map(|collector| tokio::spawn(at_turns(collector, stopped.clone()))),
        tally.map(|tally| tokio::spawn(tally.run(stopped.clone()))),
        stamper.map(|stamper| tokio::spawn(at_turns(stamper, stopped.clone()))),
        peers.map(|peers| tokio::spawn(at_turns(peers, stopped.clone()))),
    ];
    let post = tokio::spawn(deliver(outbox, platform, mail, (desk, teller), stopped));
    let end = asked_to_end()?;
    say_ready(&json!({
        "ready": "platform", "url": origin, "log_key": hello.log_key, "first_administrator": link,
    }))?;
    let served = door.serve(router, end).await;
    let _ = stop.send(true);
    let _ = post.await;
    if let Some(replies) = replies {
        let _ = replies.await;
    }
    for task in tasks.into_iter().flatten() {
        let _ = task.await;
    }
    let _ = upkeep.await;
    served.map_err(|cause| Failure::system("serve", &cause))
}

/// The routes, where callers' certificates that the gate forwards are judged once more, if the settings say so. TLS ends in the gate alone, so nobody
/// but it is believed about them: it takes the socket.
fn judging(
    router: Router,
    options: &PlatformOptions,
    settings: &Settings,
    door: &Door,
) -> Result<Router, Failure> {
    let Some(path) = options.config.clone().filter(|_| settings.clients.is_some()) else { return Ok(router) };
    if door.proxy().is_none() {
        let words =
            "[clients] is about certificates that a gate forwards through a socket: listen at unix:/path";
        return Err(Failure::new(Exit::Usage, "clients", words));
    }
    let callers = Callers::open(Settings::clients(path), None, Arc::new(SystemClock));
    let callers = callers.map_err(|error| callers::unusable(&error))?;
    Ok(forwarded(router, &callers))
}

async fn assemble(
    options: &PlatformOptions,
    settings: &Settings,
    data: &Path,
    (origin, door): (&str, &Door),
    element: Client,
) -> Result<(Platform, Outbox, Mailer, Option<Protection>), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    sceau_hsm::durable::secret_folder(data)?;
    let database = settings.records(data).await?;
    let objects = settings.objects.open(data)?;
    let mail = settings.mail.open(data, &clock)?;
    let outbox = Outbox::new(database.clone(), Arc::clone(&clock), RetryPolicy::default());
    let dossiers =
        Dossiers::new(database.clone(), objects, outbox.clone(), element.clone(), Arc::clone(&clock), origin);
    let bytes = |mib: u64| mib.saturating_mul(1 << 20);
    let dossiers = dossiers.with_draft_space(DraftSpace {
        per_account: bytes(options.draft_space_per_account),
        per_source: bytes(options.draft_space_per_source),
    });
    let desk = options.intake.clone().zip(options.intake_key);
    let dossiers = dossiers
        .with_intake(desk.map(|(url, key)| IntakeDesk { url, key }))
        .with_reach(settings.webhooks.reach()?)
        .with_mob(settings.mob.as_ref().and_then(MobTable::desk));
    let providers = settings.identity.open(&clock)?;
    let rows = settings.protect.as_ref().map(|_| Rows::new(database.clone()));
    let parts = Parts {
        database,
        element: Arc::new(element.clone()),
        clock: Arc::clone(&clock),
        directory: Arc::new(Names(dossiers.clone())),
        config: AccountsConfig {
            trusted_proxies: TrustedProxies::new(
                options.trusted_proxy.iter().copied().chain(door.proxy()).collect(),
            ),
            providers,
            ..AccountsConfig::at(origin)
        },
    };
    let accounts = Accounts::open(parts).await.map_err(|error| Failure::role("accounts", &error))?;
    let protection = rows.map(|rows| {
        let tally = Tally::new(element.clone(), rows.clone());
        (sceau_protect::routes(Console::new(accounts.clone(), element, rows, clock)), tally)
    });
    Ok((Platform { dossiers, accounts }, outbox, mail, protection))
}

/// Tidies and sweeps until told to stop.
async fn keep(platform: Platform, stopped: tokio::sync::watch::Receiver<bool>) {
    let stop = || {
        let mut stopped = stopped.clone();
        async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        }
    };
    tokio::join!(platform.dossiers.upkeep(stop()), platform.accounts.upkeep(stop()));
}

/// Delivers letters and messages until told to stop.
async fn deliver(
    outbox: Outbox,
    platform: Platform,
    mail: Mailer,
    (desk, teller): (Option<ReplyDesk>, Option<Teller>),
    mut stopped: tokio::sync::watch::Receiver<bool>,
) {
    let mob = platform.dossiers.has_mob();
    let about_subscriptions = (platform.dossiers.clone(), mail.clone());
    let dossiers = platform.dossiers.clone();
    let webhooks = move |message: Message| {
        let dossiers = dossiers.clone();
        async move { dossiers.deliver_webhook(&message).await }
    };
    let turns = Arc::new(tokio::sync::Semaphore::new(LETTERS_AT_ONCE));
    let letters = move |message: Message| {
        let (platform, mail, turns) = (platform.clone(), mail.clone(), Arc::clone(&turns));
        async move {
            let _turn = turns.acquire().await;
            platform.dossiers.deliver_letter(&platform.accounts, &mail, &message).await
        }
    };
    let subscriptions = move |message: Message| {
        let (dossiers, mail) = (about_subscriptions.0.clone(), about_subscriptions.1.clone());
        async move { dossiers.deliver_mob_letter(&mail, &message).await }
    };
    let stop = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let mut dispatcher = outbox
        .dispatcher()
        .at_once(DELIVERIES_AT_ONCE)
        .on(LETTERS, letters)
        .on(WEBHOOKS, webhooks)
        .on(MOB_LETTERS, subscriptions);
    if let Some(desk) = desk {
        dispatcher = dispatcher.on(BUS_TOPIC, desk.clone()).on(REPLY_TOPIC, desk);
    }
    let beside = mob || teller.is_some();
    if let Some(teller) = teller {
        dispatcher = dispatcher.on(sceau_keyrings::REQUESTED, move |message: Message| {
            let teller = teller.clone();
            async move { teller.tell(&message).await }
        });
    }
    if beside {
        dispatcher = dispatcher.looking_every(BESIDE);
    }
    dispatcher.run(stop).await;
}
