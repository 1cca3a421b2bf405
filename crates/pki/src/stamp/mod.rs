//! Time stamps of an authority (RFC 3161): the request, the answer as it is believed, and a token that was kept.
//!
//! A token says that the bytes with this hash existed at that time, on the word of an authority whose certificate is for that alone. Whether the certificate was revoked since
//! is not looked at: a list of the time belongs beside the token.

mod refusal;
mod request;
mod signer;
mod token;

pub use refusal::StampRefusal;
pub use request::{STAMP_SKEW, StampRequest, TimeStamp};

/// The longest response or token that is read: a token has a few certificates at most.
const LONGEST: usize = 64 << 10;

/// id-signedData (RFC 5652 §5.1), id-ct-TSTInfo (RFC 3161 §2.4.2).
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
/// id-contentType, id-messageDigest (RFC 5652 §11), id-aa-signingCertificate, id-aa-signingCertificateV2 (RFC 5035 §5.4, §3).
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
/// id-sha256, id-sha384, id-sha512 (RFC 5754 §2).
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
/// rsaEncryption (RFC 8017 appendix C): in a SignerInfo it leaves the hash to the digest algorithm.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// id-kp-timeStamping (RFC 3161 §2.3).
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
