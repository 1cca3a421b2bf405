//! The keystore as every provider is used.

use sceau_crypto::{RecipientKey, RecipientSuite, VerifyingKey, jose::PublicJwk};

use super::{
    SCHEME, SEALING, TokenKeeping, TokenKeystore,
    entry::{self, Entry, Version},
    is_ours, oaep_sha1,
};
use crate::{
    durable,
    error::Error,
    holder::HolderKeys,
    key::{KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri, KeyVersion, PublicKey},
    provider::{
        Authenticate, DangerUnwrapSha1, JudgeKeys, Prf, Provider, Rotate, Seal, Sign, SignRs256, UnwrapCek,
    },
};

impl Provider for TokenKeystore {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        let key = KeyRef::new(KeyUri::new(SCHEME, label.clone()), kind);
        if label.as_str() == SEALING {
            return Err(Error::BadLabel(label.to_string()));
        }
        let _changing = self.change();
        if self.read().contains_key(label) {
            return Err(Error::Exists(key.uri().clone()));
        }
        self.make(kind, label, now)?;
        Ok(key)
    }

    fn find(&self, uri: &KeyUri) -> Result<KeyEntry, Error> {
        let keys = self.read();
        let found = keys.get(uri.label()).filter(|entry| is_ours(uri, entry));
        found.map(|entry| entry.shown(uri.label())).ok_or_else(|| Error::NotFound(uri.clone()))
    }

    fn list(&self) -> Result<Vec<KeyEntry>, Error> {
        Ok(self.read().iter().map(|(label, entry)| entry.shown(label)).collect())
    }

    fn public(&self, key: &KeyRef) -> Result<PublicKey, Error> {
        let entry = self.kept_entry(key)?;
        let recipient = |suite, bytes: &[u8]| Ok(PublicKey::Recipient(RecipientKey::parse(suite, bytes)?));
        match (entry.kind, entry.public.as_deref()) {
            (KeyKind::Ed25519, Some(bytes)) => Ok(PublicKey::Ed25519(VerifyingKey::from_bytes(bytes)?)),
            (KeyKind::RsaOaep256, Some(bytes)) => recipient(RecipientSuite::RsaOaep256, bytes),
            (KeyKind::HpkeXWing, Some(bytes)) => recipient(RecipientSuite::HpkeXWing, bytes),
            (KeyKind::Rs256, Some(bytes)) => {
                let public = PublicJwk::of_rs256(bytes).map_err(|_| sceau_crypto::KeyError::Malformed)?;
                Ok(PublicKey::Rs256(public))
            }
            (KeyKind::DangerRsaOaepSha1, Some(bytes)) => {
                Ok(PublicKey::DangerRsaOaepSha1(oaep_sha1::public(bytes)?.jwk().clone()))
            }
            (KeyKind::HmacSha256 | KeyKind::Aes256Gcm | KeyKind::PrfHmacSha256 | KeyKind::Aes256Kwp, _) => {
                Ok(PublicKey::None)
            }
            (_, None) => Err(Error::Damaged(entry::path(&self.folder, key.label()))),
        }
    }

    fn set_state(&self, key: &KeyRef, state: KeyState) -> Result<(), Error> {
        let _changing = self.change();
        let entry = self.kept_entry(key)?;
        let (_, secrets) = self.unseal(key.label(), entry.sealed.clone())?;
        self.put(key.label(), Entry { state, ..Entry::clone(&entry) }, &secrets).map(drop)
    }

    fn destroy(&self, key: &KeyRef) -> Result<(), Error> {
        let _changing = self.change();
        let entry = self.kept_entry(key)?;
        for (at, version) in entry.versions.iter().enumerate() {
            if matches!(version, Version::Token { .. }) {
                self.shelf.destroy(&self.shelf.object(key.label().as_str(), KeyVersion::last_of(at + 1)))?;
            }
        }
        durable::destroy(&entry::path(&self.folder, key.label()))?;
        self.write().remove(key.label());
        Ok(())
    }

    fn may_have_copies(&self, key: &KeyRef) -> Result<bool, Error> {
        let entry = self.kept_entry(key)?;
        Ok(entry.moved || self.keeping(key.label(), &entry)? != TokenKeeping::InToken)
    }

    fn signing(&self) -> Option<&dyn Sign> {
        Some(self)
    }

    fn signing_rs256(&self) -> Option<&dyn SignRs256> {
        Some(self)
    }

    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
        Some(self)
    }

    fn danger_unwrapping(&self) -> Option<&dyn DangerUnwrapSha1> {
        Some(self)
    }

    fn authenticating(&self) -> Option<&dyn Authenticate> {
        Some(self)
    }

    fn sealing(&self) -> Option<&dyn Seal> {
        Some(self)
    }

    fn deriving(&self) -> Option<&dyn Prf> {
        Some(self)
    }

    fn holding(&self) -> Option<&dyn HolderKeys> {
        Some(self)
    }

    fn rotating(&self) -> Option<&dyn Rotate> {
        Some(self)
    }

    fn judging(&self) -> Option<&dyn JudgeKeys> {
        Some(self)
    }
}
