//! What a shell supplies, and a terminal's place and key made of it.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sceau_client::ClientError;
use sceau_client::terminal::{Alone, DeviceKey, Keeps, NewKey};
use sceau_trace::Hash;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::refused;
use crate::hardware_key::HeldKey;

/// Where the public key of a bound terminal is kept, to be known again.
const PUBLIC_KEY: &str = "device.spki";

/// What a shell's own code could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[non_exhaustive]
pub enum ShellError {
    /// The system or the hardware did not do it; `detail` is shown to people.
    #[error("{detail}")]
    Failed {
        /// One sentence.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ShellError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { detail: format!("the shell's own code failed: {}", error.reason) }
    }
}

/// Where a shell keeps what a terminal keeps: sealed by the system to this device and this program, and in no backup. One place has one terminal, and one process uses it.
#[uniffi::export(with_foreign)]
pub trait SecureStorage: Send + Sync {
    /// What tells this place from others of the same program.
    fn name(&self) -> String;

    /// What is kept under this name (letters, digits, dots and hyphens); none where nothing is.
    ///
    /// # Errors
    /// [`ShellError`].
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, ShellError>;

    /// Keeps it, in the place of what was there: whole or not at all, and durable before this returns. What is sent next is not undone.
    ///
    /// # Errors
    /// [`ShellError`].
    fn write(&self, name: String, bytes: Vec<u8>) -> Result<(), ShellError>;

    /// Forgets it; what is not there is forgotten already.
    ///
    /// # Errors
    /// [`ShellError`].
    fn remove(&self, name: String) -> Result<(), ShellError>;

    /// The names that something is kept under.
    ///
    /// # Errors
    /// [`ShellError`].
    fn names(&self) -> Result<Vec<String>, ShellError>;
}

/// The terminal's key of P-256, in Android's Keystore or the Secure Enclave: made there, used there, and given to nobody.
#[uniffi::export(with_foreign)]
pub trait HardwareKey: Send + Sync {
    /// Makes a new one, in the place of one that was there. Gives its public key, the DER of a SubjectPublicKeyInfo (RFC 5480), 91 bytes.
    ///
    /// # Errors
    /// [`ShellError`].
    fn make(&self) -> Result<Vec<u8>, ShellError>;

    /// The public key of the one that is there; none where there is none.
    ///
    /// # Errors
    /// [`ShellError`].
    fn public_key(&self) -> Result<Option<Vec<u8>>, ShellError>;

    /// Signs this message by ECDSA with SHA-256: hashed here, once. Gives an ECDSA-Sig-Value, DER (RFC 3279 section 2.2.3), as both systems do.
    ///
    /// # Errors
    /// [`ShellError`].
    fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, ShellError>;

    /// Destroys it; what is not there is destroyed already.
    ///
    /// # Errors
    /// [`ShellError`].
    fn destroy(&self) -> Result<(), ShellError>;
}

/// What the system says of device and program. It is asked at each start and before each use, not once.
#[uniffi::export(with_foreign)]
pub trait Surroundings: Send + Sync {
    /// Where this is now, and what the system warns of.
    ///
    /// # Errors
    /// [`ShellError`].
    fn environment(&self) -> Result<Environment, ShellError>;
}

/// All that a shell supplies.
#[derive(Clone, uniffi::Record)]
pub struct Shell {
    /// Where it keeps.
    pub storage: Arc<dyn SecureStorage>,
    /// What signs.
    pub key: Arc<dyn HardwareKey>,
    /// Where it is.
    pub surroundings: Arc<dyn Surroundings>,
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("storage", &self.storage.name()).finish_non_exhaustive()
    }
}

impl Shell {
    fn environment(&self) -> Result<Environment, ClientError> {
        self.surroundings.environment().map_err(|error| refused("environment_unknown", error.to_string()))
    }
}

fn of_storage(error: ShellError) -> ClientError {
    refused("storage_failed", error.to_string())
}

fn of_key(error: ShellError) -> ClientError {
    refused("key_failed", error.to_string())
}

impl Keeps for Shell {
    fn called(&self) -> String {
        "this device".to_owned()
    }

    fn prepare(&self) -> Result<(), ClientError> {
        self.check()
    }

    fn check(&self) -> Result<(), ClientError> {
        self.environment()?.is_sound()
    }

    fn lock(&self) -> Result<Alone, ClientError> {
        let name = self.storage.name();
        if IN_USE.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            return Ok(Box::new(InUse(name)) as Box<dyn Any + Send + Sync>);
        }
        Err(refused(
            "terminal_busy",
            "another page of this program uses this terminal now: end it, then try again",
        ))
    }

    fn knows_holder(&self) -> Result<bool, ClientError> {
        Ok(self.environment()?.knows_holder)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ClientError> {
        Ok(self.storage.read(name.to_owned()).map_err(of_storage)?.map(Zeroizing::new))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        self.storage.write(name.to_owned(), bytes.to_vec()).map_err(of_storage)
    }

    fn remove(&self, name: &str) -> Result<(), ClientError> {
        self.storage.remove(name.to_owned()).map_err(of_storage)
    }

    fn names(&self) -> Result<Vec<String>, ClientError> {
        self.storage.names().map_err(of_storage)
    }

    fn images(&self) -> Result<Vec<Hash>, ClientError> {
        Ok(vec![self.environment()?.image()?])
    }

    fn new_key(&self) -> Result<NewKey, ClientError> {
        let spki = self.key.make().map_err(of_key)?;
        Ok(NewKey { key: DeviceKey::of(HeldKey::new(&self.key, spki)?), pkcs8: None })
    }

    fn keep_key(&self, new: &NewKey) -> Result<(), ClientError> {
        use sceau_keyring::Signs as _;
        self.write(PUBLIC_KEY, new.key.spki())
    }

    /// What was copied to another device finds no key there, or another one.
    fn key(&self) -> Result<DeviceKey, ClientError> {
        let bound = self.read(PUBLIC_KEY)?;
        let there = self.key.public_key().map_err(of_key)?;
        match (bound, there) {
            (Some(bound), Some(there)) if *bound == there => {
                Ok(DeviceKey::of(HeldKey::new(&self.key, there)?))
            }
            (None, _) => Err(refused("terminal_damaged", "what this terminal kept is damaged")),
            _ => Err(refused(
                "terminal_changed",
                "the key that the keyring was activated with is not on this device: it is no terminal here",
            )),
        }
    }

    fn forget_key(&self) -> Result<(), ClientError> {
        self.remove(PUBLIC_KEY)?;
        self.key.destroy().map_err(of_key)
    }
}

/// Places that are used now, by their names.
static IN_USE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

struct InUse(String);

impl Drop for InUse {
    fn drop(&mut self) {
        IN_USE.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}
