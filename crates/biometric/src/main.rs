//! `sceau-biometric`: assembly of the biometric process. No logic here.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use sceau_biometric::{Desk, Model, Templates, confine, limit_memory, serve};
use sceau_hsm::names::user_id;
use sceau_hsm::{Passphrase, SoftwareKeystore, Unlock, hardening};
use sceau_keyring::ServedModel;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The biometric process of Sceau: compares faces for the element, by models that its operator supplies, and keeps none.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Options {
    /// Folder of the keystore that templates are sealed under; its own, made if missing
    #[arg(long)]
    state: PathBuf,
    /// The element's socket for this process (sceau-element --biometric-socket)
    #[arg(long)]
    element: PathBuf,
    /// User, by name or id, that the element must run as; this process's own unless said
    #[arg(long, value_name = "USER", value_parser = user_id)]
    element_user: Option<u32>,
    /// A model of faces (ONNX), which policies name by the SHA-256 of its file (repeatable: one that keyrings still name stays beside the next)
    #[arg(long = "model", value_name = "FILE", required_unless_present = "describe")]
    models: Vec<PathBuf>,
    /// Say what policies name a model by, and the pictures that it takes, and end
    #[arg(long, value_name = "FILE")]
    describe: Option<PathBuf>,
    /// File with the keystore's passphrase, readable by this user only
    #[arg(long, required_unless_present_any = ["keystore_credential_file", "describe"])]
    keystore_passphrase_file: Option<PathBuf>,
    /// File with the keystore's 32-byte credential (systemd `LoadCredentialEncrypted=`)
    #[arg(long, conflicts_with = "keystore_passphrase_file")]
    keystore_credential_file: Option<PathBuf>,
    /// Memory that the process may have, in MiB: a model that asks for more ends it
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(512..=65536))]
    memory: u64,
    /// Threads that work on a picture
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// End when the parent process ends
    #[arg(long)]
    die_with_parent: bool,
}

/// Models at once.
const MOST_MODELS: usize = 8;

fn main() -> ExitCode {
    let weaknesses = hardening::harden();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    for weakness in weaknesses {
        tracing::warn!("{weakness}");
    }
    // What a panic of a library says may quote what it worked on.
    std::panic::set_hook(Box::new(|_| tracing::error!("the runtime of models failed on what it was given")));
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    if options.die_with_parent {
        hardening::die_with_parent()?;
    }
    limit_memory(options.memory * 1024 * 1024)?;
    if let Some(file) = &options.describe {
        return say(&described(Model::load_file(file, 1)?.served()));
    }
    if options.models.len() > MOST_MODELS {
        return Err("at most 8 models are loaded".into());
    }
    let threads = usize::from(options.threads);
    let models = options.models.iter().map(|file| Model::load_file(file, threads));
    let models = models.collect::<Result<Vec<_>, _>>()?;
    let served: Vec<_> = models.iter().map(|model| described(model.served())).collect();
    let desk = Desk::new(models, Templates::of(Arc::new(keystore(options)?), now())?);
    let connection = UnixStream::connect(&options.element)
        .map_err(|cause| format!("the element is not reached at {}: {cause}", options.element.display()))?;
    let of = rustix::net::sockopt::socket_peercred(&connection)?.uid.as_raw();
    let expected = options.element_user.unwrap_or_else(|| rustix::process::getuid().as_raw());
    if of != expected {
        return Err(
            format!("who listens at {} is user {of}, not the element's", options.element.display()).into()
        );
    }
    let source = connection.try_clone()?;
    let ready = || {
        // Everything that it needs is open now, and its threads are there.
        if let Err(unconfined) = confine() {
            tracing::warn!("{unconfined}");
        }
        if let Err(error) = say(&serde_json::json!({"ready": true, "models": served})) {
            tracing::warn!("{error}");
        }
    };
    Ok(serve(desk, source, connection, ready)?)
}

fn described(served: ServedModel) -> serde_json::Value {
    serde_json::json!({"model": served.model, "width": served.width, "height": served.height})
}

fn say(value: &serde_json::Value) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{value}")?)
}

fn keystore(options: &Options) -> Result<SoftwareKeystore, Failure> {
    let unlock = match (&options.keystore_passphrase_file, &options.keystore_credential_file) {
        (Some(path), _) => Unlock::Passphrase(Passphrase::from_file(path)?),
        (None, Some(path)) => Unlock::Credential(path.clone()),
        (None, None) => {
            return Err("--keystore-passphrase-file or --keystore-credential-file is needed".into());
        }
    };
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&options.state)?;
    Ok(SoftwareKeystore::open_or_create(&options.state.join("keys"), &unlock)?)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
