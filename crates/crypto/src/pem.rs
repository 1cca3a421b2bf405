//! PEM (RFC 7468): one block around a key.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroize;

use crate::{KeyError, SecretBytes};

/// Longest text that is read: an RSA-2048 private key takes 1,704 bytes.
const MAX: usize = 8192;

/// The DER of the one block that `text` is, between its own markers; line breaks of either kind.
pub(crate) fn decode(label: &str, text: &str) -> Result<SecretBytes, KeyError> {
    if text.len() > MAX {
        return Err(KeyError::Malformed);
    }
    let inner = text
        .trim()
        .strip_prefix(&format!("-----BEGIN {label}-----"))
        .and_then(|rest| rest.strip_suffix(&format!("-----END {label}-----")))
        .ok_or(KeyError::Malformed)?;
    // Room for all: a vector that grows would leave pieces of a private key behind.
    let mut base64 = Vec::with_capacity(inner.len());
    base64.extend(inner.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut der = Vec::with_capacity(base64.len());
    let decoded = STANDARD.decode_vec(&base64, &mut der);
    base64.zeroize();
    let der = SecretBytes::new(der);
    decoded.map_err(|_| KeyError::Malformed)?;
    Ok(der)
}

/// The block, in lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> SecretBytes {
    let mut base64 = vec![0; der.len().div_ceil(3) * 4];
    let length = STANDARD.encode_slice(der, &mut base64).unwrap_or_default();
    let mut pem = Vec::with_capacity(length + length / 64 + 128);
    pem.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    for line in base64.chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    base64.zeroize();
    pem.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    SecretBytes::new(pem)
}
