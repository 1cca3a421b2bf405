//! Compact JWS (RFC 7515) by the key of a certificate or of a terminal: ES256, RS256, PS256 or EdDSA, the header naming the key by its thumbprint (RFC 7638).

use sceau_crypto::Typ;
use sceau_crypto::jose::{Algorithm, PublicJwk, Statement};
use sceau_element_api::Base64Url;
use sceau_element_api::wire::{Code, Refusal};
use zeroize::{Zeroize as _, Zeroizing};

/// A key that signs, wherever it is kept.
pub trait Signs {
    /// Its public key: the DER of a SubjectPublicKeyInfo of P-256, RSA or Ed25519.
    fn spki(&self) -> &[u8];

    /// Signs as JWS has it (RFC 7518 section 3): `r ‖ s` for P-256, RSASSA-PKCS1-v1_5 with SHA-256 for RSA, 64 bytes for Ed25519.
    ///
    /// # Errors
    /// [`SignsError::Key`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError>;
}

/// Something is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignsError {
    /// The key is of a kind that nobody here verifies.
    #[error("the key must be of P-256, RSA of 2048 bits or more, or Ed25519")]
    Unsupported,
    /// The key, or what keeps it, failed.
    #[error("the key does not sign: {0}")]
    Key(String),
    /// What was to be signed is not what it should be.
    #[error("{}", .0.detail)]
    Refused(#[from] Refusal),
}

/// Signs `payload` as a statement of this typ. What is given back is the caller's to wipe, where it holds a secret.
///
/// # Errors
/// [`SignsError`].
pub fn sign_jws(typ: Typ, key: &dyn Signs, payload: &[u8]) -> Result<String, SignsError> {
    let jwk = PublicJwk::of_spki(key.spki()).map_err(|_| SignsError::Unsupported)?;
    let alg = jwk.own_algorithm().ok_or(SignsError::Unsupported)?.name();
    let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"{}"}}"#, jwk.thumbprint(), typ.as_str());
    let (header, payload) = (encoded(header.as_bytes()), encoded(payload));
    // Sized once: a text that grows leaves copies behind. A signature by RSA of 8192 bits has 1366 characters.
    let mut jws = String::with_capacity(header.len() + payload.len() + 1400);
    jws.extend([&**header, ".", &**payload]);
    let signature = match key.sign(jws.as_bytes()) {
        Ok(signature) => signature,
        Err(error) => {
            jws.zeroize();
            return Err(error);
        }
    };
    jws.extend([".", &**encoded(&signature)]);
    Ok(jws)
}

/// What is signed may hold a secret: nothing of it stays behind.
fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    let mut held = Base64Url::from(bytes);
    let text = Zeroizing::new(held.encode());
    held.0.zeroize();
    text
}

/// What the owner of this public key signed as a statement of this typ.
///
/// # Errors
/// [`Code::ProofInvalid`]: another key, typ or algorithm, or altered.
pub fn verify_jws(jws: &str, typ: Typ, spki: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    verify_jws_by(jws, typ, &key_of(typ, spki)?)
}

/// The key that a statement of this typ is verified with, from its SubjectPublicKeyInfo: for whoever verifies more than one of its statements.
///
/// # Errors
/// [`Code::ProofInvalid`] where it is no key of ours.
pub fn key_of(typ: Typ, spki: &[u8]) -> Result<PublicJwk, Refusal> {
    let refused = |error| Refusal::new(Code::ProofInvalid, format!("a {}: {error}", typ.as_str()));
    PublicJwk::of_spki(spki).map_err(refused)
}

/// The same, of a key in JSON: the element's word.
///
/// # Errors
/// As [`verify_jws`].
pub fn verify_jws_by(jws: &str, typ: Typ, key: &PublicJwk) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let refused = |why: &str| Refusal::new(Code::ProofInvalid, format!("a {}: {why}", typ.as_str()));
    let statement = Statement::parse(jws).map_err(|error| refused(&error.to_string()))?;
    let of_ours = [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256, Algorithm::EdDsa];
    if !of_ours.contains(&statement.algorithm()) {
        return Err(refused("its algorithm is not ES256, RS256, PS256 or EdDSA"));
    }
    if statement.typ().as_deref() != Some(typ.as_str()) {
        return Err(refused("it is a statement of another typ"));
    }
    if statement.kid() != Some(key.thumbprint().to_string().as_str()) {
        return Err(refused("it names another key than the one that should have signed"));
    }
    key.verify(&statement).map(Zeroizing::new).map_err(|error| refused(&error.to_string()))
}

/// The thumbprint of the key that a JWS says it is signed with, to look it up before [`verify_jws`]. Proves nothing.
#[must_use]
pub fn unverified_kid(jws: &str) -> Option<[u8; 32]> {
    let statement = Statement::parse(jws).ok()?;
    Base64Url::decode(statement.kid()?).ok()?.0.try_into().ok()
}

/// The thumbprint of a SubjectPublicKeyInfo; none where it is no key of ours.
#[must_use]
pub fn thumbprint(spki: &[u8]) -> Option<[u8; 32]> {
    PublicJwk::of_spki(spki).ok().map(|key| *key.thumbprint().as_bytes())
}
