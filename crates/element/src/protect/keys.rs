//! The keys that protect data: for each tenant a master, which data's keys derive from, and the key of its present epoch, which seals their salts.

use std::sync::Arc;

use sceau_crypto::{Derivation, Label, Secret};
use sceau_element_api::documents::Datum;
use sceau_element_api::protect::{DatumId, Kept};
use sceau_hsm::{Error, KeyKind, KeyLabel, KeyRef, KeyVersion, Operations, Provider};

use crate::signer::SignerError;
use crate::state::Epochs;

const DAY: u64 = 24 * 3600 * 1000;

/// Masters and epochs of tenants in a provider. Tenants are numbered from 1, in the order in which the log knows them.
///
/// They are all made before the process confines itself, which makes and destroys no file afterwards: so an operator says how many there may be, and
/// epochs turn at a start.
pub struct DatumKeys {
    provider: Arc<dyn Provider>,
    tenants: Vec<Tenant>,
    terms: EpochTerms,
    /// Whether witnesses were asked which state is the element's.
    witnessed: bool,
    now: u64,
}

struct Tenant {
    master: KeyRef,
    epoch: u32,
    sealing: KeyRef,
    /// Since when (Unix milliseconds) salts are sealed under keys that were made in a token; none where they are not, or it is not known.
    in_token_since: Option<u64>,
}

/// How long keys of epochs stay, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochTerms {
    /// The key of an epoch stays for so long beside the next one's, so that a backup of the state is made meanwhile: one from before it opens nothing
    /// any more once the key is destroyed.
    pub overlap: u64,
    /// Within this time after an erasure the key of its epoch is to be destroyed.
    pub within: u64,
}

impl Default for EpochTerms {
    fn default() -> Self {
        Self { overlap: DAY, within: 30 * DAY }
    }
}

/// What becomes of the keys that could open copies of an erased datum's salt.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// How they were kept.
    pub kept: Kept,
    /// Within what time the last of them is to be destroyed (milliseconds); none where no day is stated.
    pub within: Option<u64>,
}

/// The key of an epoch that is left.
pub(crate) struct Left {
    epoch: u32,
    key: KeyRef,
}

/// The salt of a datum's key, and its sealed form.
pub(super) struct Salt {
    pub(super) bytes: Secret<32>,
    pub(super) sealed: Vec<u8>,
}

impl DatumKeys {
    /// Finds the keys of the tenants that are `in_use`, each by its present epoch, and makes those of the others, up to `tenants`.
    ///
    /// # Errors
    /// [`SignerError::Protection`] when a key that is in use is missing: what was protected under it could not be opened with another; what the
    /// provider says.
    pub fn open(
        provider: Arc<dyn Provider>,
        in_use: &[u32],
        tenants: u32,
        now: u64,
    ) -> Result<Self, SignerError> {
        Self::find(provider, in_use, tenants, now).map_err(SignerError::Protection)
    }

    fn find(provider: Arc<dyn Provider>, in_use: &[u32], tenants: u32, now: u64) -> Result<Self, Error> {
        let mut keys =
            Self { provider, tenants: Vec::new(), terms: EpochTerms::default(), witnessed: false, now };
        let most = tenants.max(u32::try_from(in_use.len()).unwrap_or(u32::MAX));
        let mut in_use = in_use.iter();
        for number in 1..=most {
            let tenant = match in_use.next() {
                Some(epoch) => {
                    let sealing = keys.found(&sealing_key(*epoch, number)?, KeyKind::Aes256Gcm)?;
                    // An entry may be there whose key is not, in a token.
                    keys.provider.seal(&sealing, b"try", &[])?;
                    let master = keys.found(&master_key(number)?, KeyKind::PrfHmacSha256)?;
                    Tenant { master, epoch: *epoch, sealing, in_token_since: None }
                }
                None => Tenant {
                    master: keys.provider.create_master(&master_key(number)?, now)?,
                    epoch: 1,
                    sealing: keys.made(&sealing_key(1, number)?)?,
                    in_token_since: None,
                },
            };
            let first = tenant.epoch == 1 && keys.is_of_token(&tenant.sealing)?;
            keys.tenants.push(Tenant { in_token_since: first.then_some(0), ..tenant });
        }
        Ok(keys)
    }

    /// With these terms.
    #[must_use]
    pub fn with_terms(self, terms: EpochTerms) -> Self {
        Self { terms, ..self }
    }

    /// Where the start was held to witnesses.
    #[must_use]
    pub(crate) fn witnessed(self) -> Self {
        Self { witnessed: true, ..self }
    }

    /// Whether the keys are elsewhere than the state, in a token: a copy of the state that is started uses, and could destroy, the same.
    pub(crate) fn are_shared(&self) -> bool {
        self.provider.backing_up().is_none()
    }

    /// Within what time after an erasure the key of its epoch is to be destroyed; none where nothing lets it go.
    pub(crate) fn within(&self) -> Option<u64> {
        (self.witnessed || !self.are_shared()).then_some(self.terms.within)
    }

    /// How long keys of epochs stay.
    #[must_use]
    pub fn terms(&self) -> EpochTerms {
        self.terms
    }

    /// How many tenants there may be.
    #[must_use]
    pub fn tenants(&self) -> u32 {
        u32::try_from(self.tenants.len()).unwrap_or(u32::MAX)
    }

    /// Takes in what the log says of a tenant's epochs.
    pub(crate) fn learn(&mut self, number: u32, epochs: &Epochs) {
        if let Some(tenant) = place(number).and_then(|at| self.tenants.get_mut(at)) {
            tenant.in_token_since = tenant.in_token_since.or(epochs.in_token_since());
        }
    }

    /// Whether the present epoch of a tenant is to end though nothing was erased: its key was moved into a token, and copies of it may be left in files.
    pub(crate) fn is_to_leave(&self, number: u32) -> Result<bool, Error> {
        Ok(self.are_shared() && !self.is_of_token(&self.tenant(number)?.sealing)?)
    }

    /// Whether a key was made in a token and never was elsewhere.
    fn is_of_token(&self, key: &KeyRef) -> Result<bool, Error> {
        Ok(self.are_shared() && !self.provider.may_have_copies(key)?)
    }

    /// What the record of an erasure is to state of a datum that was created then (Unix milliseconds).
    pub(super) fn ending(&self, tenant: u32, created: u64) -> Result<Ending, Error> {
        let since = self.tenant(tenant)?.in_token_since;
        let kept = if !self.are_shared() {
            Kept::Files
        } else if since.is_some_and(|since| since == 0 || since < created) {
            Kept::Token
        } else {
            Kept::Either
        };
        Ok(Ending { kept, within: self.within() })
    }

    /// Makes the key of a tenant's next epoch, tries it, and seals under it from now on. A key that a crash left there is taken up. On an error, the
    /// present one goes on. Returns how it is kept, and those before it were.
    pub(crate) fn enter(&mut self, number: u32, epoch: u32) -> Result<Kept, Error> {
        let sealing = self.made(&sealing_key(epoch, number)?)?;
        self.provider.seal(&sealing, b"try", &[])?;
        let of_token = self.is_of_token(&sealing)?;
        let tenant = place(number).and_then(|at| self.tenants.get_mut(at));
        let tenant = tenant.ok_or_else(|| unknown(number))?;
        (tenant.epoch, tenant.sealing) = (epoch, sealing);
        Ok(match (of_token, tenant.in_token_since) {
            (true, Some(0)) => Kept::Token,
            (true, _) => Kept::Either,
            (false, _) => Kept::Files,
        })
    }

    /// The key of an epoch that is left.
    pub(crate) fn left(&self, number: u32, epoch: u32) -> Result<Left, Error> {
        Ok(Left { epoch, key: self.found(&sealing_key(epoch, number)?, KeyKind::Aes256Gcm)? })
    }

    /// Seals a datum's salt under the present epoch's key.
    pub(crate) fn reseal(
        &self,
        number: u32,
        from: &Left,
        datum: &DatumId,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let salt = self.provider.open(&from.key, &context(from.epoch, datum), sealed)?;
        let tenant = self.tenant(number)?;
        self.provider.seal(&tenant.sealing, &context(tenant.epoch, datum), salt.expose())
    }

    /// Destroys the key of an epoch that is left, if it is there still.
    pub(crate) fn destroy(&self, number: u32, epoch: u32) -> Result<(), Error> {
        match self.left(number, epoch) {
            Err(Error::NotFound(_)) => Ok(()),
            found => self.provider.destroy(&found?.key),
        }
    }

    fn found(&self, label: &KeyLabel, kind: KeyKind) -> Result<KeyRef, Error> {
        let found = self.provider.find(&format!("{}:{label}", self.provider.scheme()).parse()?)?.key;
        if found.kind() == kind {
            Ok(found)
        } else {
            Err(Error::WrongKind { key: found.uri().clone(), found: found.kind() })
        }
    }

    fn made(&self, label: &KeyLabel) -> Result<KeyRef, Error> {
        self.provider.find_or_generate(KeyKind::Aes256Gcm, label, self.now)
    }

    fn tenant(&self, number: u32) -> Result<&Tenant, Error> {
        let tenant = place(number).and_then(|at| self.tenants.get(at));
        tenant.ok_or_else(|| unknown(number))
    }

    /// Draws the salt of a new datum's key.
    pub(super) fn new_salt(&self, tenant: u32, datum: &DatumId) -> Result<Salt, Error> {
        let bytes = Secret::random();
        let tenant = self.tenant(tenant)?;
        let sealed = self.provider.seal(&tenant.sealing, &context(tenant.epoch, datum), bytes.expose())?;
        Ok(Salt { bytes, sealed })
    }

    /// Opens the salt of a datum's key.
    pub(super) fn open_salt(&self, tenant: u32, datum: &DatumId, sealed: &[u8]) -> Result<Secret<32>, Error> {
        let tenant = self.tenant(tenant)?;
        let opened = self.provider.open(&tenant.sealing, &context(tenant.epoch, datum), sealed)?;
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

/// Where a tenant is: they are numbered from 1.
fn place(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

fn unknown(number: u32) -> Error {
    Error::BadLabel(format!("protect-master-{number}"))
}

fn master_key(number: u32) -> Result<KeyLabel, Error> {
    KeyLabel::new(&format!("protect-master-{number}"))
}

fn sealing_key(epoch: u32, number: u32) -> Result<KeyLabel, Error> {
    KeyLabel::new(&format!("protect-epoch-{epoch}-{number}"))
}

/// Which secret it is: the salt of this datum in this epoch.
fn context(epoch: u32, datum: &DatumId) -> Vec<u8> {
    [b"salt".as_slice(), &epoch.to_be_bytes(), datum.as_bytes()].concat()
}
