//! `sceau deposit`: a citizen's deposit without a browser, for files of any size and for scripts.

mod answers;
mod kept;
mod known;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sceau_client::{ClientError, Deposit, Deposited, Draft, Parcel, Person, Scheme, Server, Trust, trust};
use sceau_element_api::documents::SchemeDocument;
use sceau_element_api::{DossierId, SchemeId};
use sceau_store::{Clock as _, SystemClock};
use sceau_trace::VerifierKey;

use super::output::{Access, Output};
use sceau_client::name;

use super::{input, passphrase, trace};
use crate::failure::{Exit, Failure};
use crate::say;
use kept::{Kept, State};
use told::Told;

const EXAMPLES: &str = "\
Examples:
  sceau deposit --platform https://sceau.example.org --list
  sceau deposit --platform https://sceau.example.org --scheme 0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77 \\
    --email cleo@example.org --answer price=3200 --document invoice=invoice.pdf film.mp4

Documents and sensitive answers are sealed on this machine for the organisation alone. The same command again goes on with a \
deposit that was cut: what arrived whole is not sent again. You sign in with the password of your account, so the deposit \
is recorded on the platform's word; in a browser, with a passkey, you sign it yourself.";

/// What to deposit, where, as whom.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DepositOptions {
    /// Web address of the platform
    #[arg(long, value_name = "URL")]
    platform: String,
    /// Show the schemes with their questions and documents, and deposit nothing
    #[arg(long, conflicts_with_all = ["scheme", "email", "answer", "document", "files"])]
    list: bool,
    /// The scheme to deposit for
    #[arg(long, value_name = "ID", required_unless_present = "list")]
    scheme: Option<SchemeId>,
    /// Email address of your account
    #[arg(long, value_name = "ADDRESS", required_unless_present = "list")]
    email: Option<String>,
    /// Read the password from this file, which only you can read, instead of asking
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Answer to a question of the scheme; once for each. @FILE reads it from a file, which keeps it out of the list of processes
    #[arg(long, value_name = "NAME=VALUE")]
    answer: Vec<String>,
    /// A document that the scheme asks for by this name; once for each
    #[arg(long, value_name = "NAME=FILE")]
    document: Vec<String>,
    /// Where to write the receipt, an evidence file [default: receipt-DOSSIER.evidence]
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Where to keep what is needed to go on after a cut; removed when all is done
    #[arg(long, value_name = "FILE", default_value = "sceau-deposit.json")]
    state: PathBuf,
    /// Begin anew; what was begun before is withdrawn
    #[arg(long)]
    anew: bool,
    /// For how many seconds to wait for a platform that is away, each time
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    wait: u64,
    /// The log's public key, or @FILE that holds it, instead of the one remembered from the first deposit
    #[arg(long, value_name = "VKEY|@FILE")]
    log_key: Option<String>,
    /// Certificates (PEM) to trust for the address, instead of the system's
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing when all goes well
    #[arg(short, long)]
    quiet: bool,
    /// Files to deposit
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(options: &DepositOptions) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    runtime.block_on(async {
        match (options.scheme, &options.email) {
            (Some(scheme), Some(email)) => Box::pin(deposit(options, scheme, email)).await,
            _ => list(options).await,
        }
    })
}

/// The platform, and the log key under which it is believed.
struct Platform {
    server: Server,
    trust: Trust,
    log_key: VerifierKey,
}

impl Platform {
    async fn reach(options: &DepositOptions) -> Result<Self, Failure> {
        let read = |path: &Path| std::fs::read(path).map_err(|cause| Failure::file("read", path, &cause));
        let anchors_pem = options.anchors.as_deref().map(read).transpose()?;
        let trust = Trust { anchors_pem, identity_pem: None };
        let server = Server::new(&options.platform, &trust)?;
        let given = options.log_key.as_deref().map(trace::log_key).transpose()?;
        let log_key = match given {
            Some(given) => trust::log_key(&server, Some(&given)).await?,
            None => known::log_key(&server, options.quiet).await?,
        };
        Ok(Self { server, trust, log_key })
    }
}

async fn list(options: &DepositOptions) -> Result<(), Failure> {
    let platform = Platform::reach(options).await?;
    let schemes: Vec<Scheme> = platform.server.get("/v1/schemes").await?;
    let mut forms = Vec::with_capacity(schemes.len());
    for scheme in &schemes {
        forms.push(scheme.published(&platform.server, &platform.log_key).await?.document);
    }
    told::schemes(&forms, options.json)
}

async fn deposit(options: &DepositOptions, scheme: SchemeId, email: &str) -> Result<(), Failure> {
    let platform = Platform::reach(options).await?;
    let scheme = offered(&platform, scheme).await?;
    let form = scheme.published(&platform.server, &platform.log_key).await?.document;
    let answers = answers::of_form(&form, &options.answer)?;
    let parcels = parcels(options, &form)?;
    let mut state =
        State::open(options, Kept::new(&platform.server.origin(), &scheme, email, &answers, &parcels))?;
    // Refused before any work what would be refused after it.
    let receipt = options.receipt.as_deref().map(receipt_file).transpose()?;
    let password = passphrase::password(options.password_file.as_deref(), email)?;
    let (origin, log_key) = (platform.server.origin(), &platform.log_key);
    let person =
        Person::sign_in_with_password(&origin, &platform.trust, email, &password, Some(log_key)).await;
    let person = person.map_err(|error| refused_sign_in(error, email))?;
    drop(password);
    let draft = taken_up(&person, &mut state, &parcels, options).await?;
    let sent: Vec<Parcel> = parcels.iter().map(|file| file.parcel.clone()).collect();
    let patience = Duration::from_secs(options.wait);
    let deposit = Deposit { answers: &answers, parcels: &sent, patience, now: SystemClock.now_ms() };
    let mut told = Told::new(&parcels, options);
    let mut trouble = None;
    let outcome = person
        .deposit_parcels(&scheme, &deposit, draft, &mut |step| {
            let kept = told.hear(&step, &mut state);
            trouble = trouble.take().or(kept.err());
        })
        .await;
    drop(told);
    let deposited = outcome.map_err(|error| cut(error, options))?;
    let beside = format!("receipt-{}.evidence", deposited.dossier);
    let path = receipt.map_or_else(|| receipt_file(beside.as_ref()), Ok)?;
    let receipt = write_receipt(path, &deposited)?;
    // Only now may the deposit be forgotten.
    state.remove()?;
    told::deposited(&deposited, &parcels, &receipt, options)?;
    trouble.map_or(Ok(()), Err)
}

async fn offered(platform: &Platform, scheme: SchemeId) -> Result<Scheme, Failure> {
    match platform.server.get(&format!("/v1/schemes/{scheme}")).await {
        Err(ClientError::Refused { status: 404, .. }) => {
            let words = format!(
                "{} has no scheme {scheme}: --list shows those that it has",
                platform.server.origin()
            );
            Err(Failure::new(Exit::Usage, "scheme_unknown", words))
        }
        answer => Ok(answer?),
    }
}

/// A file to deposit, and what it was when it was looked at.
struct Chosen {
    parcel: Parcel,
    path: PathBuf,
    size: u64,
    modified: u64,
}

fn parcels(options: &DepositOptions, form: &SchemeDocument) -> Result<Vec<Chosen>, Failure> {
    let mut chosen = Vec::new();
    for given in &options.document {
        let Some((slot, path)) = given.split_once('=') else {
            let words = format!("--document {given}: write NAME=FILE");
            return Err(Failure::new(Exit::Usage, "document_malformed", words));
        };
        if !form.documents.iter().any(|document| document.name == slot) {
            let names: Vec<&str> = form.documents.iter().map(|document| document.name.as_str()).collect();
            let words =
                format!("the scheme asks for no document {slot:?}; it asks for: {}", names.join(", "));
            return Err(Failure::new(Exit::Usage, "document_unknown", words));
        }
        chosen.push(chosen_file(path.as_ref(), Some(slot.to_owned()))?);
    }
    for path in &options.files {
        chosen.push(chosen_file(path, None)?);
    }
    if chosen.is_empty() && form.documents.iter().any(|document| document.required) {
        let words = "the scheme asks for documents: name at least one file";
        return Err(Failure::new(Exit::Usage, "document_missing", words));
    }
    Ok(chosen)
}

fn chosen_file(path: &Path, slot: Option<String>) -> Result<Chosen, Failure> {
    if input::is_standard(path) {
        let words = "a deposit is of files: write standard input into one first";
        return Err(Failure::new(Exit::Usage, "not_a_file", words));
    }
    // Whether it can be read is known before anything is sent.
    let opened = input::Input::open(path)?;
    let Some(size) = opened.size else {
        let words = format!("{} is not a file: write it into one first", path.display());
        return Err(Failure::new(Exit::Usage, "not_a_file", words));
    };
    let name = name::for_envelope(path);
    let media_type = name::media_type(&name).to_owned();
    let parcel = Parcel::file(path.to_owned(), name, media_type, slot);
    Ok(Chosen { parcel, path: path.to_owned(), size, modified: opened.modified_ms() })
}

/// The draft to go on with, if there is one that the rest still fits into.
async fn taken_up(
    person: &Person,
    state: &mut State,
    files: &[Chosen],
    options: &DepositOptions,
) -> Result<Option<Draft>, Failure> {
    if let Some(dossier) = state.given_up() {
        withdraw(person, dossier).await?;
    }
    let Some(draft) = state.draft() else { return Ok(None) };
    let left = match person.left_of(&draft).await {
        Err(ClientError::Refused { status: 404, .. }) => {
            let words = format!(
                "the deposit that {} speaks of is not there any more: begin anew with --anew",
                options.state.display()
            );
            return Err(Failure::new(Exit::Usage, "deposit_gone", words));
        }
        // Once it is submitted it takes no files; the answer may have been lost.
        Err(ClientError::Refused { status: 409, .. }) => 0,
        left => left?,
    };
    let missing: Vec<u64> = (0..)
        .zip(files)
        .filter(|(place, _)| !draft.arrived.contains_key(place))
        .map(|(_, file)| file.size)
        .collect();
    if draft.manifest.is_none() && !draft.has_room(left, &missing) {
        let words =
            "Beside what the platform keeps of the file that was cut, the rest has no room: beginning anew";
        say::remark(words);
        withdraw(person, draft.dossier).await?;
        return Ok(None);
    }
    if !options.quiet && !options.json {
        let arrived = say::counted(draft.arrived.len() as u64, "file");
        say::remark(&format!("Going on with dossier {}: {arrived} arrived whole before", draft.dossier));
    }
    Ok(Some(draft))
}

/// Gives back the room that a draft takes.
async fn withdraw(person: &Person, dossier: DossierId) -> Result<(), Failure> {
    match person.withdraw(dossier).await {
        // It was sent, or is not there any more: there is nothing to give back.
        Ok(()) | Err(ClientError::Refused { status: 404 | 409, .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn refused_sign_in(error: ClientError, email: &str) -> Failure {
    match error {
        ClientError::Refused { status: 401, code, .. } => {
            let words = format!(
                "the platform knows no account {email} with this password: an account with only a passkey signs in in a browser"
            );
            Failure::new(Exit::Key, code, words)
        }
        error => error.into(),
    }
}

fn cut(error: ClientError, options: &DepositOptions) -> Failure {
    let goes_on = error.is_passing() || matches!(error, ClientError::Refused { status: 401, .. });
    let failure = Failure::from(error);
    if !goes_on {
        return failure;
    }
    let words = format!("the same command goes on where it stopped ({} says where)", options.state.display());
    failure.and(&words)
}

fn receipt_file(path: &Path) -> Result<Output, Failure> {
    Output::file(path, Access::Private, false)
}

fn write_receipt(mut output: Output, deposited: &Deposited) -> Result<String, Failure> {
    use std::io::Write as _;
    let label = output.label.clone();
    output
        .write_all(format!("{}\n", deposited.evidence).as_bytes())
        .map_err(|cause| Failure::file("write", label.as_ref(), &cause))?;
    output.commit()?;
    Ok(label)
}
