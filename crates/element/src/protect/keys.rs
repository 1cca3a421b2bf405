//! The keys that protect data: for each tenant a master, which data's keys derive from, and an epoch's key, which seals their salts.

use std::sync::Arc;

use sceau_crypto::{Derivation, Label, Secret};
use sceau_element_api::documents::Datum;
use sceau_element_api::protect::DatumId;
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, KeyVersion, Operations, Provider};

use crate::signer::SignerError;

/// The one epoch so far.
const EPOCH: u32 = 1;

/// Masters and epochs of tenants in a provider. Tenants are numbered from 1, in the order in which the log knows them.
///
/// They are all made before the process confines itself, which makes no file afterwards: so an operator says how many there may be.
pub struct DatumKeys {
    provider: Arc<dyn Provider>,
    tenants: Vec<Tenant>,
}

struct Tenant {
    master: KeyRef,
    epoch: KeyRef,
}

/// The salt of a datum's key, and its sealed form.
pub(super) struct Salt {
    pub(super) bytes: Secret<32>,
    pub(super) sealed: Vec<u8>,
}

impl DatumKeys {
    /// Finds the keys of the tenants that are `in_use`, and makes those of the others, up to `tenants`.
    ///
    /// # Errors
    /// [`SignerError::Protection`] when a key that is in use is missing: what was protected under it could not be opened with another; what the
    /// provider says.
    pub fn open(
        provider: Arc<dyn Provider>,
        in_use: u32,
        tenants: u32,
        now: u64,
    ) -> Result<Self, SignerError> {
        Self::find(provider, in_use, tenants, now).map_err(SignerError::Protection)
    }

    fn find(provider: Arc<dyn Provider>, in_use: u32, tenants: u32, now: u64) -> Result<Self, Error> {
        let find = |name: &str, kind, number: u32| -> Result<KeyRef, Error> {
            let label = KeyLabel::new(&format!("protect-{name}-{number}"))?;
            if number > in_use {
                return provider.find_or_generate(kind, &label, now);
            }
            let found = provider.find(&format!("{}:{label}", provider.scheme()).parse()?)?.key;
            if found.kind() == kind {
                Ok(found)
            } else {
                Err(Error::WrongKind { key: found.uri().clone(), found: found.kind() })
            }
        };
        let mut kept = Vec::new();
        for number in 1..=tenants.max(in_use) {
            let master = find("master", KeyKind::PrfHmacSha256, number)?;
            kept.push(Tenant { master, epoch: find(&format!("epoch-{EPOCH}"), KeyKind::Aes256Gcm, number)? });
        }
        Ok(Self { provider, tenants: kept })
    }

    /// How many tenants there may be.
    #[must_use]
    pub fn tenants(&self) -> u32 {
        u32::try_from(self.tenants.len()).unwrap_or(u32::MAX)
    }

    fn tenant(&self, number: u32) -> Result<&Tenant, Error> {
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let tenant = at.and_then(|at| self.tenants.get(at));
        tenant.ok_or_else(|| Error::BadLabel(format!("protect-master-{number}")))
    }

    /// Draws the salt of a new datum's key.
    pub(super) fn new_salt(&self, tenant: u32, datum: &DatumId) -> Result<Salt, Error> {
        let bytes = Secret::random();
        let epoch = &self.tenant(tenant)?.epoch;
        let sealed = self.provider.seal(epoch, &context(datum), bytes.expose())?;
        Ok(Salt { bytes, sealed })
    }

    /// Opens the salt of a datum's key.
    pub(super) fn open_salt(&self, tenant: u32, datum: &DatumId, sealed: &[u8]) -> Result<Secret<32>, Error> {
        let epoch = &self.tenant(tenant)?.epoch;
        let opened = self.provider.open(epoch, &context(datum), sealed)?;
        Secret::from_slice(opened.expose()).map_err(|_| Error::Blob(sceau_crypto::BlobError::Malformed))
    }

    /// The key of a datum: SP 800-108 in counter mode, from owner, key id and salt.
    pub(super) fn derive(&self, tenant: u32, datum: &Datum, salt: &Secret<32>) -> Result<Secret<32>, Error> {
        let fields: [&[u8]; 3] = [datum.owner.as_str().as_bytes(), datum.id.as_bytes(), salt.expose()];
        let derivation = Derivation::<32>::new(Label::DatumKey, &fields);
        self.provider.derive(&self.tenant(tenant)?.master, KeyVersion::FIRST, &derivation)
    }
}

impl std::fmt::Debug for DatumKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatumKeys({} tenants)", self.tenants.len())
    }
}

/// Which secret it is: the salt of this datum in this epoch.
fn context(datum: &DatumId) -> Vec<u8> {
    [b"salt".as_slice(), &EPOCH.to_be_bytes(), datum.as_bytes()].concat()
}
