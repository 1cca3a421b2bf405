//! `sceau demo FILE…`: the whole main job on real files without a browser, each step and each proof printed.
//!
//! Everything runs for real, in processes of its own, in a folder that goes away: element, platform, key manager; an administrator,
//! an organisation, a citizen and a case officer who use the public API alone.

use std::path::{Path, PathBuf};
use std::time::Instant;

use sceau_client::{Deposited, Document, Opened, Person, ReadingPage, Step, trust};
use sceau_store::{Clock as _, SystemClock};
use serde_json::Value;
use tempfile::TempDir;

use crate::demonstration::{Cast, Teller, accept, answers, officer_trust, raise};
use crate::failure::{Exit, Failure};
use crate::house::{House, Layout};

/// The files to deposit.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoOptions {
    /// Files to deposit, seal, open and compare
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Keep the folder of the demonstration here instead of removing it; a new one each time
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Runs the demonstration.
pub(crate) async fn run(options: &DemoOptions) -> Result<(), Failure> {
    let documents = options.files.iter().map(|path| Document::read(path)).collect::<Result<Vec<_>, _>>()?;
    let folder = Folder::of(options)?;
    let layout = Layout::open(folder.path())?;
    if Cast::open(&layout)?.officer.is_some() {
        return Err(Failure::used_before(folder.path()));
    }
    let tell = Teller::new();
    tell.chapter("Starting the element, the platform and a key manager, each in a process of its own");
    let mut house = House::start(&layout, &[], None).await?;
    let told = Box::pin(story(&mut house, &layout, &documents, &tell)).await;
    house.stop().await;
    told?;
    tell.end();
    Ok(())
}

async fn story(
    house: &mut House,
    layout: &Layout,
    documents: &[Document],
    tell: &Teller,
) -> Result<(), Failure> {
    let mut cast = Cast::open(layout)?;
    let officer = raise(house, layout, &mut cast, tell).await?;

    tell.chapter("A citizen deposits");
    let citizen = accept_citizen(house).await?;
    let deposited = deposit(&citizen, documents, tell).await?;

    tell.chapter("A case officer opens the dossier on the key manager's side");
    let reader = accept(house, &officer.link, "gestionnaire@metropole.example", "Anne Démonstration").await?;
    let started = Instant::now();
    let link = reader.ticket(deposited.dossier).await?;
    tell.done("one-use ticket", link.split('#').next().unwrap_or_default());
    let trust = officer_trust(layout)?;
    let page = ReadingPage::open(&link, &house.platform, &trust, citizen.log_key()).await?;
    let opened = page.read().await?;
    tell.took("opened in", started);
    compare(documents, &opened, tell)?;

    tell.chapter("The case officer decides");
    page.decide("accepted", "Dossier complet, aide accordée.").await?;
    tell.done("decision signed", "accepted, over exactly what was deposited");
    watch(&citizen, &deposited, tell).await
}

async fn accept_citizen(house: &House) -> Result<Person, Failure> {
    let known = house.log_key()?;
    let name = "Cléo Démonstration";
    Ok(Person::register(&house.platform, "cleo@citoyenne.example", name, None, Some(&known)).await?)
}

async fn deposit(citizen: &Person, documents: &[Document], tell: &Teller) -> Result<Deposited, Failure> {
    let schemes = citizen.schemes().await?;
    let scheme =
        schemes.first().ok_or_else(|| Failure::new(Exit::System, "no_scheme", "no scheme is published"))?;
    let started = Instant::now();
    let mut step = |step: Step<'_>| match step {
        Step::RecipientVerified(key) => {
            tell.done(
                "recipient key verified",
                &format!("{} (log entry {})", short(&key.key.key_id().to_string()), key.index),
            );
        }
        Step::FileSent { name, sealed } => {
            let line = format!(
                "{name}: {} bytes in {} part(s), envelope {}",
                sealed.size,
                sealed.parts,
                short(&sealed.envelope_hash.to_string())
            );
            tell.done("sealed and sent", &line);
        }
        Step::ReceiptVerified(receipt) => {
            tell.done(
                "receipt verified",
                &format!("log entry {} of {}, proven by a passkey", receipt.index, receipt.size),
            );
        }
        _ => {}
    };
    let deposited = citizen.deposit(scheme, &answers(), documents, SystemClock.now_ms(), &mut step).await?;
    tell.took("deposited in", started);
    Ok(deposited)
}

/// What came out is what went in, byte for byte.
fn compare(documents: &[Document], opened: &Opened, tell: &Teller) -> Result<(), Failure> {
    for document in documents {
        let before = sceau_trace::sha256(&document.content);
        let out = opened.files.iter().find(|file| file.name == document.name);
        let after = out.map(|file| sceau_trace::sha256(&file.content));
        if after != Some(before) {
            let words = format!("{} did not come out as it went in", document.name);
            return Err(Failure::new(Exit::Proof, "mismatch", words));
        }
        tell.done("same bytes", &format!("{}: SHA-256 {}", document.name, short(&before.to_string())));
    }
    Ok(())
}

/// The citizen's page: waits for the decision to arrive, then checks the proof of every line.
async fn watch(citizen: &Person, deposited: &Deposited, tell: &Teller) -> Result<(), Failure> {
    let path = format!("/v1/dossiers/{}", deposited.dossier);
    let view = until_decided(citizen, &path).await?;
    let unproven = |words: &str| Failure::new(Exit::Proof, "timeline_unproven", words);
    let lines = view.get("timeline").and_then(Value::as_array).filter(|lines| !lines.is_empty());
    let lines = lines.ok_or_else(|| unproven("the platform shows nothing of what was done"))?;
    tell.chapter("The citizen sees each access, with its proof");
    for line in lines {
        let index = line.get("index").and_then(Value::as_u64);
        let index =
            index.ok_or_else(|| unproven("the platform shows a line without its place in the log"))?;
        let evidence: Value = citizen.server().get(&format!("{path}/evidence/{index}")).await?;
        let proven = trust::verify(&evidence, citizen.log_key())?;
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        if proven.index != index || proven.record.action().as_str() != text("action") {
            return Err(unproven("the platform shows a line that the log does not hold as such"));
        }
        let what = format!("{} {} by {}", text("action"), text("outcome"), text("actor_role"));
        tell.done(&what, &format!("log entry {index} of {}, inclusion verified", proven.size));
    }
    Ok(())
}

/// The key manager delivers through its outbox: the decision is there a moment later.
async fn until_decided(citizen: &Person, path: &str) -> Result<Value, Failure> {
    let mut pause = tokio::time::interval(std::time::Duration::from_millis(50));
    for _ in 0..200 {
        pause.tick().await;
        let view: Value = citizen.server().get(path).await?;
        if view.get("decision").is_some_and(|decision| !decision.is_null()) {
            return Ok(view);
        }
    }
    Err(Failure::new(Exit::System, "undelivered", "the decision was not delivered within ten seconds"))
}

/// Where the demonstration lives: a folder that goes away with it, or the one that was asked for.
enum Folder {
    Passing(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn of(options: &DemoOptions) -> Result<Self, Failure> {
        match &options.data {
            Some(path) => Ok(Self::Kept(path.clone())),
            None => tempfile::Builder::new()
                .prefix("sceau-demo-")
                .tempdir()
                .map(Self::Passing)
                .map_err(|cause| Failure::system("make a folder for the demonstration", &cause)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

fn short(hex: &str) -> String {
    format!("{}…", hex.get(..16).unwrap_or(hex))
}
