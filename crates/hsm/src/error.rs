//! What can go wrong with keys.

use std::path::PathBuf;

use crate::key::{KeyKind, KeyUri, KeyVersion};

/// An error of this room. The message says what to do; [`Error::code`] is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A label that cannot name a key.
    #[error(
        "{0:?} cannot name a key: use 1 to 100 of a-z, 0-9, '-', '_' and '.', the first a letter or digit"
    )]
    BadLabel(String),
    /// Not a key's address.
    #[error("{0:?} is not a key's address, which looks like software:organisation-root")]
    BadUri(String),
    /// The key is not there.
    #[error("there is no key {0}")]
    NotFound(KeyUri),
    /// A key of this name is there already.
    #[error("there is already a key {0}: choose another name, or destroy it first")]
    Exists(KeyUri),
    /// The key is for another purpose.
    #[error("the key {key} is for {found}, which this operation is not")]
    WrongKind {
        /// Which key.
        key: KeyUri,
        /// What it is for.
        found: KeyKind,
    },
    /// The key is disabled.
    #[error("the key {0} is disabled: an administrator can enable it again")]
    Disabled(KeyUri),
    /// The key has no such version.
    #[error("the key {key} has no version {version}: was it restored from an older backup?")]
    NoVersion {
        /// Which key.
        key: KeyUri,
        /// Which version.
        version: KeyVersion,
    },
    /// The token has keys of a keystore of this name, which is not in this folder.
    #[cfg(feature = "pkcs11")]
    #[error(
        "the token has keys {0} already, which another keystore made: name yours otherwise with object=…, or restore the folder that belongs to them"
    )]
    TokenInUse(String),
    /// The address names another keystore than the folder's.
    #[cfg(feature = "pkcs11")]
    #[error("the keys of {folder} are named {name} in the token: write object={name} in the address")]
    OtherToken {
        /// The folder.
        folder: PathBuf,
        /// The name.
        name: String,
    },
    /// A key does not do in the token what it did in software.
    #[cfg(feature = "pkcs11")]
    #[error(
        "the key {0} does not do in the token what it did: it stays where it was, and nothing was destroyed"
    )]
    NotMoved(KeyUri),
    /// A provider gave fewer answers than were asked.
    #[error("the keys' provider gave fewer answers than it was asked for: a fault of its maker's or ours")]
    Derivation,
    /// The provider cannot do this.
    #[error("the provider {scheme} cannot do {operation}")]
    Unsupported {
        /// Which provider.
        scheme: &'static str,
        /// What was asked for.
        operation: &'static str,
    },
    /// A content key does not unwrap under this key.
    #[error(transparent)]
    Unwrap(#[from] sceau_crypto::UnwrapError),
    /// The stanza names another key.
    #[error("the envelope was not made for the key {0}")]
    NotForThisKey(KeyUri),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] sceau_crypto::KeyError),
    /// A sealed secret does not open.
    #[error(transparent)]
    Blob(#[from] sceau_crypto::BlobError),
    /// Another process has the keystore open.
    #[error("the keystore {0} is open in another process: stop that one first")]
    InUse(PathBuf),
    /// There is a keystore already.
    #[error("there is already a keystore in {0}")]
    AlreadyAKeystore(PathBuf),
    /// There is none.
    #[error("there is no keystore in {0}: create one first")]
    NotAKeystore(PathBuf),
    /// Wrong passphrase or credential.
    #[error("the keystore does not open: wrong passphrase or credential")]
    WrongUnlock,
    /// The keystore is protected by the other means.
    #[error("the keystore opens with {0}")]
    OtherUnlock(&'static str),
    /// A passphrase that is too short to protect anything.
    #[error("a passphrase has at least {0} characters: a sentence is easy to remember")]
    WeakPassphrase(usize),
    /// A credential file of the wrong size.
    #[error("{0} is not a credential: it must hold exactly 32 random bytes")]
    BadCredential(PathBuf),
    /// A file of the keystore is damaged, altered, or was moved from another place.
    #[error("{0} is damaged or was altered: restore it from a backup")]
    Damaged(PathBuf),
    /// A file was written by a later version.
    #[error("{0} was written by a later version: upgrade")]
    LaterVersion(PathBuf),
    /// A secret file that others can read.
    #[error("{0} is readable by others: chmod 600 it, and consider what it holds known")]
    OpenToOthers(PathBuf),
    /// The system refused a file operation.
    #[error("{path}: {cause}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A revocation list that may not be used.
    #[error("{path}: {cause}")]
    List {
        /// Its file.
        path: PathBuf,
        /// Why.
        cause: sceau_pki::Unwelcome,
    },
    /// The Vault that keeps the keys.
    #[cfg(feature = "vault")]
    #[error(transparent)]
    Vault(#[from] crate::vault::VaultError),
    /// A token that keeps a key.
    #[cfg(feature = "pkcs11")]
    #[error(transparent)]
    Token(#[from] crate::pkcs11::TokenError),
    /// An address of a key in a token.
    #[cfg(feature = "pkcs11")]
    #[error(transparent)]
    TokenAddress(#[from] crate::pkcs11::UriError),
    /// A certificate or its key is not right.
    #[error(transparent)]
    Pki(#[from] sceau_pki::Error),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadLabel(_) => "hsm_bad_label",
            Self::BadUri(_) => "hsm_bad_uri",
            Self::NotFound(_) => "hsm_key_not_found",
            Self::Exists(_) => "hsm_key_exists",
            Self::WrongKind { .. } => "hsm_wrong_kind",
            Self::Disabled(_) => "hsm_key_disabled",
            Self::NoVersion { .. } => "hsm_no_version",
            Self::Derivation => "hsm_derivation",
            #[cfg(feature = "pkcs11")]
            Self::TokenInUse(_) => "hsm_token_in_use",
            #[cfg(feature = "pkcs11")]
            Self::OtherToken { .. } => "hsm_other_token",
            #[cfg(feature = "pkcs11")]
            Self::NotMoved(_) => "hsm_not_moved",
            Self::Unsupported { .. } => "hsm_unsupported",
            Self::Unwrap(error) => error.code(),
            Self::NotForThisKey(_) => "hsm_not_for_this_key",
            Self::Key(error) => error.code(),
            Self::Blob(error) => error.code(),
            Self::InUse(_) => "hsm_keystore_in_use",
            Self::AlreadyAKeystore(_) => "hsm_keystore_exists",
            Self::NotAKeystore(_) => "hsm_keystore_not_found",
            Self::WrongUnlock => "hsm_wrong_unlock",
            Self::OtherUnlock(_) => "hsm_other_unlock",
            Self::WeakPassphrase(_) => "hsm_weak_passphrase",
            Self::BadCredential(_) => "hsm_bad_credential",
            Self::Damaged(_) => "hsm_damaged",
            Self::LaterVersion(_) => "hsm_later_version",
            Self::OpenToOthers(_) => "hsm_open_to_others",
            Self::File { .. } => "hsm_file",
            Self::List { cause, .. } => cause.code(),
            #[cfg(feature = "vault")]
            Self::Vault(error) => error.code(),
            #[cfg(feature = "pkcs11")]
            Self::Token(error) => error.code(),
            #[cfg(feature = "pkcs11")]
            Self::TokenAddress(error) => error.code(),
            Self::Pki(error) => error.code(),
        }
    }

    /// Whether the same may work later without anybody changing a setting: what keeps the keys is away, or busy.
    pub fn is_passing(&self) -> bool {
        match self {
            #[cfg(feature = "pkcs11")]
            Self::Token(error) => error.is_passing(),
            #[cfg(feature = "vault")]
            Self::Vault(error) => error.is_passing(),
            _ => false,
        }
    }
}
