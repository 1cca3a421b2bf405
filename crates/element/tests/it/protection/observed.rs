//! A keystore that tells of each use of a key, and lets it be refused.

use std::path::Path;
use std::sync::Arc;

use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, Provider, Seal};

use crate::house::{Around, Keystore, around, in_files};

/// What is told of each use of a key before it is made (`destroy protect-epoch-1-1`), and may refuse it.
type Told = Arc<dyn Fn(&str) -> Result<(), Error> + Send + Sync>;

/// A keystore that tells of each use of a key.
struct Observed {
    inner: Arc<dyn Provider>,
    told: Told,
}

pub(super) fn observed(told: Told) -> Keystore {
    Arc::new(move |folder: &Path| {
        let inner = in_files(folder)?;
        Ok(around(Observed { inner, told: Arc::clone(&told) }))
    })
}

impl Around for Observed {
    fn inner(&self) -> &dyn Provider {
        &*self.inner
    }

    fn generate(&self, kind: KeyKind, label: &KeyLabel, now: u64) -> Result<KeyRef, Error> {
        (self.told)(&format!("generate {label}"))?;
        self.inner.generate(kind, label, now)
    }

    fn destroy(&self, key: &KeyRef) -> Result<(), Error> {
        (self.told)(&format!("destroy {}", key.label()))?;
        self.inner.destroy(key)?;
        (self.told)(&format!("destroyed {}", key.label()))
    }

    fn sealing(&self) -> Option<&dyn Seal> {
        Some(self)
    }
}

impl Seal for Observed {
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        (self.told)(&format!("seal {}", key.label()))?;
        self.inner.sealing().unwrap().seal(key, context, secret)
    }

    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<sceau_crypto::SecretBytes, Error> {
        self.inner.sealing().unwrap().open(key, context, sealed)
    }
}
