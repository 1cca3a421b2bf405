//! Signed statements: JWS compact serialisation (RFC 7515), Ed25519 (RFC 8037), one header form.
//!
//! The protected header is exactly `{"alg":"EdDSA","kid":"<fingerprint>","typ":"<typ>"}`. The verifier knows the key and the
//! typ that it expects, builds that header itself and compares: `none`, `jwk`, `crit` or another typ have no way in.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{Fingerprint, SigningKey, Typ, VerifyingKey};

/// Longest JWS that is read, in bytes.
pub const MAX_LENGTH: usize = 2 * 1024 * 1024;

/// A signed statement is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Not three base64url parts, or too long.
    #[error("not a compact JWS of at most 2 MiB: its sender must send what was signed, unaltered")]
    Malformed,
    /// Signed by another key, or for another purpose, than the one expected here.
    #[error(
        "signed by another key or for another purpose than expected here: ask its signer for the right statement"
    )]
    Header,
    /// The signature does not match.
    #[error("the signature is not the expected signer's: the statement was altered or forged, do not use it")]
    Signature,
}

impl JwsError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "jws_malformed",
            Self::Header => "jws_header",
            Self::Signature => "jws_signature",
        }
    }
}

/// Signs `payload` as a statement of this typ.
#[must_use]
pub fn sign(key: &SigningKey, typ: Typ, payload: &[u8]) -> String {
    let input = signing_input(&key.verifying_key().fingerprint(), typ, payload);
    let signature = key.sign(input.as_bytes());
    assemble(input, &signature)
}

/// The bytes to be signed by a key held elsewhere (an HSM); then [`assemble`].
#[must_use]
pub fn signing_input(signer: &Fingerprint, typ: Typ, payload: &[u8]) -> String {
    let mut input = header(signer, typ);
    input.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut input);
    input
}

/// The JWS of a [`signing_input`] and its signature.
#[must_use]
pub fn assemble(signing_input: String, signature: &[u8; 64]) -> String {
    let mut jws = signing_input;
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
    jws
}

/// The payload of a statement that `key` signed as `typ`.
///
/// # Errors
/// [`JwsError`]: anything else.
pub fn verify(jws: &str, typ: Typ, key: &VerifyingKey) -> Result<Vec<u8>, JwsError> {
    let (input, signature) = split(jws)?;
    let (found, payload) = input.split_once('.').ok_or(JwsError::Malformed)?;
    if payload.contains('.') {
        return Err(JwsError::Malformed);
    }
    if found != header(&key.fingerprint(), typ) {
        return Err(JwsError::Header);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwsError::Malformed)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| JwsError::Malformed)?;
    if !key.verifies(input.as_bytes(), &signature) {
        return Err(JwsError::Signature);
    }
    Ok(payload)
}

/// Who the JWS *says* signed it, to look the key up before [`verify`]. Proves nothing.
///
/// # Errors
/// [`JwsError`] unless the header has the one form that is accepted.
pub fn unverified_kid(jws: &str) -> Result<Fingerprint, JwsError> {
    #[derive(serde::Deserialize)]
    struct Kid {
        kid: Fingerprint,
    }
    let (input, _) = split(jws)?;
    let (found, _) = input.split_once('.').ok_or(JwsError::Malformed)?;
    let json = URL_SAFE_NO_PAD.decode(found).map_err(|_| JwsError::Malformed)?;
    let Kid { kid } = serde_json::from_slice(&json).map_err(|_| JwsError::Header)?;
    if Typ::ALL.iter().any(|typ| found == header(&kid, *typ)) { Ok(kid) } else { Err(JwsError::Header) }
}

/// The payload that the JWS *says* was signed, to find out which key should have. Proves nothing.
///
/// # Errors
/// [`JwsError::Malformed`] unless it is three parts of base64url.
pub fn unverified_payload(jws: &str) -> Result<Vec<u8>, JwsError> {
    let (input, _) = split(jws)?;
    let (_, payload) = input.split_once('.').ok_or(JwsError::Malformed)?;
    URL_SAFE_NO_PAD.decode(payload).map_err(|_| JwsError::Malformed)
}

fn split(jws: &str) -> Result<(&str, &str), JwsError> {
    if jws.len() > MAX_LENGTH {
        return Err(JwsError::Malformed);
    }
    jws.rsplit_once('.').ok_or(JwsError::Malformed)
}

fn header(signer: &Fingerprint, typ: Typ) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{signer}","typ":"{}"}}"#, typ.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn with_header(json: &str, key: &SigningKey, payload: &[u8]) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(json), URL_SAFE_NO_PAD.encode(payload));
        let signature = key.sign(input.as_bytes());
        assemble(input, &signature)
    }

    #[test]
    fn what_was_signed_is_what_is_read() {
        let key = SigningKey::generate();
        let jws = sign(&key, Typ::Decision, b"{}");
        assert_eq!(verify(&jws, Typ::Decision, &key.verifying_key()).unwrap(), b"{}");
        assert_eq!(unverified_kid(&jws).unwrap(), key.verifying_key().fingerprint());
        assert_eq!(unverified_payload(&jws).unwrap(), b"{}");
    }

    #[test]
    fn another_typ_or_key_is_refused() {
        let key = SigningKey::generate();
        let jws = sign(&key, Typ::Decision, b"{}");
        assert_eq!(verify(&jws, Typ::Record, &key.verifying_key()), Err(JwsError::Header));
        let other = SigningKey::generate().verifying_key();
        assert_eq!(verify(&jws, Typ::Decision, &other), Err(JwsError::Header));
    }

    #[test]
    fn well_signed_headers_of_another_form_are_refused() {
        let key = SigningKey::generate();
        let kid = key.verifying_key().fingerprint();
        for json in [
            r#"{"alg":"none"}"#.to_owned(),
            format!(r#"{{"alg":"none","kid":"{kid}","typ":"sceau-decision"}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"sceau-decision","crit":["b64"]}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"sceau-decision","jwk":{{}}}}"#),
            format!(r#"{{"typ":"sceau-decision","alg":"EdDSA","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        ] {
            let jws = with_header(&json, &key, b"{}");
            assert_eq!(verify(&jws, Typ::Decision, &key.verifying_key()), Err(JwsError::Header), "{json}");
            assert_eq!(unverified_kid(&jws), Err(JwsError::Header), "{json}");
        }
    }

    #[test]
    fn any_changed_character_is_refused() {
        let key = SigningKey::generate();
        let jws = sign(&key, Typ::Record, b"some payload");
        for at in 0..jws.len() {
            let mut bytes = jws.clone().into_bytes();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
            let changed = String::from_utf8(bytes).unwrap();
            assert!(verify(&changed, Typ::Record, &key.verifying_key()).is_err(), "character {at}");
        }
    }

    #[test]
    fn malformed_text_is_refused() {
        let key = SigningKey::generate().verifying_key();
        for text in ["", ".", "..", "...", "a.b", "a.b.c.d"] {
            assert!(verify(text, Typ::Record, &key).is_err(), "{text}");
        }
        assert_eq!(verify(&"a".repeat(MAX_LENGTH + 1), Typ::Record, &key), Err(JwsError::Malformed));
    }
}
