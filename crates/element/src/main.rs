//! `sceau-element`: assembly of the privileged process. No logic here.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use sceau_element::{
    END_AFTER, EpochTerms, Peers, ProviderSigner, Reach, RetainMonths, Running, Service, Settings,
    StartError, WebIdentity, WriterError, serve, start,
};
use sceau_hsm::names::{group_id, user_id};
use sceau_hsm::pkcs11::{Pkcs11Uri, TokenKeystore};
use sceau_hsm::{HoldersKept, Passphrase, Provider, SoftwareKeystore, Unlock, hardening};
use tokio::net::UnixListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The privileged process of Sceau: keeps the log, the attested rows and their proofs.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct CommandLine {
    #[command(subcommand)]
    instead: Option<Instead>,
    #[command(flatten)]
    options: Option<Options>,
}

/// What is done in place of serving.
#[derive(Debug, Subcommand)]
enum Instead {
    TakeOver(TakeOver),
}

#[derive(Debug, Args)]
struct Options {
    /// Folder of the journal and the keystore; the element's own, made if missing
    #[arg(long)]
    state: PathBuf,
    /// Folder of another machine, mounted here, that has each batch before it is acknowledged, and the keystore's files: what is there is taken over where this machine is lost
    #[arg(long, value_name = "FOLDER")]
    standby: Option<PathBuf>,
    /// Unix socket to listen at; its folder is made with mode 0700 if missing
    #[arg(long)]
    socket: PathBuf,
    /// Name of the log, for instance `sceau.example/log`; never changes
    #[arg(long)]
    origin: String,
    /// Relying party of the passkeys
    #[arg(long, default_value = "sceau.localhost")]
    rp_id: String,
    /// Web origin that passkeys may answer at, besides the one that each was made at (repeatable)
    #[arg(long = "web-origin")]
    web_origins: Vec<String>,
    /// File with the keystore's passphrase, readable by this user only
    #[arg(long, required_unless_present_any = ["keystore_credential_file", "keystore_token"])]
    keystore_passphrase_file: Option<PathBuf>,
    /// File with the keystore's 32-byte credential (systemd `LoadCredentialEncrypted=`)
    #[arg(long, conflicts_with = "keystore_passphrase_file")]
    keystore_credential_file: Option<PathBuf>,
    /// Address of the token that keeps the keys (RFC 7512), whose object= names the keystore. A state whose keys are in files is moved first: sceau hsm move
    #[arg(long, value_name = "pkcs11:…", conflicts_with_all = ["keystore_passphrase_file", "keystore_credential_file"])]
    keystore_token: Option<Pkcs11Uri>,
    /// File with the last checkpoints that witnesses remember; the element does not start behind them
    #[arg(long)]
    witness_file: Option<PathBuf>,
    /// Policy (tlog-policy) that says who must have cosigned a checkpoint of --witness-file for keys of data in a token to be destroyed as far as it goes. Without one, none is
    #[arg(long, requires = "witness_file")]
    witness_policy: Option<PathBuf>,
    /// User, by name or id, that may connect besides the element's own (repeatable); give it the way there with --socket-group
    #[arg(long = "allow-user", alias = "allow-uid", value_name = "USER", value_parser = user_id)]
    allowed_users: Vec<u32>,
    /// Group whose members reach the socket: it is then of mode 0660 in a folder of mode 0750. Who connects is judged by its user all the same
    #[arg(long, value_name = "GROUP", value_parser = group_id)]
    socket_group: Option<u32>,
    /// Organisations that may protect data through applications; keys of each are made at the start. None unless said
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    protect_tenants: u32,
    /// Take calls of applications that are encrypted by RSA-OAEP with SHA-1 too, under a key of its own, which is made and published then: for
    /// applications that know no other. Left out, none is taken
    #[arg(long)]
    protect_rsa_oaep: bool,
    /// For so long the key of an epoch stays beside the next one's, after data were erased: make a backup of the state meanwhile, since one from before
    /// opens nothing any more then
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    epoch_overlap: u32,
    /// Within how many days after an erasure the key of its epoch is to be destroyed: certificates say so. Keys go at starts: have it started anew more often
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    erase_within: u32,
    /// For how many months it is kept who asked for data, and from where (1 to 36): the key of a month goes at the first start, the month being past for so long.
    /// The proofs stay. Have it started anew every month
    #[arg(long, value_name = "MONTHS", default_value = "12", value_parser = retain_months)]
    retain_personal: RetainMonths,
    /// File with the security officer's certificate (PEM): the element serves keyrings, and takes their policies of who has its key. The first one named is the root: from then on the one in office names the next, and the log says who it is. None unless said
    #[arg(long, value_name = "FILE")]
    keyrings_officer: Option<PathBuf>,
    /// Unix socket that the biometric process comes to, where policies of keyrings ask for the face; reached as --socket is
    #[arg(long, value_name = "SOCKET")]
    biometric_socket: Option<PathBuf>,
    /// User, by name or id, of the biometric process; the element's own unless said
    #[arg(long, value_name = "USER", requires = "biometric_socket", value_parser = user_id)]
    biometric_user: Option<u32>,
    /// Verifier key of another element's log: its checkpoints, which the platform brings, are recorded here when each extends the one before (repeatable)
    #[arg(long = "peer-log", value_name = "VKEY", value_parser = sceau_trace::VerifierKey::parse)]
    peer_logs: Vec<sceau_trace::VerifierKey>,
    /// For how long account, role and passkey of who approves an erasure by two people must have been there when it was asked for: whoever hands out
    /// invitations cannot be both people at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=8760))]
    approver_age: u32,
    /// End, with status 70, once what keeps the keys, or the disk, has not answered for so long: nothing else ends a call that hangs. Callers are told after a third of
    /// it
    #[arg(long, value_name = "SECONDS", default_value_t = END_AFTER_SECONDS, value_parser = clap::value_parser!(u32).range(3..=3600))]
    end_after: u32,
    /// End when the parent process ends
    #[arg(long)]
    die_with_parent: bool,
}

const END_AFTER_SECONDS: u32 = (END_AFTER / 1000) as u32;

fn retain_months(text: &str) -> Result<RetainMonths, String> {
    let months = text.parse().ok().and_then(RetainMonths::new);
    months.ok_or_else(|| "it is a number of months from 1 to 36".to_owned())
}

/// Makes what a standby has a state that may be served, in another folder, and ends.
#[derive(Debug, Args)]
struct TakeOver {
    /// The standby's folder
    #[arg(long)]
    state: PathBuf,
    /// The folder to serve from: an empty one, or one that is made, which the element before cannot reach
    #[arg(long)]
    into: PathBuf,
    /// Also where its element had begun to bring it what it lacked, and had not ended: what was recorded after what it has is lost
    #[arg(long)]
    behind: bool,
}

/// The status of an element whose standby was taken over: started anew, it ends so again.
const TAKEN_OVER: u8 = 77;

fn main() -> ExitCode {
    let weaknesses = hardening::harden();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    for weakness in weaknesses {
        tracing::warn!("{weakness}");
    }
    let done = match CommandLine::parse() {
        CommandLine { instead: Some(Instead::TakeOver(options)), .. } => take_over(&options),
        CommandLine { options: Some(options), .. } => run(&options),
        // Those that are needed are said by the command's own refusal.
        CommandLine { .. } => Err("say how to serve: sceau-element --help".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            let at_start = error.downcast_ref().is_some_and(StartError::is_taken_over);
            let in_service = error.downcast_ref().is_some_and(WriterError::is_taken_over);
            if at_start || in_service { ExitCode::from(TAKEN_OVER) } else { ExitCode::FAILURE }
        }
    }
}

fn take_over(options: &TakeOver) -> Result<(), Failure> {
    let extent = sceau_element::take_over_standby(&options.state, &options.into, options.behind)?;
    let into = options.into.display();
    writeln!(
        std::io::stdout(),
        "{into} has {extent}: compare that with what witnesses and applications remember, then serve from it. Remove the standby's folder."
    )?;
    Ok(())
}

fn run(options: &Options) -> Result<(), Failure> {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    if options.die_with_parent {
        hardening::die_with_parent()?;
    }
    let settings = settings(options);
    let signer = open_signer(options, settings.is_new()?)?;
    let Running { service, writer, stopped, cut } = start(settings, Box::new(signer))?;
    if cut > 0 {
        tracing::warn!(
            bytes = cut,
            "an interrupted write at the journal's end was cut off and kept beside it; if the disk is sound, nothing in it was acknowledged"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = listen(&options.socket, options.socket_group)?;
        let mut own = vec![rustix::process::getuid().as_raw()];
        own.extend(&options.allowed_users);
        let biometric = options.biometric_socket.as_deref();
        let biometric = biometric.map(|path| listen(path, options.socket_group)).transpose()?;
        let of_biometric = options.biometric_user.unwrap_or_else(|| rustix::process::getuid().as_raw());
        let biometric = biometric.map(|listener| (listener, Peers(vec![of_biometric])));
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        // Everything that it needs is open now.
        let reach = if options.keystore_token.is_some() { Reach::Token } else { Reach::Nothing };
        if let Err(unconfined) = sceau_element::confine(reach) {
            tracing::warn!("{unconfined}");
        }
        say_ready(options, &service)?;
        tokio::select! {
            () = hangs(&service, milliseconds(options.end_after)) => {
                tracing::error!("what keeps the keys, or the disk, has not answered for {} s: the element ends, so that it is started anew; nothing that waits was acknowledged", options.end_after);
                // The threads that wait for it do not come back, and nobody can wait for them.
                std::process::exit(70)
            }
            ended = serve(listener, service.clone(), Peers(own)) => ended.map_err(Failure::from),
            ended = faces(&service, biometric, milliseconds(options.end_after) / 4) => ended,
            () = ticks(&service) => Ok(()),
            _ = stopped => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    });
    // Connections end with the runtime, the queue with them, and the writer finishes what it took.
    drop(service);
    runtime.shutdown_timeout(Duration::from_secs(5));
    let written = writer.join().map_err(|_| "the writer stopped on a fault of ours")?;
    for socket in [Some(&options.socket), options.biometric_socket.as_ref()].into_iter().flatten() {
        let _ = std::fs::remove_file(socket);
    }
    written?;
    served
}

/// Takes in the biometric process, where there is to be one; it does not end.
async fn faces(service: &Service, way: Option<(UnixListener, Peers)>, within: u64) -> Result<(), Failure> {
    let Some((listener, peers)) = way else { return std::future::pending().await };
    Ok(service.faces().serve(listener, peers, Duration::from_millis(within)).await?)
}

fn milliseconds(seconds: u32) -> u64 {
    u64::from(seconds) * 1000
}

fn settings(options: &Options) -> Settings {
    Settings {
        state: options.state.clone(),
        web: WebIdentity { rp_id: options.rp_id.clone(), origins: options.web_origins.clone() },
        witness_file: options.witness_file.clone(),
        standby: options.standby.clone(),
        witness_policy: options.witness_policy.clone(),
        peers: options.peer_logs.clone(),
        stuck_after: milliseconds(options.end_after) / 3,
        approver_age: milliseconds(options.approver_age * 3600),
    }
}

/// One line of JSON on standard output: it listens.
fn say_ready(options: &Options, service: &Service) -> Result<(), Failure> {
    let hello = service.hello();
    let ready = serde_json::json!({
        "ready": true, "socket": options.socket, "origin": hello.origin, "log_key": hello.log_key, "size": hello.size,
        "holders_keys": service.holders_kept().map(kept),
        "published_keys": service.published_keys().ok().and_then(|keys| serde_json::from_str::<serde_json::Value>(&keys).ok()),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    Ok(())
}

/// Where keys of holders are in clear.
fn kept(holders: HoldersKept) -> &'static str {
    match holders {
        HoldersKept::InToken => "in_token",
        _ => "in_memory",
    }
}

/// What is done by the clock; it does not end.
async fn ticks(service: &Service) {
    let mut ticks = tokio::time::interval(Duration::from_secs(10));
    loop {
        ticks.tick().await;
        service.tick().await;
    }
}

/// Ends once a call has hung for so many milliseconds.
async fn hangs(service: &Service, end_after: u64) {
    let mut looks = tokio::time::interval(Duration::from_secs(1));
    while service.stuck().is_none_or(|stuck| stuck < end_after) {
        looks.tick().await;
    }
}

fn open_signer(options: &Options, new: bool) -> Result<ProviderSigner, Failure> {
    let keystore = open_keystore(options, new)?;
    let now = sceau_element::Clock::start().now().unix;
    let signer = ProviderSigner::open(keystore, &options.origin, new, now)?;
    const HOUR: u64 = 3600 * 1000;
    let terms = EpochTerms {
        overlap: u64::from(options.epoch_overlap) * HOUR,
        within: u64::from(options.erase_within) * 24 * HOUR,
    };
    // Shorter than callers are told after: what only is away is no hang.
    let signer = signer.patient(Duration::from_millis(milliseconds(options.end_after) / 4));
    let signer = signer.with_tenants(options.protect_tenants).with_rsa_oaep(options.protect_rsa_oaep);
    let signer = signer.with_keyrings(options.keyrings_officer.as_deref().map(officer).transpose()?);
    Ok(signer.with_terms(terms).retaining(options.retain_personal))
}

/// The one certificate in a file.
fn officer(path: &Path) -> Result<Vec<u8>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    let mut all = sceau_pki::Certificate::all_from_pem(&text, "--keyrings-officer")?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one.der().as_ref().to_vec()),
        _ => Err(format!("{}: one certificate, and no other", path.display()).into()),
    }
}

/// A log that exists keeps its key: a missing keystore is an error then, not a reason to make one.
fn open_keystore(options: &Options, new: bool) -> Result<Arc<dyn Provider>, Failure> {
    let (files, in_token) = (options.state.join("keys"), options.state.join("token"));
    if new {
        make_folder(&options.state)?;
    }
    if let Some(uri) = &options.keystore_token {
        if files.join("keystore.json").exists() {
            return Err(
                "this state has its keys in files: move them into the token with sceau hsm move".into()
            );
        }
        let keystore = if new {
            TokenKeystore::open_or_create(&in_token, uri)?
        } else {
            TokenKeystore::open(&in_token, uri)?
        };
        return Ok(Arc::new(keystore));
    }
    let unlock = match (&options.keystore_passphrase_file, &options.keystore_credential_file) {
        (Some(path), _) => Unlock::Passphrase(Passphrase::from_file(path)?),
        (None, Some(path)) => Unlock::Credential(path.clone()),
        (None, None) => {
            return Err(
                "one of --keystore-passphrase-file, --keystore-credential-file and --keystore-token is needed"
                    .into(),
            );
        }
    };
    if TokenKeystore::is_in(&in_token) && !files.join("keystore.json").exists() {
        return Err("this state has its keys in a token: name it with --keystore-token".into());
    }
    Ok(Arc::new(if new {
        SoftwareKeystore::open_or_create(&files, &unlock)?
    } else {
        SoftwareKeystore::open(&files, &unlock)?
    }))
}

/// Binds the socket in a folder that only this user enters, or a group beside it. One that nobody listens at is left of a crash, and goes.
fn listen(path: &Path, group: Option<u32>) -> Result<UnixListener, Failure> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    if path.exists() {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(format!("another process listens at {}", path.display()).into());
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    match (group, path.parent()) {
        (Some(group), Some(folder)) => {
            give(path, group, 0o660)?;
            // Last: until then nobody else comes in.
            give(folder, group, 0o750)?;
        }
        _ => std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?,
    }
    Ok(listener)
}

fn give(path: &Path, group: u32, mode: u32) -> Result<(), Failure> {
    std::os::unix::fs::chown(path, None, Some(group)).map_err(|cause| {
        format!(
            "{} cannot be given to group {group}: {cause}; the element's user must be a member of it",
            path.display()
        )
    })?;
    Ok(std::fs::set_permissions(path, PermissionsExt::from_mode(mode))?)
}

fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}
