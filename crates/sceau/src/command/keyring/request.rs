//! `sceau keyring request`: what a service provider asks a holder: to sign, or who it is.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sceau_client::keyring::leave;
use sceau_crypto::Sha256;
use sceau_element_api::keyring::{KeyringAlgorithm, LONGEST_OPEN, RequestKind};
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId};
use sceau_keyring::{Item, ItemHash, Request, Statement as _};
use serde_json::json;

use super::{ActorOptions, PinnedElement, PlatformOptions, wait_for, write};
use crate::command::output::Access;
use crate::command::sign::Prepared;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring request --element element.json --certificate sp.pem --key sp.key \\
      --provider ID --keyring ID --description 'The lease of 12 March' --file lease.pdf \\
      --out lease.request
  sceau keyring request … --hash 9f86…0a08:annex --at https://sceau.example.org
  sceau keyring request … --authenticate --description 'Log in to Notaires' --out login.request
  sceau keyring request … --prepared lease.pdf --holder me.pem --out lease.request

The holder reads the description and each item before anything is signed. What is signed is the SHA-256 of each file, or the hash that is given; of a prepared PDF, what `sceau sign` completes it by. Signatures come in this order: files, prepared PDFs, hashes. \
With --at, the request is left at the host for the holder's terminals: `sceau keyring outcome` says what became of it.";

/// What is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RequestOptions {
    /// Your id, as the security officer registered it
    #[arg(long, value_name = "ID")]
    provider: KeyringActorId,
    /// The holder's keyring
    #[arg(long, value_name = "ID")]
    keyring: KeyringId,
    /// What the holder reads first
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// A file to be signed; once for each
    #[arg(long, value_name = "FILE", required_unless_present_any = ["hash", "prepared", "authenticate"])]
    file: Vec<PathBuf>,
    #[command(flatten)]
    prepared: Prepared,
    /// A SHA-256 to be signed, in hexadecimal, and what the holder reads of it; once for each
    #[arg(long, value_name = "HEX:LABEL")]
    hash: Vec<String>,
    /// Ask who the holder is, and for no signature
    #[arg(long, conflicts_with_all = ["file", "hash", "prepared"])]
    authenticate: bool,
    /// The algorithm of the keyring's key, as its policy has it
    #[arg(long, value_name = "ALGORITHM", default_value = "ES256", value_parser = algorithms(), conflicts_with = "authenticate")]
    algorithm: KeyringAlgorithm,
    /// What you want back in the proof, of 1 to 128 bytes: your session, say
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// How long the request is good, in seconds: 600 at most
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(30..=u64::from(LONGEST_OPEN)))]
    seconds: u64,
    /// Where the request goes, for the holder
    #[arg(long, value_name = "FILE", required_unless_present = "at")]
    out: Option<PathBuf>,
    /// Web address of the host of keyrings, where it is left for the holder's terminals
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// Certificates (PEM) to trust for it, in the place of the system's
    #[arg(long, value_name = "FILE", requires = "at")]
    anchors: Option<PathBuf>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
}

pub(super) fn run(options: &RequestOptions) -> Result<(), Failure> {
    let files = options.file.iter().map(|path| of_file(path));
    let hashes = options.hash.iter().map(|text| of_hash(text));
    let prepared = options.prepared.hashes()?.into_iter();
    let prepared = prepared.map(|(label, hash)| Ok(Item { label, hash: Base64Url::from(hash.as_slice()) }));
    let items = files.chain(prepared).chain(hashes).collect::<Result<Vec<_>, _>>()?;
    let signer = options.actor.signer()?;
    let element = options.element.read()?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let request = Request {
        v: 1,
        request: KeyringRequestId::random(),
        provider: options.provider,
        keyring: options.keyring,
        kind: if options.authenticate { RequestKind::Authenticate } else { RequestKind::Sign },
        description: options.description.clone(),
        items,
        hash: ItemHash::Sha256,
        algorithm: (!options.authenticate).then_some(options.algorithm),
        aud: element.origin,
        time,
        ends: time.saturating_add(options.seconds.saturating_mul(1000)),
        nonce: options.nonce.clone(),
        terminal: None,
    };
    let jws = request
        .sign(&signer)
        .map_err(|error| Failure::new(Exit::Usage, "request_invalid", error.to_string()))?;
    if let Some(out) = &options.out {
        write(out, Access::Shared, jws.as_bytes())?;
    }
    if let Some(at) = &options.at {
        let platform = PlatformOptions { at: at.clone(), anchors: options.anchors.clone() };
        let host = platform.server_as(&options.actor)?;
        wait_for(leave(&host, jws.clone()))?;
    }
    say::json(&json!({"request": request.request, "hash": Request::hash_of(&jws), "ends": request.ends}))
}

/// The words of algorithms, and the algorithm of each.
fn algorithms() -> impl TypedValueParser<Value = KeyringAlgorithm> {
    let words = [KeyringAlgorithm::Es256, KeyringAlgorithm::Rs256].map(KeyringAlgorithm::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<KeyringAlgorithm>())
}

fn of_file(path: &Path) -> Result<Item, Failure> {
    let mut file = std::fs::File::open(path).map_err(|cause| Failure::file("open", path, &cause))?;
    let mut hash = Hashing(Sha256::new());
    std::io::copy(&mut file, &mut hash).map_err(|cause| Failure::file("read", path, &cause))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Item { label: name, hash: Base64Url::from(hash.0.finish().as_slice()) })
}

/// A hash that is written to.
struct Hashing(Sha256);

impl std::io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn of_hash(text: &str) -> Result<Item, Failure> {
    let wrong = || {
        Failure::new(
            Exit::Usage,
            "hash_malformed",
            "--hash takes 64 hexadecimal digits, a colon, and a label",
        )
    };
    let (digits, label) = text.split_once(':').ok_or_else(wrong)?;
    let hash = hex::decode(digits).ok().filter(|hash| hash.len() == 32).ok_or_else(wrong)?;
    Ok(Item { label: label.to_owned(), hash: hash.into() })
}
