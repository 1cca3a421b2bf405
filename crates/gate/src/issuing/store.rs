//! What is kept: the account, each certificate with its key in one file, and where it stands. For this user alone (0600), and left out of backups.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sceau_hsm::durable;
use sceau_pki::{Certificate, Fingerprint, PrivateKey, TlsIdentity};
use zeroize::Zeroizing;

use super::{standing::Standing, trouble::Trouble};
use crate::{aside, files::may_be_written};

const LARGEST: usize = 256 << 10;
const CERTIFICATE: &str = "certificate.pem";
const STANDING: &str = "standing.json";
const PENDING: &str = "pending.pem";
/// bford.info/cachedir
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Private keys are in this folder: they do not leave the machine where they were made, not even into a backup.\n\
    # Made by sceau-gate. What is lost is made anew: a new key, a new request, a new certificate.\n";

/// The folder of one certificate, within that of its issuer.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    issuer: PathBuf,
    own: PathBuf,
}

/// A certificate that is shown, with its chain and key.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) identity: TlsIdentity,
    leaf: Certificate,
    /// What stands behind it.
    pub(crate) issuers: Vec<Certificate>,
}

impl Current {
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.leaf
    }
}

impl Store {
    /// Of an issuer and these names. Nothing is made before something is written.
    pub(crate) fn new(root: &Path, issuer: &str, names: &[String]) -> Self {
        let hash = Fingerprint::of(names.join(" ").as_bytes()).to_string();
        let first = names.first().map(String::as_str).unwrap_or_default();
        let issuer = root.join(issuer);
        let own = issuer.join(format!("{first}-{}", hash.get(..12).unwrap_or_default()));
        Self { root: root.to_owned(), issuer, own }
    }

    /// Looks whether something could be kept, and keeps nothing.
    ///
    /// # Errors
    /// The folder, and what the system says of it.
    pub(crate) fn rehearse(&self) -> Result<(), (PathBuf, io::Error)> {
        // Of folders that are made the first time, the one that is there must take them.
        let missing = self.root.ancestors().take_while(|folder| !folder.exists()).last();
        let first = missing.map_or_else(|| self.root.join(STANDING), Path::to_owned);
        may_be_written(&first).map_err(|cause| (self.root.clone(), cause))
    }

    /// Destroys what a gate that was killed was writing, or destroying: it may be a key.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let ours = |name: &str| {
            let name = name.split('.').next().unwrap_or_default();
            ["certificate", "standing", "pending", "CACHEDIR"].contains(&name) || name.starts_with("account-")
        };
        for folder in [&self.root, &self.issuer, &self.own] {
            for path in aside::left(folder, ours)? {
                durable::destroy(&path).map_err(io::Error::other)?;
            }
        }
        Ok(())
    }

    /// Where the certificate is, with its key.
    pub(crate) fn certificate_path(&self) -> PathBuf {
        self.own.join(CERTIFICATE)
    }

    /// What was kept, where it can be used; the log says where it cannot.
    pub(crate) fn current(&self) -> Option<Current> {
        let path = self.certificate_path();
        if !path.exists() {
            return None;
        }
        let read = || -> Result<Current, String> {
            durable::check_secret(&path).map_err(|error| error.to_string())?;
            let bytes = durable::read_secret(&path, LARGEST).map_err(|error| error.to_string())?;
            let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
            current(text, text).map_err(|error| error.to_string())
        };
        read()
            .inspect_err(|cause| {
                tracing::warn!(path = %path.display(), code = "issuing_state", cause, "a certificate that was kept cannot be used");
            })
            .ok()
    }

    /// Takes the place of the one before, whole.
    pub(crate) fn keep(&self, key_pem: &str, chain_pem: &str) -> Result<Current, Trouble> {
        let current = current(chain_pem, key_pem)?;
        let mut text = Zeroizing::new(String::with_capacity(key_pem.len() + chain_pem.len() + 1));
        text.push_str(key_pem);
        text.push_str(chain_pem);
        self.write(&self.certificate_path(), text.as_bytes())?;
        Ok(current)
    }

    /// What was noted; nothing where that cannot be read.
    pub(crate) fn standing(&self) -> Standing {
        let read = fs::read(self.own.join(STANDING)).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(crate) fn note(&self, standing: &Standing) -> Result<(), Trouble> {
        let text = serde_json::to_vec(standing).map_err(|error| Trouble::State(error.to_string()))?;
        self.write(&self.own.join(STANDING), &text)
    }

    /// The key of a request that waits for its answer, made where there is none.
    pub(crate) fn pending(&self) -> Result<PrivateKey, Trouble> {
        let path = self.own.join(PENDING);
        let kept = durable::read_secret(&path, LARGEST).ok();
        let text = kept.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(key) = text.and_then(|text| PrivateKey::from_pem(text).ok()) {
            return Ok(key);
        }
        let key = PrivateKey::generate(sceau_pki::KeyAlgorithm::EcdsaP256)?;
        self.write(&path, key.to_pem().as_bytes())?;
        Ok(key)
    }

    /// It is answered: another is made next time.
    pub(crate) fn forget_pending(&self) {
        drop(durable::destroy(&self.own.join(PENDING)));
    }

    /// The account with the authority of this directory.
    pub(crate) fn account(&self, directory: &str) -> Option<Zeroizing<Vec<u8>>> {
        durable::read_secret(&self.account_path(directory), LARGEST).ok()
    }

    pub(crate) fn keep_account(&self, directory: &str, text: &[u8]) -> Result<(), Trouble> {
        self.write(&self.account_path(directory), text)
    }

    /// The authority does not know it any more.
    pub(crate) fn forget_account(&self, directory: &str) {
        drop(durable::destroy(&self.account_path(directory)));
    }

    fn account_path(&self, directory: &str) -> PathBuf {
        let hash = Fingerprint::of(directory.as_bytes()).to_string();
        self.issuer.join(format!("account-{}.json", hash.get(..12).unwrap_or_default()))
    }

    /// Says to programs for backups that they leave keys out.
    fn tag(&self) -> Result<(), sceau_hsm::Error> {
        let _alone = TAGGING.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = self.root.join("CACHEDIR.TAG");
        if tag.exists() { Ok(()) } else { durable::write_public(&tag, TAG.as_bytes()) }
    }

    /// The first time, the folders too.
    fn write(&self, path: &Path, content: &[u8]) -> Result<(), Trouble> {
        let state = |error: sceau_hsm::Error| Trouble::State(error.to_string());
        durable::secret_folder(&self.root).map_err(state)?;
        self.tag().map_err(state)?;
        durable::secret_folder(path.parent().unwrap_or(&self.root)).map_err(state)?;
        durable::write_secret(path, content).map_err(state)
    }
}

/// Held while the tag is made: listeners that begin together share a folder.
static TAGGING: Mutex<()> = Mutex::new(());

fn current(chain_pem: &str, key_pem: &str) -> Result<Current, sceau_pki::Error> {
    let identity = TlsIdentity::new(chain_pem, PrivateKey::from_pem(key_pem)?)?;
    let leaf = identity.certificate()?;
    let issuers = Certificate::all_from_pem(chain_pem, "the chain")?.into_iter().skip(1).collect();
    Ok(Current { identity, leaf, issuers })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // tests state what must hold
    use super::*;

    #[test]
    fn listeners_that_begin_together_share_a_folder() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            std::thread::scope(|scope| {
                for nth in 0..8 {
                    let store = Store::new(folder.path(), "house", &[format!("{nth}.example")]);
                    scope.spawn(move || store.note(&Standing::default()).unwrap());
                }
            });
            let tag = fs::read_to_string(folder.path().join("CACHEDIR.TAG")).unwrap();
            assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
        }
    }

    #[test]
    fn what_a_killed_gate_was_writing_or_destroying_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path(), "house", &["www.example".to_owned()]);
        let directory = "https://acme.example/directory";
        store.note(&Standing::default()).unwrap();
        store.pending().unwrap();
        store.keep_account(directory, b"an account").unwrap();
        let goes = [
            store.own.join("certificate.new"),
            store.own.join("pending.destroyed"),
            store.issuer.join("account-0123456789ab.new"),
            store.root.join("CACHEDIR.new"),
        ];
        let stays = [store.own.join("somebody.new"), store.own.join(PENDING), store.own.join(STANDING)];
        goes.iter().chain(&stays[..1]).for_each(|path| fs::write(path, "a key").unwrap());
        store.clear().unwrap();
        assert!(goes.iter().all(|path| !path.exists()));
        assert!(stays.iter().all(|path| path.exists()) && store.account(directory).is_some());
        Store::new(&folder.path().join("none"), "house", &["www.example".to_owned()]).clear().unwrap();
    }
}
