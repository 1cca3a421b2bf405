//! The element's keys of keyrings, each for one thing, in a provider.

use std::sync::Arc;

use crate::event::KeyringsBegun;
use crate::state::{Certified, Keyrings};
use sceau_crypto::jose::PublicJwk;
use sceau_crypto::{Cek, FileId, RecipientKey, Secret, SecretBytes, VerifyingKey};
use sceau_element_api::Base64Url;
use sceau_element_api::keyring::{KeyringAlgorithm, KeyringsAbout};
use sceau_hsm::{
    Error, HolderAlgorithm, HolderKey, HolderPlace, HoldersKept, KeyKind, KeyLabel, KeyRef, Operations,
    Provider,
};
use sceau_keyring::{OpaqueServer, Signs, SignsError};
use sceau_pki::{
    Authority, AuthorityProfile, Certificate, CertificateKey, Hash, KeyFamily, Name, Oid, Signing,
};

const CHANNEL: &str = "keyring-channel";
const WORD: &str = "keyring-word";
const MASTER: &str = "keyring-master";
const SEAL: &str = "keyring-seal";
const AUTHORITY: &str = "keyring-authority";

/// What the secrets of PINs are sealed for.
const SETUP: &[u8] = b"opaque";
/// The embedded authority's days: ten years.
const AUTHORITY_DAYS: u32 = 3653;

/// Keyrings cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringsError {
    /// The provider cannot.
    #[error("the keys of keyrings cannot be used: {0}")]
    Provider(#[from] Error),
    /// The provider lacks what keyrings need.
    #[error(
        "the keystore cannot make keys of holders: keyrings are served with keys in files, or in a token (PKCS#11)"
    )]
    Unsupported,
    /// The officer's certificate is none.
    #[error("--keyrings-officer is no certificate of a key of P-256, RSA of 2048 bits or more, or Ed25519")]
    Officer,
    /// Nobody of this certificate was ever the officer here.
    #[error(
        "keyrings are served here under another security officer, whose certificate has SHA-256 {0}: name that one"
    )]
    OtherOfficer(sceau_trace::Hash),
    /// The keys are others than keyrings began with.
    #[error("the keystore has other keys than keyrings began with: bring that one back")]
    OtherKeys,
    /// The embedded authority cannot be made or taken up.
    #[error("the embedded authority of keyrings cannot be used: {0}")]
    Authority(#[from] sceau_pki::Error),
    /// The secrets of PINs do not open.
    #[error("the secrets that PINs are proven by cannot be read")]
    Setup,
}

/// The keys. They are made before the process confines itself.
pub struct KeyringKeys {
    provider: Arc<dyn Provider>,
    channel: (KeyRef, RecipientKey),
    word: Word,
    master: KeyRef,
    seal: KeyRef,
    authority: Authority<AuthorityKey>,
    opaque: OpaqueServer,
    begun: KeyringsBegun,
    new: bool,
    origin: String,
    /// The certificate that the start named.
    named: Certified,
    holders: HoldersKept,
}

/// That the officer's certificate ends: who administers the element is told in time.
fn warn_of_end(ends: u64, now: u64) {
    const YEAR: u64 = 365 * 24 * 3600 * 1000;
    if ends < now.saturating_add(YEAR) {
        tracing::warn!(
            "the security officer's certificate ends within a year: until then the officer names the next one (sceau keyring officer); after that nobody publishes policies of keyrings, or who may act, any more"
        );
    }
}

/// Nothing makes another embedded authority: keyrings are made as long as it can certify them for all of their policy's days.
fn warn_of_last_years(authority: &Certificate, now: u64) {
    const LONGEST: u64 = 4 * 365 * 24 * 3600 * 1000;
    if authority.not_after() < now.saturating_add(LONGEST) {
        tracing::warn!(
            "the embedded authority of keyrings ends within four years, and certifies nothing beyond: policies must ask for fewer days, or no keyring is made"
        );
    }
}

impl KeyringKeys {
    /// Finds the keys that keyrings began with, or makes them where they did not begin.
    ///
    /// # Errors
    /// [`KeyringsError`].
    pub fn open(
        provider: Arc<dyn Provider>,
        origin: &str,
        officer: &[u8],
        begun: Option<&KeyringsBegun>,
        now: u64,
    ) -> Result<Self, KeyringsError> {
        if provider.holding().is_none() {
            return Err(KeyringsError::Unsupported);
        }
        let named = Certified::of(officer).ok_or(KeyringsError::Officer)?;
        let find = |name, kind| -> Result<KeyRef, Error> {
            let label = KeyLabel::new(name)?;
            Ok(match begun {
                None => provider.find_or_generate(kind, &label, now)?,
                Some(_) => provider.find(&format!("{}:{label}", provider.scheme()).parse()?)?.key,
            })
        };
        let channel = find(CHANNEL, KeyKind::HpkeXWing)?;
        let (word, master) = (find(WORD, KeyKind::Ed25519)?, find(MASTER, KeyKind::PrfHmacSha256)?);
        let holders = provider.prepare_holder_keys(&master, now)?;
        let (seal, signer) = (find(SEAL, KeyKind::Aes256Gcm)?, find(AUTHORITY, KeyKind::Rs256)?);
        let channel = (channel.clone(), provider.recipient_key(&channel)?);
        let word = Word::of(Arc::clone(&provider), word)?;
        let signer = AuthorityKey::of(Arc::clone(&provider), signer)?;
        let (authority, opaque, (begun, new)) = match begun {
            None => {
                let authority = Authority::create_with(&profile(origin), signer, now)?;
                let opaque = OpaqueServer::draw();
                let begun = KeyringsBegun {
                    setup: provider.seal(&seal, SETUP, opaque.to_bytes().expose())?.into(),
                    officer: officer.into(),
                    authority: authority.certificate().der().as_ref().into(),
                    channel: channel.1.public().into(),
                    word: word.public.as_bytes().as_slice().into(),
                };
                (authority, opaque, (begun, true))
            }
            Some(begun) => {
                if *begun.channel != *channel.1.public() || *begun.word != *word.public.as_bytes() {
                    return Err(KeyringsError::OtherKeys);
                }
                let certificate = Certificate::from_der(&begun.authority, "the embedded authority")?;
                let authority = Authority::load(&certificate.to_pem(), signer)?;
                let opaque = provider.open(&seal, SETUP, &begun.setup)?;
                let opaque = OpaqueServer::from_bytes(opaque.expose()).map_err(|_| KeyringsError::Setup)?;
                (authority, opaque, (begun.clone(), false))
            }
        };
        warn_of_last_years(authority.certificate(), now);
        let origin = origin.to_owned();
        Ok(Self {
            provider,
            channel,
            word,
            master,
            seal,
            authority,
            opaque,
            begun,
            new,
            origin,
            named,
            holders,
        })
    }

    /// Holds the certificate that the start named to who is in office by the journal, whose word alone counts. One of an officer of before is no fault of the start's: a
    /// service does not stay down for an old file.
    ///
    /// # Errors
    /// [`KeyringsError::OtherOfficer`] where nobody of it ever was the officer here.
    pub(crate) fn hold_to(&self, keyrings: &Keyrings, now: u64) -> Result<(), KeyringsError> {
        let Some(officer) = keyrings.officer() else { return Ok(()) };
        warn_of_end(officer.ends(), now);
        if officer.certificate == self.named.certificate {
            return Ok(());
        }
        if !keyrings.was_officer(&self.named.certificate) {
            return Err(KeyringsError::OtherOfficer(officer.certificate));
        }
        tracing::warn!(
            "--keyrings-officer names a former security officer, whose word counts no more: in office is the one whose certificate has SHA-256 {}",
            officer.certificate
        );
        Ok(())
    }

    /// What is to be recorded of how keyrings begin; none where they began before.
    pub(crate) fn to_begin(&self) -> Option<KeyringsBegun> {
        self.new.then(|| self.begun.clone())
    }

    /// Whether a use of a key may be waited for.
    pub(super) fn waits(&self) -> bool {
        self.provider.waits()
    }

    /// Where keys of holders are made and sign.
    pub(crate) fn holders(&self) -> HoldersKept {
        self.holders
    }

    /// What anybody may know, with SHA-256 of the certificate of the officer in office and the log's key.
    pub(crate) fn about(&self, officer: sceau_trace::Hash, log: String) -> KeyringsAbout {
        KeyringsAbout {
            origin: self.origin.clone(),
            log,
            channel: self.begun.channel.clone(),
            word: self.word_jwk(),
            officer,
            authority: Some(self.begun.authority.clone()),
        }
    }

    /// The embedded authority's certificate, DER.
    pub(super) fn authority_certificate(&self) -> Base64Url {
        self.begun.authority.clone()
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn channel(&self) -> &RecipientKey {
        &self.channel.1
    }

    pub(super) fn word_jwk(&self) -> String {
        PublicJwk::of_signer(&self.word.public).to_json()
    }

    pub(super) fn word(&self) -> &dyn Signs {
        &self.word
    }

    pub(super) fn opaque(&self) -> &OpaqueServer {
        &self.opaque
    }

    pub(super) fn authority(&self) -> &Authority<impl CertificateKey + use<>> {
        &self.authority
    }

    /// Until when the embedded authority certifies.
    pub(super) fn certifies_until(&self) -> u64 {
        self.authority.certificate().not_after()
    }

    /// Opens the key of a context.
    pub(super) fn unwrap(&self, file: &FileId, wrapped: &[u8]) -> Result<Cek, Error> {
        let (scheme, operation) = (self.provider.scheme(), "unwrapping");
        let unwrapping = self.provider.unwrapping().ok_or(Error::Unsupported { scheme, operation })?;
        unwrapping.unwrap_cek(&self.channel.0, file, wrapped)
    }

    pub(super) fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        self.provider.seal(&self.seal, context, secret)
    }

    pub(super) fn open_sealed(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.provider.open(&self.seal, context, sealed)
    }

    pub(super) fn make_holder_key(
        &self,
        context: &[u8],
        secret: &Secret<32>,
        algorithm: KeyringAlgorithm,
    ) -> Result<HolderKey, Error> {
        let algorithm = match algorithm {
            KeyringAlgorithm::Es256 => HolderAlgorithm::EcdsaP256,
            KeyringAlgorithm::Rs256 => HolderAlgorithm::Rsa3072,
        };
        self.provider.make_holder_key(&self.master, &HolderPlace { context, secret }, algorithm)
    }

    pub(super) fn sign_with(
        &self,
        (context, secret): (&[u8], &Secret<32>),
        key: &HolderKey,
        digests: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.provider.sign_with_holder_key(&self.master, &HolderPlace { context, secret }, key, digests)
    }
}

impl std::fmt::Debug for KeyringKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyringKeys(redacted)")
    }
}

fn profile(origin: &str) -> AuthorityProfile {
    // At most 64 characters (RFC 5280 appendix A.1).
    let name: String = format!("Sceau keyrings of {origin}").chars().take(64).collect();
    let name = Name::default().with(Oid::COMMON_NAME, &name);
    AuthorityProfile { name, days: AUTHORITY_DAYS, ..AuthorityProfile::of("Sceau") }
}

/// The key that packages and proofs of transactions are signed by.
struct Word {
    provider: Arc<dyn Provider>,
    key: KeyRef,
    public: VerifyingKey,
    spki: Vec<u8>,
}

/// Before the 32 bytes of an Ed25519 key (RFC 8410 section 4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

impl Word {
    fn of(provider: Arc<dyn Provider>, key: KeyRef) -> Result<Self, Error> {
        let public = provider.verifying_key(&key)?;
        let spki = [ED25519.as_slice(), public.as_bytes()].concat();
        Ok(Self { provider, key, public, spki })
    }
}

impl Signs for Word {
    fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        let signed = Operations::sign(&*self.provider, &self.key, message);
        signed.map(|signature| signature.to_vec()).map_err(|error| SignsError::Key(error.to_string()))
    }
}

/// The key of the embedded authority.
struct AuthorityKey {
    provider: Arc<dyn Provider>,
    key: KeyRef,
    spki: Vec<u8>,
}

impl AuthorityKey {
    fn of(provider: Arc<dyn Provider>, key: KeyRef) -> Result<Self, Error> {
        let public = provider.rs256_key(&key)?.to_json();
        let member = |json: &serde_json::Value, name: &str| {
            json.get(name).and_then(serde_json::Value::as_str).and_then(|text| Base64Url::decode(text).ok())
        };
        let read = serde_json::from_str(&public).ok();
        let parts = read.and_then(|json: serde_json::Value| Some((member(&json, "n")?, member(&json, "e")?)));
        let (modulus, exponent) = parts.ok_or(sceau_crypto::KeyError::Malformed)?;
        let spki = sceau_pki::rsa_public_key_info(&modulus, &exponent);
        Ok(Self { provider, key, spki })
    }
}

impl CertificateKey for AuthorityKey {
    fn family(&self) -> KeyFamily {
        KeyFamily::Rsa
    }

    fn public_key_info(&self) -> Result<Vec<u8>, sceau_pki::Error> {
        Ok(self.spki.clone())
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, sceau_pki::Error> {
        if how != Signing::RsaPkcs1(Hash::Sha256) {
            return Err(sceau_pki::Error::Crypto);
        }
        let signed = self.provider.sign_rs256(&self.key, message);
        signed.map_err(|_| sceau_pki::Error::Crypto)
    }
}

impl std::fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthorityKey(redacted)")
    }
}
