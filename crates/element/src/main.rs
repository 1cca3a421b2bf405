//! `sceau-element`: assembly of the privileged process. No logic here.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use sceau_element::{
    EpochTerms, Peers, ProviderSigner, Reach, Running, Settings, WebIdentity, group_id, serve, start, user_id,
};
use sceau_hsm::pkcs11::{Pkcs11Uri, TokenKeystore};
use sceau_hsm::{Passphrase, Provider, SoftwareKeystore, Unlock, hardening};
use tokio::net::UnixListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The privileged process of Sceau: keeps the log, the attested rows and their proofs.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Options {
    /// Folder of the journal and the keystore; the element's own, made if missing
    #[arg(long)]
    state: PathBuf,
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
    /// File with the last checkpoints that witnesses remember; the element does not start behind them, and destroys keys of data in a token only as far as they go
    #[arg(long)]
    witness_file: Option<PathBuf>,
    /// User, by name or id, that may connect besides the element's own (repeatable); give it the way there with --socket-group
    #[arg(long = "allow-user", alias = "allow-uid", value_name = "USER", value_parser = user_id)]
    allowed_users: Vec<u32>,
    /// Group whose members reach the socket: it is then of mode 0660 in a folder of mode 0750. Who connects is judged by its user all the same
    #[arg(long, value_name = "GROUP", value_parser = group_id)]
    socket_group: Option<u32>,
    /// Organisations that may protect data through applications; keys of each are made at the start. None unless said
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    protect_tenants: u32,
    /// For so long the key of an epoch stays beside the next one's, after data were erased: make a backup of the state meanwhile, since one from before
    /// opens nothing any more then
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    epoch_overlap: u32,
    /// Within how many days after an erasure the key of its epoch is to be destroyed: certificates say so. Keys go at starts: have it started anew more often
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    erase_within: u32,
    /// End when the parent process ends
    #[arg(long)]
    die_with_parent: bool,
}

fn main() -> ExitCode {
    let weaknesses = hardening::harden();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    for weakness in weaknesses {
        tracing::warn!("{weakness}");
    }
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Failure> {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    if options.die_with_parent {
        hardening::die_with_parent()?;
    }
    let settings = Settings {
        state: options.state.clone(),
        web: WebIdentity { rp_id: options.rp_id.clone(), origins: options.web_origins.clone() },
        witness_file: options.witness_file.clone(),
    };
    let signer = open_signer(&options, settings.is_new()?)?;
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
        let hello = service.hello();
        let ready = serde_json::json!({
            "ready": true, "socket": options.socket, "origin": hello.origin, "log_key": hello.log_key, "size": hello.size,
        });
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        // Everything that it needs is open now.
        let reach = if options.keystore_token.is_some() { Reach::Token } else { Reach::Nothing };
        if let Err(unconfined) = sceau_element::confine(reach) {
            tracing::warn!("{unconfined}");
        }
        writeln!(std::io::stdout(), "{ready}")?;
        let mut ticks = tokio::time::interval(Duration::from_secs(10));
        let ticking = async {
            loop {
                ticks.tick().await;
                service.tick().await;
            }
        };
        tokio::select! {
            ended = serve(listener, service.clone(), Peers(own)) => ended.map_err(Failure::from),
            () = ticking => Ok(()),
            _ = stopped => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    });
    // Connections end with the runtime, the queue with them, and the writer finishes what it took.
    drop(service);
    runtime.shutdown_timeout(Duration::from_secs(5));
    let written = writer.join().map_err(|_| "the writer stopped on a fault of ours")?;
    let _ = std::fs::remove_file(&options.socket);
    written?;
    served
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
    Ok(signer.with_tenants(options.protect_tenants).with_terms(terms))
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
