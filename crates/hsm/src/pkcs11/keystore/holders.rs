//! Keys of holders: made in the token, kept outside, in the token again for a signature. As they are kept: `kind (1) ‖ blob`.
//!
//! The blob is sealed under a key that takes a master of the token **and** the holder's secret, as of a software keystore; in it is what the token wrapped, under a key that does
//! nothing else and never leaves. So the secret alone opens what only the token takes in, and the token alone opens nothing: whoever has both kept bytes and token signs nothing
//! without the holder. In clear a key is in the token alone.

use std::{slice, sync::Arc};

use sceau_crypto::{BlobError, Label, SealedBlob, Secret};
use sceau_pki::{DigestVerifier, KeyFamily, ecdsa_signature_der};

use super::{SCHEME, TokenKeystore, shelf::Held};
use crate::{
    error::Error,
    holder::{HolderAlgorithm, HolderKey, HolderKeys, HolderPlace, HoldersKept, kek, sign_in_memory},
    key::{KeyKind, KeyLabel, KeyRef, KeyUri, KeyVersion},
    operations::Operations,
    pkcs11::TokenKeeping,
    provider::Provider,
};

/// Which key a token wrapped by AES key wrap with padding; no blob of a software keystore begins so.
const P256: u8 = 0x80;
const RSA: u8 = 0x81;

impl HolderKeys for TokenKeystore {
    fn prepare_holder_keys(&self, master: &KeyRef, now: u64) -> Result<HoldersKept, Error> {
        let wrapping = wrapping_label(master)?;
        self.find_or_generate(KeyKind::Aes256Kwp, &wrapping, now)?;
        // Whoever has the token's PIN may have put one of known octets in the place of either: what is made from here on would be wrapped by it.
        self.is_as_it_was_made(&wrapping)?;
        self.is_as_it_was_made(master.label())?;
        // What a token says that it can, and what it does, are two things.
        let secret = Secret::random();
        let place = HolderPlace { context: &[0; 32], secret: &secret };
        let key = HolderKeys::make_holder_key(self, master, &place, HolderAlgorithm::EcdsaP256)?;
        HolderKeys::sign_with_holder_key(self, master, &place, &key, &[[0; 32]])?;
        Ok(HoldersKept::InToken)
    }

    fn make_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        algorithm: HolderAlgorithm,
    ) -> Result<HolderKey, Error> {
        let version = self.find(master.uri())?.version;
        let kek = kek(self, master, version, place)?;
        let made = self.shelf.make_passing(&self.wrapping(master)?, algorithm)?;
        let kind = match algorithm {
            HolderAlgorithm::EcdsaP256 => P256,
            HolderAlgorithm::Rsa3072 => RSA,
        };
        let blob = SealedBlob::seal(&kek, Label::KeyringKey, &context(place, kind), &made.wrapped);
        let wrapped = [slice::from_ref(&kind), blob.as_bytes()].concat();
        Ok(HolderKey { version, wrapped, spki: made.public })
    }

    fn sign_with_holder_key(
        &self,
        master: &KeyRef,
        place: &HolderPlace<'_>,
        key: &HolderKey,
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let kek = kek(self, master, key.version, place)?;
        let (kind, blob) = key.wrapped.split_first().ok_or(BlobError::Malformed)?;
        let algorithm = match *kind {
            P256 => HolderAlgorithm::EcdsaP256,
            RSA => HolderAlgorithm::Rsa3072,
            // It was made in memory, before the keys were moved here.
            _ => return sign_in_memory(&kek, place, key, digests),
        };
        let blob = SealedBlob::from_bytes(blob.to_vec())?;
        let wrapped = blob.open(&kek, Label::KeyringKey, &context(place, *kind))?;
        let wrapping = self.wrapping(master)?;
        let signed = self.shelf.sign_passing(&wrapping, (algorithm, wrapped.expose()), digests)?;
        let verifier = DigestVerifier::of(algorithm.family(), &key.spki)?;
        let of_the_key = |(raw, digest): (Vec<u8>, &[u8; 32])| {
            let signature = match algorithm.family() {
                KeyFamily::Rsa => Some(raw),
                curve => ecdsa_signature_der(curve, &raw),
            };
            // A fault while signing would tell the key.
            let signature = signature.filter(|signature| verifier.verifies(digest, signature));
            signature.ok_or_else(|| {
                self.unusable(&wrapping, "a signature is not of the holder's key that was made")
            })
        };
        signed.into_iter().zip(digests).map(of_the_key).collect()
    }
}

impl TokenKeystore {
    /// That the token still says of a key what was kept of it when it was made.
    fn is_as_it_was_made(&self, label: &KeyLabel) -> Result<(), Error> {
        let Some(entry) = self.read().get(label).map(Arc::clone) else { return Ok(()) };
        match self.keeping(label, &entry)? {
            TokenKeeping::Loose | TokenKeeping::Gone => {
                let key = Held { name: self.shelf.object(label.as_str(), KeyVersion::FIRST), check: None };
                let why = "it is not the key that was made there, or may leave the token: look who had its PIN, and restore the token from its backup";
                Err(self.unusable(&key, why))
            }
            _ => Ok(()),
        }
    }

    /// The token's key that wraps those of a master.
    fn wrapping(&self, master: &KeyRef) -> Result<Held<'static>, Error> {
        let label = wrapping_label(master)?;
        let key = self.find(&KeyUri::new(SCHEME, label.clone()))?.key;
        self.usable(&key, KeyKind::Aes256Kwp)?;
        Ok(Held { name: self.shelf.object(label.as_str(), KeyVersion::FIRST), check: None })
    }
}

fn wrapping_label(master: &KeyRef) -> Result<KeyLabel, Error> {
    KeyLabel::new(&format!("{}-wrap", master.label()))
}

/// A blob of another place or kind does not open.
fn context(place: &HolderPlace<'_>, kind: u8) -> Vec<u8> {
    [place.context, slice::from_ref(&kind)].concat()
}
