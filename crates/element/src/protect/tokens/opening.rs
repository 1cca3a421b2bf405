//! What came, as a call that may be verified: opened, if it was encrypted.

use sceau_crypto::jose::jwe::{DecryptError, DecryptionKey, Encrypted, JweError, KeyAlgorithm};
use sceau_element_api::protect::LONGEST_CALL;
use sceau_element_api::wire::{Code, Refusal};
use zeroize::Zeroizing;

/// A call whose signature nobody has verified.
pub struct Opened {
    /// The compact JWS. Who sees it sees what is asked, and not who may be answered.
    pub call: Zeroizing<String>,
    /// Whether it came encrypted.
    pub was_encrypted: bool,
}

impl Opened {
    /// Whether a text is to be decrypted: a compact JWE is of five parts (RFC 7516 section 3.1). One that is too long is not.
    #[must_use]
    pub fn is_encrypted(text: &str) -> bool {
        text.len() <= LONGEST_CALL && text.bytes().filter(|byte| *byte == b'.').count() == 4
    }

    /// Takes a compact JWS as it is, and a compact JWE (RFC 7516) around one (RFC 7519 section 5.2) opened under the key of its algorithm. Each key stands
    /// beside its name, and is of another algorithm.
    ///
    /// # Errors
    /// When it is encrypted, and not to one of the element's keys in its one way; or the key cannot be used.
    pub fn of<K: DecryptionKey>(text: &str, keys: &[(&K, &str)]) -> Result<Self, Refusal> {
        if text.len() > LONGEST_CALL {
            return Err(Refusal::new(Code::TooLarge, "a call has at most 64 KiB"));
        }
        if !Self::is_encrypted(text) {
            return Ok(Self { call: Zeroizing::new(text.to_owned()), was_encrypted: false });
        }
        let invalid = |words: &str| Refusal::new(Code::ProofInvalid, words);
        let accepted: Vec<KeyAlgorithm> = keys.iter().map(|(key, _)| key.algorithm()).collect();
        let names = || accepted.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" or ");
        let refused = |error| invalid(&format!("{error}; calls are encrypted by {}", names()));
        let message = Encrypted::parse(text, &accepted).map_err(refused)?;
        let of_algorithm = keys.iter().find(|(key, _)| key.algorithm() == message.algorithm());
        let (key, kid) = *of_algorithm.ok_or_else(|| refused(JweError::Algorithm))?;
        if !message.cty().is_some_and(|cty| cty.eq_ignore_ascii_case("JWT")) {
            return Err(invalid("an encrypted call has a signed one in it: cty is JWT"));
        }
        if message.kid().is_some_and(|named| named != kid) {
            return Err(invalid("it is encrypted to another key: GET /v1/protect/jwks says which to take"));
        }
        let plain = message.decrypt(key).map_err(|error| match error {
            DecryptError::Unavailable(error) => {
                tracing::error!(%error, "a call cannot be opened");
                Refusal::new(Code::Unavailable, "the key of calls cannot be used now: ask again later")
            }
            refused => invalid(&refused.to_string()),
        })?;
        let call = std::str::from_utf8(plain.expose()).map_err(|_| invalid("no signed call is in it"))?;
        Ok(Self { call: Zeroizing::new(call.to_owned()), was_encrypted: true })
    }
}
