//! `sceau keyring`: what a security officer, a registration authority and a service provider do with keyrings, each with a certificate and its key in files.

mod deliver;
mod dissociate;
mod element;
mod fabricate;
mod not_done;
mod officer;
mod outcome;
mod publish;
mod request;
mod show;
pub(super) mod standing;
mod stop;
mod verify;

use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sceau_client::keyring::FileKey;
use sceau_client::{Server, Trust};
use sceau_element_api::keyring::KeyringsAbout;
use sceau_hsm::durable::check_secret;
use sceau_keyring::Signs as _;
use sceau_pki::{Certificate, PrivateKey};

pub(super) use self::not_done::NotDone;
use super::input::read_small;
use super::output::{Access, Output};
use crate::failure::{Exit, Failure};

/// Longest file of certificates, keys and statements.
pub(super) const LONGEST: u64 = 256 * 1024;

/// What to do with keyrings.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyringCommand {
    /// Security officer: publish the next version of a policy
    Policy(publish::PolicyOptions),
    /// Security officer: publish who may act on keyrings of an organisation
    Access(publish::AccessOptions),
    /// What stands now of what the security officer signed, for the next version
    Show(show::ShowOptions),
    /// Security officer: name the next one, who alone is heard from then on
    Officer(officer::OfficerOptions),
    /// Administrator of the element: say which element it is, for those who speak to it
    Element(element::ElementOptions),
    /// Registration authority: have a keyring made, of nobody yet
    Fabricate(fabricate::FabricateOptions),
    /// Registration authority: say whom a keyring was handed to
    Deliver(Box<deliver::DeliverOptions>),
    /// Service provider: ask a keyring's holder to sign, or who it is
    Request(Box<request::RequestOptions>),
    /// Service provider, holder: verify the element's proof of a signature or authentication
    Verify(verify::VerifyOptions),
    /// Service provider: what became of a request that was left at the host
    Outcome(Box<outcome::OutcomeOptions>),
    /// Registration authority, support: where a keyring stands, and what was done with it
    State(standing::StateOptions),
    /// Registration authority, support: stop a keyring
    Suspend(stop::SuspendOptions),
    /// Registration authority: let a suspended keyring go on
    Resume(stop::ResumeOptions),
    /// Registration authority: end a keyring, for good
    Destroy(stop::DestroyOptions),
    /// Support: agree that a terminal is taken off its keyring, as its holder asked
    Dissociate(dissociate::DissociateOptions),
}

impl KeyringCommand {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Policy(options) => publish::policy(options),
            Self::Access(options) => publish::access(options),
            Self::Show(options) => show::run(options),
            Self::Officer(options) => officer::run(options),
            Self::Element(options) => element::run(options),
            Self::Fabricate(options) => fabricate::run(options),
            Self::Deliver(options) => deliver::run(options),
            Self::Request(options) => request::run(options),
            Self::Verify(options) => verify::run(options),
            Self::Outcome(options) => outcome::run(options),
            Self::State(options) => standing::run(options),
            Self::Suspend(options) => stop::suspend(options),
            Self::Resume(options) => stop::resume(options),
            Self::Destroy(options) => stop::destroy(options),
            Self::Dissociate(options) => dissociate::run(options),
        }
    }
}

/// The platform that carries messages to the element.
#[derive(Debug, clap::Args)]
pub(super) struct PlatformOptions {
    /// Web address of the platform's keyrings
    #[arg(long, value_name = "URL")]
    at: String,
    /// Certificates (PEM) to trust for it, in the place of the system's
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
}

impl PlatformOptions {
    pub(super) fn server(&self) -> Result<Server, Failure> {
        self.reached(None)
    }

    /// The same, which is shown the actor's certificate.
    fn server_as(&self, actor: &ActorOptions) -> Result<Server, Failure> {
        self.reached(Some(actor.shown()?))
    }

    fn reached(&self, identity_pem: Option<Vec<u8>>) -> Result<Server, Failure> {
        let anchors = self.anchors.as_deref().map(|path| read_small(path, LONGEST, "certificates"));
        Ok(Server::new(&self.at, &Trust { anchors_pem: anchors.transpose()?, identity_pem })?)
    }
}

/// Which element it is. Whoever carries messages is not asked: it could name a key of its own, and read what is sealed to it.
#[derive(Debug, clap::Args)]
pub(super) struct PinnedElement {
    /// What `sceau keyring element` printed where the element runs: have it from its administrator, not from the platform
    #[arg(long, value_name = "FILE")]
    element: PathBuf,
}

impl PinnedElement {
    fn read(&self) -> Result<KeyringsAbout, Failure> {
        read_element(&self.element)
    }
}

/// Which element a file names.
pub(crate) fn read_element(path: &Path) -> Result<KeyringsAbout, Failure> {
    let text = read_small(path, LONGEST, "an element")?;
    serde_json::from_slice(&text).map_err(|_| {
        let words = format!("{}: it is not what `sceau keyring element` printed", path.display());
        Failure::new(Exit::Usage, "element_malformed", words)
    })
}

/// Who acts.
#[derive(Debug, clap::Args)]
struct ActorOptions {
    /// Your certificate, PEM, as it is registered
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key, PKCS#8 in PEM, that only you can read
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl ActorOptions {
    /// Certificate and key as TLS shows them.
    fn shown(&self) -> Result<Vec<u8>, Failure> {
        shown(&self.certificate, &self.key)
    }

    /// The key, if it is the certificate's.
    fn signer(&self) -> Result<FileKey, Failure> {
        signer(&self.certificate, &self.key)
    }
}

/// An actor's certificate and key as TLS shows them.
pub(crate) fn shown(certificate: &Path, key: &Path) -> Result<Vec<u8>, Failure> {
    check_secret(key)?;
    let mut both = read_small(key, LONGEST, "a private key")?;
    both.push(b'\n');
    both.extend(read_small(certificate, LONGEST, "a certificate")?);
    Ok(both)
}

/// An actor's key, if it is the certificate's.
pub(crate) fn signer(certificate: &Path, key: &Path) -> Result<FileKey, Failure> {
    check_secret(key)?;
    let wrong = |words: String| Failure::new(Exit::Usage, "actor_key", words);
    let text = zeroize::Zeroizing::new(read_small(key, LONGEST, "a private key")?);
    let text = std::str::from_utf8(&text).map_err(|_| wrong(format!("{} is no PEM", key.display())))?;
    let private = PrivateKey::from_pem(text).map_err(|error| wrong(format!("{}: {error}", key.display())))?;
    let signer = FileKey::from_pkcs8(&private.to_pkcs8()).map_err(|error| wrong(error.to_string()))?;
    if read_certificate(certificate)?.public_key_info() == signer.spki() {
        Ok(signer)
    } else {
        Err(wrong(format!("{} is not the key of {}", key.display(), certificate.display())))
    }
}

fn read_certificate(path: &Path) -> Result<Certificate, Failure> {
    let wrong = |words: String| Failure::new(Exit::Usage, "certificate", words);
    let text = read_small(path, LONGEST, "a certificate")?;
    let text = String::from_utf8(text).map_err(|_| wrong(format!("{} is no PEM", path.display())))?;
    let all = Certificate::all_from_pem(&text, &path.display().to_string());
    let first = all.map_err(|error| wrong(error.to_string()))?.into_iter().next();
    first.ok_or_else(|| wrong(format!("{} has no certificate", path.display())))
}

/// Reads a statement in a file.
pub(super) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let text = String::from_utf8(read_small(path, LONGEST, what)?);
    let text =
        text.map_err(|_| Failure::new(Exit::Input, "not_text", format!("{} is not {what}", path.display())))?;
    Ok(text.trim().to_owned())
}

/// Writes a file that must not be there yet.
pub(crate) fn write(path: &Path, access: Access, bytes: &[u8]) -> Result<(), Failure> {
    Opened::at(path, access)?.write(bytes)
}

/// A file that must not be there yet, opened before what it is for is done: that would be lost if it could not be kept.
pub(super) struct Opened {
    path: PathBuf,
    output: Output,
}

impl Opened {
    pub(super) fn at(path: &Path, access: Access) -> Result<Self, Failure> {
        Ok(Self { path: path.to_owned(), output: Output::file(path, access, false)? })
    }

    pub(super) fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        let Self { path, mut output } = self;
        output.write_all(bytes).map_err(|cause| Failure::file("write", &path, &cause))?;
        output.commit()
    }
}

/// Waits for calls. A refusal ends as whose fault it is.
pub(super) fn wait_for<T, E: Into<NotDone>>(call: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    runtime.block_on(call).map_err(|error| {
        let not_done: NotDone = error.into();
        not_done.into()
    })
}
