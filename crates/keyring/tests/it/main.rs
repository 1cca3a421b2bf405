//! The protocol from both ends: one module per behaviour, named after it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]

mod a_consent_is_of_one_thing;
mod a_message_is_of_its_place;
mod a_pin_opens_a_box;
mod a_request_is_judged_alike_at_each_door;
mod terminals_have_vectors;
mod what_is_kept_stays_readable;
mod whatever_comes_breaks_nothing;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use sceau_keyring::{Signs, SignsError};

/// A key of P-256.
struct Key {
    pair: EcdsaKeyPair,
    spki: Vec<u8>,
}

impl Key {
    fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let spki = spki.as_ref().to_vec();
        Self { pair, spki }
    }
}

impl Signs for Key {
    fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        Ok(self.pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }
}
