//! What an issuer's responder says of one certificate (OCSP, RFC 6960): the question, the answer as it is believed, and the responder's own side.

mod id;
mod nonce;
mod question;
mod refusal;
mod request;
mod responder;
mod response;
mod signer;

pub use id::OcspHash;
pub use nonce::OcspNonce;
pub use question::{OCSP_SKEW, OcspAnswer, OcspQuestion, OcspTerms};
pub use refusal::{OcspFailure, OcspRefusal};
pub use request::OcspRequest;
pub use responder::OcspResponder;
pub use response::OcspStatus;
pub use signer::OcspSigner;

/// Whether these bytes are a response with an answer in it, whatever it is worth.
pub fn is_ocsp_response(der: &[u8]) -> bool {
    response::Response::read(der).is_ok()
}

/// The longest request or response that is read: a response has a few certificates at most.
const LONGEST: usize = 64 << 10;

/// id-pkix-ocsp-basic, id-pkix-ocsp-nonce, id-pkix-ocsp-nocheck (RFC 6960 §4.2.1, §4.4.1, §4.2.2.2.1).
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
const NO_CHECK: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5];
/// id-kp-OCSPSigning (§4.2.2.2).
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
