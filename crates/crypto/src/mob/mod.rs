//! The profile `mob-2022`: what Mon Compte Mobilité stores, bit for bit, and our signed manifest beside it (docs/mob-2022.md).
//!
//! AES-256-CBC with PKCS#7 (NIST SP 800-38A, RFC 5652 section 6.3); key and IV each under RSAES-OAEP with SHA-1 and MGF1-SHA-1
//! (RFC 8017, section 7.1), RSA-2048. Three weaknesses are the protocol's own, and stay in this room: CBC does not
//! authenticate, one key and one IV serve every file of a dossier ([`SharedKeyAndIv`]), and two files that begin alike look alike.
//! The first is answered here: a [`VerifiedManifest`] names the hash of each ciphertext, and nothing is decrypted, neither by RSA nor
//! by AES, before its bytes have that hash. All that is refused is refused with one error, [`Refused`]: no padding oracle.
//!
//! Never for anything new: `sceau-1` is the envelope of this house.

mod error;
mod fields;
mod hash;
mod keys;
mod manifest;
mod open;
mod seal;

pub use error::{MobOpenError, Refused};
pub use fields::EncryptionFields;
pub use keys::{MobPrivateKey, MobPublicKey};
pub use manifest::{MobFile, MobManifest, VerifiedManifest};
pub use open::OpenedKeys;
pub use seal::{FileSealer, SealedFile, SharedKeyAndIv};

/// Bytes of ciphertext that are hashed as one part, but the last.
pub const PART: usize = crate::envelope::PART;
/// Most files that a manifest names.
pub const MAX_FILES: usize = 200;

const BLOCK: usize = 16;
/// Bytes that go through the cipher at once.
const CHUNK: usize = 64 * 1024;
