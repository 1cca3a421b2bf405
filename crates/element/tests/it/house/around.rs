//! A keystore around another, which hands on all that a test does not do otherwise.

use std::sync::Arc;

use sceau_hsm::{
    Authenticate, BackUp, DangerUnwrapSha1, Error, KeyEntry, KeyKind, KeyLabel, KeyRef, KeyState, KeyUri,
    Prf, Provider, PublicKey, Rotate, Seal, Sign, SignRs256, UnwrapCek,
};

/// What a test does otherwise.
pub(crate) trait Around: Send + Sync + 'static {
    fn inner(&self) -> &dyn Provider;

    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        self.inner().generate(kind, label, now)
    }

    fn destroy(&self, key: &KeyRef) -> Result<(), Error> {
        self.inner().destroy(key)
    }

    fn signing_rs256(&self) -> Option<&dyn SignRs256> {
        self.inner().signing_rs256()
    }

    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
        self.inner().unwrapping()
    }

    fn sealing(&self) -> Option<&dyn Seal> {
        self.inner().sealing()
    }
}

struct Outer<T>(T);

/// The keystore that a test made so.
pub(crate) fn around(outer: impl Around) -> Arc<dyn Provider> {
    Arc::new(Outer(outer))
}

impl<T: Around> Provider for Outer<T> {
    fn scheme(&self) -> &'static str {
        self.0.inner().scheme()
    }

    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        self.0.generate(kind, label, now)
    }

    fn find(&self, uri: &KeyUri) -> Result<KeyEntry, Error> {
        self.0.inner().find(uri)
    }

    fn list(&self) -> Result<Vec<KeyEntry>, Error> {
        self.0.inner().list()
    }

    fn public(&self, key: &KeyRef) -> Result<PublicKey, Error> {
        self.0.inner().public(key)
    }

    fn set_state(&self, key: &KeyRef, state: KeyState) -> Result<(), Error> {
        self.0.inner().set_state(key, state)
    }

    fn destroy(&self, key: &KeyRef) -> Result<(), Error> {
        self.0.destroy(key)
    }

    fn may_have_copies(&self, key: &KeyRef) -> Result<bool, Error> {
        self.0.inner().may_have_copies(key)
    }

    fn signing(&self) -> Option<&dyn Sign> {
        self.0.inner().signing()
    }

    fn signing_rs256(&self) -> Option<&dyn SignRs256> {
        self.0.signing_rs256()
    }

    fn unwrapping(&self) -> Option<&dyn UnwrapCek> {
        self.0.unwrapping()
    }

    fn danger_unwrapping(&self) -> Option<&dyn DangerUnwrapSha1> {
        self.0.inner().danger_unwrapping()
    }

    fn authenticating(&self) -> Option<&dyn Authenticate> {
        self.0.inner().authenticating()
    }

    fn sealing(&self) -> Option<&dyn Seal> {
        self.0.sealing()
    }

    fn deriving(&self) -> Option<&dyn Prf> {
        self.0.inner().deriving()
    }

    fn backing_up(&self) -> Option<&dyn BackUp> {
        self.0.inner().backing_up()
    }

    fn rotating(&self) -> Option<&dyn Rotate> {
        self.0.inner().rotating()
    }
}
