//! What a terminal stands on: a place for what it keeps, and a key that signs as it. A folder of this machine, or what the shell of a phone supplies.

use std::any::Any;
use std::fmt;

use sceau_crypto::SecretBytes;
use sceau_keyring::{Signs, SignsError};
use sceau_trace::Hash;
use zeroize::Zeroizing;

use crate::ClientError;

/// Where one terminal keeps what it keeps, and its key. What is written is whole or not there at all, and durable when `write` returns: a use that was sent is not undone.
pub trait Keeps: fmt::Debug + Send + Sync {
    /// What people call it, in what they are told.
    fn called(&self) -> String;

    /// Makes it ready for a terminal that is about to be.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where none should be; [`ClientError::File`].
    fn prepare(&self) -> Result<(), ClientError>;

    /// Whether a terminal may be used here now: nobody else reads it, and nothing says that this device is tampered with. Asked whenever what is kept is taken out.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] with the reason; [`ClientError::File`].
    fn check(&self) -> Result<(), ClientError>;

    /// Has it alone until what is given is dropped.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] `terminal_busy` where somebody else has; [`ClientError::File`].
    fn lock(&self) -> Result<Alone, ClientError>;

    /// What is kept under this name: ASCII letters, digits, dots and hyphens.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ClientError>;

    /// Keeps it under this name, in the place of what was there.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError>;

    /// Forgets what is kept under this name, if anything is.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn remove(&self, name: &str) -> Result<(), ClientError>;

    /// The names that something is kept under; others may be among them.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn names(&self) -> Result<Vec<String>, ClientError>;

    /// Hashes of where this is: the first one is what a new terminal is bound to, and a terminal that is bound to any of them is where it was bound.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn images(&self) -> Result<Vec<Hash>, ClientError>;

    /// Whether the terminal's key signs only once the device knew its holder, by a fingerprint or what stands for one. Asked before each use: it may be taken off.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where it cannot be told.
    fn knows_holder(&self) -> Result<bool, ClientError> {
        Ok(false)
    }

    /// A new key of P-256 for a terminal that is about to be.
    ///
    /// # Errors
    /// [`ClientError::Signs`]; [`ClientError::Keyring`].
    fn new_key(&self) -> Result<NewKey, ClientError>;

    /// Keeps that key: from then on it is the terminal's.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn keep_key(&self, new: &NewKey) -> Result<(), ClientError>;

    /// The terminal's key.
    ///
    /// # Errors
    /// [`ClientError::Keyring`] where there is none or it is another; [`ClientError::File`].
    fn key(&self) -> Result<DeviceKey, ClientError>;

    /// Destroys the terminal's key, if there is one.
    ///
    /// # Errors
    /// [`ClientError::File`].
    fn forget_key(&self) -> Result<(), ClientError>;
}

/// Who has it is alone with a terminal, until it is dropped.
pub type Alone = Box<dyn Any + Send + Sync>;

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// The key.
    pub key: DeviceKey,
    /// Its PKCS#8, where it has one that is kept: a key that is held by hardware has none.
    pub pkcs8: Option<SecretBytes>,
}

/// A terminal's key of P-256, wherever it is held.
pub struct DeviceKey(Box<dyn Signs + Send + Sync>);

impl DeviceKey {
    /// This one.
    pub fn of(key: impl Signs + Send + Sync + 'static) -> Self {
        Self(Box::new(key))
    }
}

impl Signs for DeviceKey {
    fn spki(&self) -> &[u8] {
        self.0.spki()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        self.0.sign(message)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(redacted)")
    }
}
