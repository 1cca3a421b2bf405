//! Signatures by the key of a certificate over bytes that are kept elsewhere (CMS, RFC 5652), as signed documents carry them (CAdES, ETSI EN 319 122-1): made, and judged.
//!
//! What is signed is a few attributes: what kind of content it is, its hash, and the hash of the signer's certificate, so that no other certificate of the same key can be put in its place.

mod certs_only;
mod info;
mod read;
mod refusal;
mod signed_data;
mod write;

pub use certs_only::{NotCertsOnly, certs_only};
pub(crate) use info::{CertificateHash, SignerInfo, explicit, hash_named, is_one_of, whole};
pub use read::{DetachedSignature, Signer, first_element};
pub use refusal::CmsRefusal;
pub(crate) use signed_data::SignedData;
pub use write::{SignatureKind, SignedAttributes};

/// id-data, id-signedData (RFC 5652 §4, §5.1).
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
pub(crate) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// id-contentType, id-messageDigest (RFC 5652 §11), id-aa-signingCertificate, id-aa-signingCertificateV2 (RFC 5035 §5.4, §3), id-aa-timeStampToken (RFC 3161 appendix A).
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
const TIME_STAMP_TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 14];
/// id-sha256, id-sha384, id-sha512 (RFC 5754 §2).
pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
/// rsaEncryption (RFC 8017 appendix C): in a SignerInfo it leaves the hash to the digest algorithm.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// Context tags: EXPLICIT and constructed IMPLICIT ones.
pub(crate) const ZERO: u8 = 0xa0;
pub(crate) const ONE: u8 = 0xa1;
/// `[0] IMPLICIT OCTET STRING`: a signer named by its key.
pub(crate) const KEY_ID: u8 = 0x80;
