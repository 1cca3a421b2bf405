//! The embedded certification authority.

mod challenge;
mod given;
mod shaped;

use aws_lc_rs::rand;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::{
    certificate::Certificate,
    der,
    error::Error,
    extension::{self, Host},
    held::{self, CertificateKey, KeyFamily},
    issued::Issued,
    key::{KeyAlgorithm, PrivateKey},
    name::Name,
    oid::Oid,
    role::CertificateRole,
};

pub use challenge::{ACME_TLS, challenge_config, refusing_config};
pub use given::GivenExtension;
pub use shaped::{LeafPurpose, Publication, RevocationReason, Revoked};

/// The longest a server certificate lasts, which browsers impose (398 days), less one for the clocks.
pub const SERVER_DAYS_MAX: u32 = 397;
/// The longest a client certificate lasts.
pub const CLIENT_DAYS_MAX: u32 = 3 * 366;
/// The longest an authority lasts.
pub const AUTHORITY_DAYS_MAX: u32 = 20 * 366;

/// Certificates start a little early, for clocks that run behind.
const BACKDATED: Duration = Duration::minutes(5);

/// What an authority to be created is like.
#[derive(Clone, Debug)]
pub struct AuthorityProfile {
    /// Its subject, and the issuer of what it issues.
    pub name: Name,
    /// The kind of its key.
    pub algorithm: KeyAlgorithm,
    /// Validity in days, 1 to [`AUTHORITY_DAYS_MAX`].
    pub days: u32,
    /// How many authorities may stand between it and a leaf.
    pub path_length: u8,
    /// The hosts, and what is below them, that its server certificates may speak for (RFC 5280 §4.2.1.10).
    /// Empty: any.
    pub permitted_hosts: Vec<String>,
}

impl AuthorityProfile {
    /// An authority of this organisation: ECDSA P-256, ten years, no authority below it, any host.
    pub fn of(organisation: &str) -> Self {
        Self {
            name: Name::default()
                .with(Oid::ORGANIZATION, &bounded(organisation))
                .with(Oid::ORGANIZATIONAL_UNIT, "Sceau")
                .with(Oid::COMMON_NAME, &bounded(&format!("Sceau CA {organisation}"))),
            algorithm: KeyAlgorithm::default(),
            days: 3653,
            path_length: 0,
            permitted_hosts: Vec::new(),
        }
    }
}

/// What a server certificate to be issued is like.
#[derive(Clone, Debug)]
pub struct ServerProfile {
    /// DNS names and IP addresses, at least one; the first is also the common name.
    pub hosts: Vec<String>,
    /// Validity in days, 1 to [`SERVER_DAYS_MAX`].
    pub days: u32,
    /// The kind of its key.
    pub algorithm: KeyAlgorithm,
}

impl ServerProfile {
    /// A certificate for these hosts, as long as browsers accept.
    pub fn for_hosts(hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let hosts = hosts.into_iter().map(Into::into).collect();
        Self { hosts, days: SERVER_DAYS_MAX, algorithm: KeyAlgorithm::default() }
    }
}

/// What a client certificate to be issued is like.
#[derive(Clone, Debug)]
pub struct ClientProfile {
    /// Who holds it, for people to read: `CN`, 1 to 64 characters.
    pub common_name: String,
    /// Of which organisation: `O`, 1 to 64 characters, or none.
    pub organisation: Option<String>,
    /// What it lets its holder do: `OU`.
    pub role: CertificateRole,
    /// Validity in days, 1 to [`CLIENT_DAYS_MAX`].
    pub days: u32,
    /// The kind of its key.
    pub algorithm: KeyAlgorithm,
}

impl ClientProfile {
    /// A certificate for one year.
    pub fn new(common_name: &str, role: CertificateRole) -> Self {
        Self {
            common_name: common_name.to_owned(),
            organisation: None,
            role,
            days: 365,
            algorithm: KeyAlgorithm::default(),
        }
    }
}

/// A certification authority, whose key is in this process, or wherever a [`CertificateKey`] is.
#[derive(Debug)]
pub struct Authority<K = PrivateKey> {
    certificate: Certificate,
    key: K,
    key_identifier: Vec<u8>,
    permitted: Vec<Host>,
}

impl Authority {
    /// Makes a new, self-signed authority with a new key, valid from `now` (unix milliseconds).
    ///
    /// # Errors
    /// [`Error::BadValidity`], [`Error::BadHost`], [`Error::Crypto`].
    pub fn create(profile: &AuthorityProfile, now: u64) -> Result<Self, Error> {
        Self::create_with(profile, PrivateKey::generate(profile.algorithm)?, now)
    }

    /// Its private key, PKCS#8 DER, to be sealed in a keystore and given back through [`PrivateKey::from_pkcs8`].
    pub fn key_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.key.to_pkcs8()
    }

    /// Its private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl<K: CertificateKey> Authority<K> {
    /// Makes a new, self-signed authority with this key, of whatever kind, valid from `now` (unix milliseconds).
    ///
    /// # Errors
    /// [`Error::BadValidity`], [`Error::BadHost`], [`Error::Crypto`], [`Error::Elsewhere`].
    pub fn create_with(profile: &AuthorityProfile, key: K, now: u64) -> Result<Self, Error> {
        let (from, until) = validity(now, profile.days, AUTHORITY_DAYS_MAX)?;
        let public_key_info = key.public_key_info()?;
        let key_identifier = extension::key_identifier(&public_key_info);
        let permitted = hosts(&profile.permitted_hosts)?;
        let mut extensions = vec![
            extension::authority(profile.path_length),
            extension::key_usage(extension::CERT_AND_CRL_SIGN),
            extension::subject_key_identifier(&key_identifier),
            extension::authority_key_identifier(&key_identifier),
        ];
        if !permitted.is_empty() {
            extensions.push(extension::name_constraints(&permitted));
        }
        let tbs =
            Tbs { issuer: &profile.name, subject: &profile.name, from, until, public_key_info, extensions };
        let certificate = tbs.sign(&key)?;
        Ok(Self { certificate, key, key_identifier, permitted })
    }

    /// Takes up an authority from its certificate (PEM; the first one in it) and its key.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], [`Error::NotAnAuthority`], [`Error::KeyMismatch`].
    pub fn load(certificate_pem: &str, key: K) -> Result<Self, Error> {
        let certificate =
            Certificate::all_from_pem(certificate_pem, "the authority's certificate")?.swap_remove(0);
        let parsed = certificate.parsed()?;
        let signs = parsed.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign());
        if !parsed.is_ca() || !signs {
            return Err(Error::NotAnAuthority { subject: certificate.subject().to_string() });
        }
        if parsed.public_key().raw != key.public_key_info()? {
            return Err(Error::KeyMismatch);
        }
        let key_identifier = parsed
            .iter_extensions()
            .find_map(|found| match found.parsed_extension() {
                x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            })
            .unwrap_or_else(|| extension::key_identifier(parsed.public_key().raw));
        let permitted = extension::permitted_hosts(&parsed);
        drop(parsed);
        Ok(Self { permitted, key, key_identifier, certificate })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Issues a server certificate with a new key, valid from `now` (unix milliseconds).
    ///
    /// # Errors
    /// [`Error::NoHost`], [`Error::BadHost`], [`Error::HostNotPermitted`], [`Error::BadValidity`],
    /// [`Error::AuthorityNotValid`], [`Error::Crypto`].
    pub fn issue_server(&self, profile: &ServerProfile, now: u64) -> Result<Issued, Error> {
        let hosts = hosts(&profile.hosts)?;
        for (host, text) in hosts.iter().zip(&profile.hosts) {
            if !self.permitted.is_empty() && !self.permitted.iter().any(|tree| host.is_within(tree)) {
                return Err(Error::HostNotPermitted(text.clone()));
            }
        }
        let first = profile.hosts.first().ok_or(Error::NoHost)?;
        let subject = Name::default().with(Oid::COMMON_NAME, &bounded(first));
        let period = validity(now, profile.days, SERVER_DAYS_MAX)?;
        let key = PrivateKey::generate(profile.algorithm)?;
        // TLS 1.2 with RSA key transport is off everywhere, but some clients still look for the bit.
        let usage = extension::DIGITAL_SIGNATURE
            | if key.family() == KeyFamily::Rsa { extension::KEY_ENCIPHERMENT } else { 0 };
        let extensions = vec![
            extension::key_usage(usage),
            extension::extended_key_usage(&extension::SERVER_AUTH),
            extension::subject_alt_name(&hosts),
        ];
        self.issue(subject, key, extensions, period, now)
    }

    /// Issues a client certificate with a new key, valid from `now` (unix milliseconds).
    ///
    /// # Errors
    /// [`Error::BadSubject`], [`Error::BadValidity`], [`Error::AuthorityNotValid`], [`Error::Crypto`].
    pub fn issue_client(&self, profile: &ClientProfile, now: u64) -> Result<Issued, Error> {
        let mut subject = Name::default();
        if let Some(organisation) = &profile.organisation {
            subject = subject.with(Oid::ORGANIZATION, acceptable(organisation)?);
        }
        let subject = subject
            .with(Oid::ORGANIZATIONAL_UNIT, profile.role.as_str())
            .with(Oid::COMMON_NAME, acceptable(&profile.common_name)?);
        let period = validity(now, profile.days, CLIENT_DAYS_MAX)?;
        let extensions = vec![
            extension::key_usage(extension::DIGITAL_SIGNATURE),
            extension::extended_key_usage(&extension::CLIENT_AUTH),
        ];
        self.issue(subject, PrivateKey::generate(profile.algorithm)?, extensions, period, now)
    }

    /// Issues a certificate with a new key and these extensions, for a purpose of the authority's own.
    pub(crate) fn issue_with(
        &self,
        subject: Name,
        algorithm: KeyAlgorithm,
        extensions: Vec<Vec<u8>>,
        days: u32,
        now: u64,
    ) -> Result<Issued, Error> {
        let period = validity(now, days, SERVER_DAYS_MAX)?;
        self.issue(subject, PrivateKey::generate(algorithm)?, extensions, period, now)
    }

    fn issue(
        &self,
        subject: Name,
        key: PrivateKey,
        mut extensions: Vec<Vec<u8>>,
        (from, until): (OffsetDateTime, OffsetDateTime),
        now: u64,
    ) -> Result<Issued, Error> {
        if now < self.certificate.not_before() || now > self.certificate.not_after() {
            return Err(Error::AuthorityNotValid);
        }
        let public_key_info = key.public_key_info()?;
        extensions.extend([
            extension::not_an_authority(),
            extension::subject_key_identifier(&extension::key_identifier(&public_key_info)),
            extension::authority_key_identifier(&self.key_identifier),
        ]);
        // A leaf never outlives its issuer, nor does it start before it.
        let from = from.max(moment(self.certificate.not_before())?);
        let until = until.min(moment(self.certificate.not_after())?);
        let issuer = self.certificate.subject();
        let tbs = Tbs { issuer, subject: &subject, from, until, public_key_info, extensions };
        Ok(Issued::new(tbs.sign(&self.key)?, self.certificate.clone(), key))
    }
}

/// The part of a certificate that is signed (RFC 5280 §4.1).
struct Tbs<'a> {
    issuer: &'a Name,
    subject: &'a Name,
    from: OffsetDateTime,
    until: OffsetDateTime,
    public_key_info: Vec<u8>,
    extensions: Vec<Vec<u8>>,
}

impl Tbs<'_> {
    fn sign(self, key: &dyn CertificateKey) -> Result<Certificate, Error> {
        let tbs = der::sequence(&[
            der::context(0, &der::unsigned(&[2])), // v3
            der::unsigned(&serial()?),
            held::signature_algorithm(key),
            self.issuer.to_der(),
            der::sequence(&[der::time(self.from), der::time(self.until)]),
            self.subject.to_der(),
            self.public_key_info,
            der::context(3, &der::sequence(&self.extensions)),
        ]);
        let signature = der::bit_string(&held::sign(key, &tbs)?);
        Certificate::from_der(
            &der::sequence(&[tbs, held::signature_algorithm(key), signature]),
            "a new certificate",
        )
    }
}

/// 127 random bits under a leading one: positive, of constant length, within 20 octets (RFC 5280 §4.1.2.2).
fn serial() -> Result<[u8; 16], Error> {
    let mut serial = [0; 16];
    rand::fill(&mut serial)?;
    let [first, ..] = &mut serial;
    *first = *first & 0x7f | 0x40;
    Ok(serial)
}

fn validity(now: u64, days: u32, most: u32) -> Result<(OffsetDateTime, OffsetDateTime), Error> {
    let refused = Error::BadValidity { asked: days, most };
    if days == 0 || days > most {
        return Err(refused);
    }
    let now = moment(now)?;
    let until = now.checked_add(Duration::days(days.into())).ok_or(refused)?;
    Ok((now.saturating_sub(BACKDATED), until))
}

pub(crate) fn moment(unix_millis: u64) -> Result<OffsetDateTime, Error> {
    i64::try_from(unix_millis / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or(Error::BadTime)
}

fn hosts(texts: &[String]) -> Result<Vec<Host>, Error> {
    texts.iter().map(|text| Host::parse(text)).collect()
}

/// RFC 5280's upper bound for names of people and organisations: 64 characters.
const NAME_MAX: usize = 64;

/// The first 64 characters: a long host name stays whole in the alternative names, an organisation's in its records.
fn bounded(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}

fn acceptable(text: &str) -> Result<&str, Error> {
    let fits =
        !text.trim().is_empty() && text.chars().count() <= NAME_MAX && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(Error::BadSubject) }
}
