//! What a terminal keeps: what it pinned, and a secret that changes at each use; and its key, wherever that is held.
//!
//! The environment that a terminal was made in is part of what is kept: a copy elsewhere refuses itself. All of it is replaced whole, and durable before anything that
//! depends on it is sent.

use std::path::Path;
use std::sync::Arc;

use sceau_crypto::{KeyId, Secret};
use sceau_element_api::keyring::{Biometric, KeyringPolicy};
use sceau_element_api::{Base64Url, KeyringId, KeyringRequestId, TerminalId};
use sceau_keyring::Outcome;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::folder::Folder;
use super::keeps::{Alone, DeviceKey, Keeps, NewKey};
use super::refused;
use crate::ClientError;

const KEYRING: &str = "keyring.json";
const SECRET: &str = "secret.json";
const OWN: &str = "attempts.json";
/// While another terminal may come.
pub(super) const COMES: &str = "comes.json";
/// The template of the holder's face, sealed: where the policy asks for it.
pub(super) const FACE: &str = "face.template";
/// Attempts of its own that are known again; a keyring is blocked or cools down long before there are more.
const MOST_OWN: usize = 256;
/// Before and after the id of a request whose outcome the host does not have yet.
const UNDELIVERED: (&str, &str) = ("undelivered-", ".json");

/// A terminal, as far as it is kept.
#[derive(Debug, Clone)]
pub struct Storage {
    keeps: Arc<dyn Keeps>,
}

/// What is pinned and known of the keyring. No secret is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) v: u32,
    pub(super) keyring: KeyringId,
    pub(super) terminal: TerminalId,
    /// The key's id.
    pub(super) key: Base64Url,
    /// The element: the name of its log, its channel key's id, and the key of its word (JWK).
    pub(super) origin: String,
    pub(super) channel: KeyId,
    pub(super) word: String,
    /// The policy and who may ask, the exact bytes.
    pub(super) policy: Base64Url,
    pub(super) access: Base64Url,
    pub(super) certificate: Option<Base64Url>,
    pub(super) chain: Vec<Base64Url>,
    /// The environment that it was made in.
    pub(super) image: Hash,
}

/// The terminal's secret, and the one that a use under way may have put in its place.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) current: Secret<32>,
    pub(super) pending: Option<Secret<32>>,
}

/// What the terminal tried itself. No secret is in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    /// Its last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<LastUse>,
    /// Its attempts, the last one last.
    pub(super) attempts: Vec<Hash>,
    /// The terminals of the keyring that its holder was shown, or had come. None where an earlier version kept it: then those count that were bound before the last use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known: Option<Vec<TerminalId>>,
}

/// The last use of a terminal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LastUse {
    /// Index of the newest entry that its holder was warned of by then.
    pub(super) index: u64,
    /// When, by the element's clock, Unix ms.
    pub(super) time: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSecrets {
    current: Base64Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Base64Url>,
}

impl Drop for WrittenSecrets {
    fn drop(&mut self) {
        self.current.0.zeroize();
        if let Some(pending) = &mut self.pending {
            pending.0.zeroize();
        }
    }
}

impl Storage {
    /// The terminal of this folder, which need not exist.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self::of(Arc::new(Folder(folder.to_owned())))
    }

    /// The terminal that is kept there, or will be.
    #[must_use]
    pub fn of(keeps: Arc<dyn Keeps>) -> Self {
        Self { keeps }
    }

    /// Whether a terminal of a keyring is kept here. Whether it may be used is asked when it is.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn is_terminal(&self) -> Result<bool, ClientError> {
        Ok(self.keeps.read(KEYRING)?.is_some())
    }

    /// Whether this terminal may be one of a keyring of this policy: where the fingerprint is asked for, its key signs for nobody whom the device does not know.
    pub(super) fn may_serve(&self, policy: &KeyringPolicy) -> Result<(), ClientError> {
        if policy.biometric != Biometric::Fingerprint || self.keeps.knows_holder()? {
            return Ok(());
        }
        let words = "the policy of this keyring asks for its holder's fingerprint, at a device that knows it: this terminal has none. Activate it in a browser with the extension, or on a phone";
        Err(refused("fingerprint_missing", words))
    }

    /// Which keyring and terminal this is, if it is where it was made.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where it is no terminal here.
    pub fn own_names(&self) -> Result<(KeyringId, TerminalId), ClientError> {
        let (kept, _, _) = self.load()?;
        Ok((kept.keyring, kept.terminal))
    }

    /// SHA-256 of where this is.
    pub(super) fn image(&self) -> Result<Hash, ClientError> {
        self.keeps.images()?.into_iter().next().ok_or_else(|| self.damaged())
    }

    /// Makes it ready for a new terminal, and locks it; one that has a terminal is refused.
    pub(super) fn begin(&self) -> Result<Alone, ClientError> {
        self.keeps.prepare()?;
        let alone = self.lock()?;
        if self.is_terminal()? {
            let words = format!("{} has a terminal of a keyring: choose another one", self.keeps.called());
            return Err(refused("terminal_exists", words));
        }
        Ok(alone)
    }

    /// One at a time: what reads the secrets to turn them has them alone until the guard is dropped.
    pub(super) fn lock(&self) -> Result<Alone, ClientError> {
        self.keeps.lock()
    }

    /// A key for a new terminal.
    pub(super) fn new_key(&self) -> Result<NewKey, ClientError> {
        self.keeps.new_key()
    }

    /// Keeps a new terminal's key.
    pub(super) fn keep_key(&self, new: &NewKey) -> Result<(), ClientError> {
        self.keeps.keep_key(new)
    }

    /// Keeps the secrets, durable when it returns.
    pub(super) fn keep_secrets(&self, secrets: &Secrets) -> Result<(), ClientError> {
        let text = |secret: &Secret<32>| Base64Url::from(secret.expose().as_slice());
        let written =
            WrittenSecrets { current: text(&secrets.current), pending: secrets.pending.as_ref().map(text) };
        let json = Zeroizing::new(serde_json::to_vec(&written).map_err(|_| ClientError::Answer)?);
        self.write(SECRET, &json)
    }

    /// Keeps what is known: from then on the folder is a terminal.
    pub(super) fn keep(&self, kept: &Kept) -> Result<(), ClientError> {
        self.write(KEYRING, &serde_json::to_vec(kept).map_err(|_| ClientError::Answer)?)
    }

    /// What it tried itself.
    pub(super) fn own(&self) -> Result<Own, ClientError> {
        match self.keeps.read(OWN)? {
            None => Ok(Own::default()),
            Some(own) => serde_json::from_slice(&own).map_err(|_| self.damaged()),
        }
    }

    /// Keeps that it tries, durable before anything is sent.
    pub(super) fn keep_attempt(&self, attempt: Hash) -> Result<(), ClientError> {
        let mut own = self.own()?;
        if own.attempts.len() >= MOST_OWN {
            own.attempts.remove(0);
        }
        own.attempts.push(attempt);
        self.keep_own(&own)
    }

    /// Keeps that it was used, and which terminals its holder was shown. Its own attempts stay: that of this use comes after what the holder saw.
    pub(super) fn keep_use(&self, last: LastUse, known: Option<Vec<TerminalId>>) -> Result<(), ClientError> {
        let own = self.own()?;
        self.keep_own(&Own { last: Some(last), known, ..own })
    }

    /// Keeps that its holder knows these terminals; of the rest, nothing is seen by that.
    pub(super) fn keep_known(&self, known: Vec<TerminalId>) -> Result<(), ClientError> {
        let own = self.own()?;
        self.keep_own(&Own { known: Some(known), ..own })
    }

    fn keep_own(&self, own: &Own) -> Result<(), ClientError> {
        self.write(OWN, &serde_json::to_vec(own).map_err(|_| ClientError::Answer)?)
    }

    pub(super) fn damaged(&self) -> ClientError {
        refused("terminal_damaged", format!("{} is damaged", self.keeps.called()))
    }

    /// Is no terminal any more: the element refused it, or its keyring is gone.
    pub(super) fn forget(&self) -> Result<(), ClientError> {
        self.remove(KEYRING)?;
        self.keeps.forget_key()?;
        [SECRET, OWN, COMES, FACE].into_iter().try_for_each(|name| self.remove(name))?;
        // Nobody hands over what they hold, without the key: another keyring's terminal that is made here must not.
        self.undelivered()?.into_iter().try_for_each(|(request, _)| self.forget_undelivered(request))
    }

    /// The terminal, if it is where it was made.
    pub(super) fn load(&self) -> Result<(Kept, DeviceKey, Secrets), ClientError> {
        let Some(kept) = self.keeps.read(KEYRING)? else {
            let words = format!("{} has no terminal: activate a keyring there first", self.keeps.called());
            return Err(refused("terminal_missing", words));
        };
        self.keeps.check()?;
        let damaged = || self.damaged();
        let kept: Kept = serde_json::from_slice(&kept).map_err(|_| damaged())?;
        if !self.keeps.images()?.contains(&kept.image) {
            return Err(refused(
                "terminal_changed",
                "what this terminal kept was copied or moved from where the keyring was activated: it is no terminal here",
            ));
        }
        let device = self.keeps.key()?;
        let written: WrittenSecrets = serde_json::from_slice(&self.read(SECRET)?).map_err(|_| damaged())?;
        let secret = |bytes: &Base64Url| Secret::from_slice(bytes).map_err(|_| damaged());
        let pending = written.pending.as_ref().map(secret).transpose()?;
        Ok((kept, device, Secrets { current: secret(&written.current)?, pending }))
    }

    /// Keeps what the holder agreed to, for the provider of a request that waits at the host, until the host has it. A use is spent once it is answered: this comes before whatever
    /// else is done with the answer and may fail.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where the folder does not take it.
    pub fn keep_undelivered(&self, request: KeyringRequestId, outcome: &Outcome) -> Result<(), ClientError> {
        let json = serde_json::to_vec(outcome).map_err(|_| ClientError::Answer)?;
        self.write(&undelivered(request), &json)
    }

    /// What the host does not have yet.
    pub(super) fn undelivered(&self) -> Result<Vec<(KeyringRequestId, Outcome)>, ClientError> {
        let mut all = Vec::new();
        for name in self.keeps.names()? {
            let id = name.strip_prefix(UNDELIVERED.0).and_then(|rest| rest.strip_suffix(UNDELIVERED.1));
            let Some(request) = id.and_then(|id| id.parse().ok()) else { continue };
            if let Ok(outcome) = serde_json::from_slice(&self.read(&name)?) {
                all.push((request, outcome));
            }
        }
        Ok(all)
    }

    /// Forgets it: the host has it.
    pub(super) fn forget_undelivered(&self, request: KeyringRequestId) -> Result<(), ClientError> {
        self.remove(&undelivered(request))
    }

    /// What is kept under this name; what is not there was taken away.
    fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        self.keeps.read(name)?.ok_or_else(|| self.damaged())
    }

    /// The same, of what need not be there.
    pub(super) fn read_if_kept(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ClientError> {
        self.keeps.read(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        self.keeps.write(name, bytes)
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), ClientError> {
        self.keeps.remove(name)
    }
}

fn undelivered(request: KeyringRequestId) -> String {
    format!("{}{request}{}", UNDELIVERED.0, UNDELIVERED.1)
}
