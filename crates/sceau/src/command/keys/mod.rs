//! `sceau keys`: a pair for receiving files, as two files.

mod file;

use std::path::{Path, PathBuf};

use sceau_crypto::{RecipientKey, RecipientPrivateKey, RsaPrivateKey, RsaSize, XWingPrivateKey};
use serde_json::json;

use super::output::{Access, Output};
use super::passphrase;
use crate::failure::{Exit, Failure};
use crate::say;
use file::KeyFile;

pub(super) use file::{private_key, public_key};

const EXAMPLES_NEW: &str = "\
Examples:
  sceau keys new --out camille                    makes camille.key and camille.pub
  sceau keys new --suite rsa-3072 --out archive   for recipients whose HSM has RSA only

Give senders the .pub file, and compare the fingerprint with them by voice. Keep the .key file and its passphrase: \
without both, what was sealed for you stays closed, for ever.";

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a pair: a private key for you, a public key for senders
    New(NewOptions),
    /// Show a key's suite and fingerprint
    Show(ShowOptions),
}

/// How to make a pair.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES_NEW)]
pub(crate) struct NewOptions {
    /// Kind of key: hybrid stands against quantum computers too
    #[arg(long, value_enum, default_value_t = Suite::Hybrid)]
    suite: Suite,
    /// Name of the two files, without .key and .pub
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
    /// Read the passphrase from this file instead of asking
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Which key to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sceau keys show camille.pub")]
pub(crate) struct ShowOptions {
    /// A .pub or .key file
    file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// X-Wing: X25519 and ML-KEM-768 together
    Hybrid,
    /// RSA of 3,072 bits
    #[value(name = "rsa-3072")]
    Rsa3072,
}

impl KeysCommand {
    pub(super) fn json(&self) -> bool {
        match self {
            Self::New(options) => options.json,
            Self::Show(options) => options.json,
        }
    }
}

pub(super) fn run(command: &KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::New(options) => new(options),
        KeysCommand::Show(options) => show(options),
    }
}

fn new(options: &NewOptions) -> Result<(), Failure> {
    let (private_path, public_path) = (with_suffix(&options.out, ".key"), with_suffix(&options.out, ".pub"));
    // Both places first: a key is never overwritten, and never made for nothing.
    let mut private_file = new_key_file(&private_path, Access::Private)?;
    let mut public_file = new_key_file(&public_path, Access::Shared)?;
    let unlock = passphrase::new(options.passphrase_file.as_deref())?;
    let key = make(options.suite)?;
    let public = key.recipient_key();
    let private_text = KeyFile::private(&key, &unlock, &private_path)?.to_text();
    write(&mut private_file, &private_text, &private_path)?;
    write(&mut public_file, &KeyFile::public(public).to_text(), &public_path)?;
    private_file.commit()?;
    public_file.commit()?;
    if options.json {
        let mut result = described(public);
        if let Some(fields) = result.as_object_mut() {
            fields.insert("private_key_file".to_owned(), json!(private_path));
            fields.insert("public_key_file".to_owned(), json!(public_path));
        }
        return say::json(&result);
    }
    say::result(&format!(
        "Private key  {}  (yours alone; back it up)\nPublic key   {}  (for senders)\n{}",
        private_path.display(),
        public_path.display(),
        in_words(public)
    ))
}

fn show(options: &ShowOptions) -> Result<(), Failure> {
    let file = KeyFile::read(&options.file)?;
    let key = file.recipient_key(&options.file)?;
    if options.json {
        let mut result = described(&key);
        if let Some(fields) = result.as_object_mut() {
            fields.insert("private".to_owned(), json!(file.is_private()));
        }
        return say::json(&result);
    }
    let kind = if file.is_private() { "Private key, sealed under a passphrase" } else { "Public key" };
    say::result(&format!("{kind}\n{}", in_words(&key)))
}

fn described(key: &RecipientKey) -> serde_json::Value {
    json!({
        "suite": key.suite(),
        "key_id": key.key_id(),
        "fingerprint": say::grouped(&key.key_id().to_string()),
    })
}

fn in_words(key: &RecipientKey) -> String {
    let id = key.key_id().to_string();
    format!("Suite        {}\nKey id       {id}\nFingerprint  {}", key.suite(), say::grouped(&id))
}

fn make(suite: Suite) -> Result<RecipientPrivateKey, Failure> {
    let key = match suite {
        Suite::Hybrid => XWingPrivateKey::generate().map(RecipientPrivateKey::XWing),
        Suite::Rsa3072 => {
            RsaPrivateKey::generate(RsaSize::Bits3072).map(|key| RecipientPrivateKey::Rsa(Box::new(key)))
        }
    };
    key.map_err(|error| Failure::new(Exit::System, error.code(), error.to_string()))
}

fn new_key_file(path: &Path, access: Access) -> Result<Output, Failure> {
    Output::file(path, access, false).map_err(|failure| match failure.code.as_str() {
        "exists" => {
            let words = format!(
                "{} exists already, and keys are never overwritten: choose another name",
                path.display()
            );
            Failure::new(Exit::Usage, "exists", words)
        }
        _ => failure,
    })
}

fn write(output: &mut Output, text: &str, path: &Path) -> Result<(), Failure> {
    use std::io::Write;
    output.write_all(text.as_bytes()).map_err(|cause| Failure::file("write", path, &cause))
}

/// Not `set_extension`, which would eat the end of a name with a dot.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
