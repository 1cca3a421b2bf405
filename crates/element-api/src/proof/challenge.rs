//! What a passkey signs: a hash that binds the element's nonce, the kind and the exact payload.

use sceau_crypto::{Label, Sha256};

use crate::{Kind, Nonce};

/// `SHA-256(kind ‖ 0x00 ‖ payload)`: what is attested, whoever proves it.
#[must_use]
pub fn payload_digest(kind: Kind, payload: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(kind.as_str().as_bytes());
    hash.update(&[0]);
    hash.update(payload);
    hash.finish()
}

/// `SHA-256("sceau/passkey-proof" ‖ 0x00 ‖ nonce ‖ payload_digest(kind, payload))`: the WebAuthn challenge of a proof.
#[must_use]
pub fn passkey_challenge(nonce: &Nonce, kind: Kind, payload: &[u8]) -> [u8; 32] {
    Label::PasskeyProof.hash(&[&nonce.0, &payload_digest(kind, payload)])
}

/// `SHA-256("sceau/passkey-login" ‖ 0x00 ‖ given)`: the WebAuthn challenge of a sign-in, where the server gave the random bytes `given`.
///
/// Pages and programs compute it themselves and never sign what a server gave as it came: it could be the challenge of a proof.
#[must_use]
pub fn login_challenge(given: &[u8]) -> [u8; 32] {
    Label::PasskeyLogin.hash(&[given])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `printf` and `sha256sum`.
    #[test]
    fn a_sign_in_signs_a_hash_of_its_own() {
        assert_eq!(
            hex::encode(login_challenge(&[7; 32])),
            "d1a4da833d1f0b99d63c89882dd242b1608417363b1167e2ebdbdfc7a6432aff"
        );
    }

    /// Computed by `printf`, `xxd` and `sha256sum`, so that other languages can be held to the same bytes.
    #[test]
    fn the_challenge_is_the_documented_hash() {
        let nonce = Nonce([7; 32]);
        assert_eq!(
            hex::encode(payload_digest(Kind::Manifest, b"{}")),
            "7ff8a7019516d1f0204ce3b870e7fcb7c08c65ab955a79a0285b8ced0fdd8195"
        );
        assert_eq!(
            hex::encode(passkey_challenge(&nonce, Kind::Manifest, b"{}")),
            "609a1de3f415d91edf55b19d44d243b92b972f15069a9f18a4c000f947056876"
        );
    }
}
