//! The keys that protect data: for each tenant a master, which data's keys derive from, and the key of its present epoch, which seals their salts.

use std::sync::Arc;

use sceau_crypto::jose::PublicJwk;
use sceau_crypto::{Derivation, Label, Secret};
use sceau_element_api::documents::Datum;
use sceau_element_api::protect::{DatumId, Kept};
use sceau_hsm::{Error, KeyEntry, KeyKind, KeyLabel, KeyRef, KeyVersion, Operations, Provider, Together};
use zeroize::Zeroizing;

use super::tokens::CallKey;
use super::{ContentKeys, Ending, EpochTerms, TokenKeys, TraceLineKey};
use crate::sealing::try_seal;
use crate::signer::{KeysInUse, SignerError};
use crate::state::Epochs;

/// Masters and epochs of tenants in a provider. Tenants are numbered from 1, in the order in which the log knows them.
///
/// They are all made before the process confines itself, which makes and destroys no file afterwards: so an operator says how many there may be, and
/// epochs turn at a start.
pub struct DatumKeys {
    provider: Arc<dyn Provider>,
    tokens: Arc<TokenKeys>,
    lines: TraceLineKey,
    contents: ContentKeys,
    tenants: Vec<Tenant>,
    terms: EpochTerms,
    /// Whether witnesses were asked which state is the element's.
    witnessed: bool,
    now: u64,
}

struct Tenant {
    master: KeyRef,
    /// The master's present version, which new data are derived under.
    version: KeyVersion,
    epoch: u32,
    sealing: KeyRef,
    /// Since when (Unix milliseconds) salts are sealed under keys that were made in a token; none where they are not, or it is not known.
    in_token_since: Option<u64>,
}

/// The key of an epoch that is left.
pub(crate) struct Left {
    epoch: u32,
    key: KeyRef,
}

/// What a datum's key is derived from beside its name, which is sealed together: the salt, then the number of the master's version in four octets.
/// A salt that is alone is of the first.
pub(super) struct Salt {
    bytes: Secret<32>,
    version: KeyVersion,
}

impl DatumKeys {
    /// Finds the keys that are `in_use`, those of tenants each by its present epoch, and makes those of others, up to `tenants`.
    ///
    /// # Errors
    /// [`SignerError::Protection`] when a key that is in use is missing: what was protected under it could not be opened with another; what the
    /// provider says.
    pub fn open(
        provider: Arc<dyn Provider>,
        in_use: &KeysInUse,
        tenants: u32,
        now: u64,
    ) -> Result<Self, SignerError> {
        let contents = ContentKeys::open(Arc::clone(&provider), in_use.contents.as_deref(), now)?;
        Self::find(provider, contents, &in_use.epochs, tenants, now).map_err(SignerError::Protection)
    }

    fn find(
        provider: Arc<dyn Provider>,
        contents: ContentKeys,
        in_use: &[u32],
        tenants: u32,
        now: u64,
    ) -> Result<Self, Error> {
        let tokens = Arc::new(TokenKeys::open(Arc::clone(&provider), now)?);
        let lines = TraceLineKey::open(Arc::clone(&provider), now)?;
        let (terms, witnessed) = (EpochTerms::default(), false);
        let mut keys = Self { provider, tokens, lines, contents, tenants: Vec::new(), terms, witnessed, now };
        let most = tenants.max(u32::try_from(in_use.len()).unwrap_or(u32::MAX));
        let mut in_use = in_use.iter();
        for number in 1..=most {
            let tenant = match in_use.next() {
                Some(epoch) => {
                    let sealing = keys.found(&sealing_key(*epoch, number)?, KeyKind::Aes256Gcm)?;
                    try_seal(&*keys.provider, &sealing)?;
                    keys.tenant_of(number, *epoch, sealing)?
                }
                None => {
                    keys.provider.create_master(&master_key(number)?, now)?;
                    let sealing = keys.made(&sealing_key(1, number)?)?;
                    keys.tenant_of(number, 1, sealing)?
                }
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

    /// Where calls may come encrypted by RSA-OAEP with SHA-1 too: under a key of its own, found or made.
    ///
    /// # Errors
    /// What the provider says.
    pub fn with_rsa_oaep(self) -> Result<Self, SignerError> {
        let tokens = TokenKeys::open(Arc::clone(&self.provider), self.now);
        let tokens = tokens.and_then(|keys| keys.with_sha1(self.now)).map_err(SignerError::Protection)?;
        Ok(Self { tokens: Arc::new(tokens), ..self })
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

    /// The keys of calls and answers that are tokens.
    #[must_use]
    pub fn tokens(&self) -> &Arc<TokenKeys> {
        &self.tokens
    }

    /// The key that authenticates lines of the trace.
    #[must_use]
    pub fn lines(&self) -> &TraceLineKey {
        &self.lines
    }

    /// The key that signs contents.
    #[must_use]
    pub fn contents(&self) -> &ContentKeys {
        &self.contents
    }

    /// The public keys of calls, answers and contents (RFC 7517 section 5), JSON.
    #[must_use]
    pub fn jwks(&self) -> String {
        let calls = self.tokens.opening().iter().map(CallKey::public);
        let keys = [self.tokens.verifies()].into_iter().chain(calls).chain([self.contents.public()]);
        let keys: Vec<_> = keys.map(PublicJwk::to_json).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
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
        try_seal(&*self.provider, &sealing)?;
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

    /// The keys of epochs that are there, by epoch and number of the tenant.
    pub(crate) fn epochs_there(&self) -> Result<Vec<(u32, u32)>, Error> {
        let of = |entry: &KeyEntry| {
            let (epoch, number) =
                entry.key.label().as_str().strip_prefix("protect-epoch-")?.split_once('-')?;
            Some((epoch.parse().ok()?, number.parse().ok()?))
        };
        Ok(self.provider.list()?.iter().filter_map(of).collect())
    }

    /// A tenant whose master is there.
    fn tenant_of(&self, number: u32, epoch: u32, sealing: KeyRef) -> Result<Tenant, Error> {
        let KeyEntry { key: master, version, .. } =
            self.entry(&master_key(number)?, KeyKind::PrfHmacSha256)?;
        Ok(Tenant { master, version, epoch, sealing, in_token_since: None })
    }

    fn found(&self, label: &KeyLabel, kind: KeyKind) -> Result<KeyRef, Error> {
        self.entry(label, kind).map(|entry| entry.key)
    }

    fn entry(&self, label: &KeyLabel, kind: KeyKind) -> Result<KeyEntry, Error> {
        let found = self.provider.find(&format!("{}:{label}", self.provider.scheme()).parse()?)?;
        if found.key.kind() == kind {
            Ok(found)
        } else {
            Err(Error::WrongKind { key: found.key.uri().clone(), found: found.key.kind() })
        }
    }

    fn made(&self, label: &KeyLabel) -> Result<KeyRef, Error> {
        self.provider.find_or_generate(KeyKind::Aes256Gcm, label, self.now)
    }

    fn tenant(&self, number: u32) -> Result<&Tenant, Error> {
        let tenant = place(number).and_then(|at| self.tenants.get(at));
        tenant.ok_or_else(|| unknown(number))
    }

    /// Draws the salt of a new datum's key, and gives its sealed form beside it, sealed with others that are drawn `together`.
    pub(super) fn new_salt(
        &self,
        tenant: u32,
        datum: &DatumId,
        together: &Together,
    ) -> Result<(Salt, Vec<u8>), Error> {
        let tenant = self.tenant(tenant)?;
        let salt = Salt { bytes: Secret::random(), version: tenant.version };
        let mut text = Zeroizing::new([0; 36]);
        let (bytes, number) = text.split_at_mut(32);
        bytes.copy_from_slice(salt.bytes.expose());
        number.copy_from_slice(&salt.version.number().to_be_bytes());
        let (key, context) = (&tenant.sealing, context(tenant.epoch, datum));
        let sealed = self.provider.seal_together(key, &context, text.as_slice(), together)?;
        Ok((salt, sealed))
    }

    /// Opens the salt of a datum's key.
    pub(super) fn open_salt(
        &self,
        tenant: u32,
        datum: &DatumId,
        sealed: &[u8],
        together: &Together,
    ) -> Result<Salt, Error> {
        let tenant = self.tenant(tenant)?;
        let (key, context) = (&tenant.sealing, context(tenant.epoch, datum));
        let opened = self.provider.open_together(key, &context, sealed, together)?;
        Salt::of(opened.expose()).ok_or(Error::Blob(sceau_crypto::BlobError::Malformed))
    }

    /// The key of a datum: SP 800-108 in counter mode, from owner, key id and salt, under the version of the master that the salt is of.
    pub(super) fn derive(&self, tenant: u32, datum: &Datum, salt: &Salt) -> Result<Secret<32>, Error> {
        let fields: [&[u8]; 3] = [datum.owner.as_str().as_bytes(), datum.id.as_bytes(), salt.bytes.expose()];
        let derivation = Derivation::<32>::new(Label::DatumKey, &fields);
        self.provider.derive(&self.tenant(tenant)?.master, salt.version, &derivation)
    }
}

impl Salt {
    /// As it was sealed.
    fn of(opened: &[u8]) -> Option<Self> {
        let (bytes, number) = opened.split_at_checked(32)?;
        let version = match number {
            [] => KeyVersion::FIRST,
            number => KeyVersion::new(u32::from_be_bytes(number.try_into().ok()?))?,
        };
        Some(Self { bytes: Secret::from_slice(bytes).ok()?, version })
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

pub(crate) fn sealing_key(epoch: u32, number: u32) -> Result<KeyLabel, Error> {
    KeyLabel::new(&format!("protect-epoch-{epoch}-{number}"))
}

/// Which secret it is: the salt of this datum in this epoch.
fn context(epoch: u32, datum: &DatumId) -> Vec<u8> {
    [b"salt".as_slice(), &epoch.to_be_bytes(), datum.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_that_is_alone_is_of_the_first_version_and_no_other_length_is_one() {
        let version = |rest: &[u8]| Salt::of(&[&[7; 32], rest].concat()).map(|salt| salt.version.number());
        assert_eq!(
            (version(&[]), version(&[0, 0, 0, 1]), version(&[0, 0, 1, 2])),
            (Some(1), Some(1), Some(258))
        );
        for rest in [&[0, 0, 0, 0][..], &[1], &[0, 0, 1], &[0, 0, 0, 1, 0]] {
            assert_eq!(version(rest), None, "{rest:?}");
        }
        assert!(Salt::of(&[7; 31]).is_none());
    }
}
