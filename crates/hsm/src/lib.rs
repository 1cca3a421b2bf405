//! What a hardware security module can do, and the software keystore that does it where there is none.
//!
//! A [`Provider`] keeps private keys and uses them; key references cross this room's border, key bytes do not. Keys are addressed
//! by URI (`software:<label>`), so that configuration can move one to another provider. What a provider may lack
//! (hybrid decapsulation, Ed25519 …) is a capability apart. This room must never hand out, log or print a private key, and never
//! acknowledge a key that a power failure could lose. [`hardening`] is for every process that opens a keystore. [`pkcs11`] is for keys of certificates
//! in tokens.

pub mod certificates;
pub mod durable;
mod error;
mod folder_lock;
pub mod hardening;
mod holder;
mod key;
mod lists;
pub mod names;
mod operations;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
mod provider;
mod software;
mod together;
mod unlock;
#[cfg(feature = "vault")]
mod vault;
mod watched;

pub use error::Error;
pub use folder_lock::FolderLock;
pub use holder::{HolderAlgorithm, HolderKey, HolderKeys, HolderPlace, HoldersKept};
pub use key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion, PublicKey};
pub use lists::KeptLists;
pub use operations::Operations;
pub use provider::{
    Authenticate, BackUp, DangerUnwrapSha1, JudgeKeys, Prf, Provider, Rotate, Seal, Sign, SignRs256,
    UnwrapCek,
};
pub use software::{SoftwareKeystore, check_keystore_file};
pub use together::Together;
pub use unlock::{Derivation, Passphrase, Unlock, write_new_credential};
#[cfg(feature = "vault")]
pub use vault::{VaultError, VaultKeystore, VaultLogin, VaultSettings, parsers as vault_parsers};
pub use watched::{Files, Make, Watched};
