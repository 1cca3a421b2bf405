//! What an authority issues for keys that it never sees, and authorities below it, with the extensions that public authorities write; and its list of what it
//! took back.

use time::{Duration, OffsetDateTime};

use super::{
    AUTHORITY_DAYS_MAX, Authority, AuthorityProfile, CLIENT_DAYS_MAX, GivenExtension, SERVER_DAYS_MAX, Tbs,
    given, hosts, moment, validity,
};
use crate::{
    certificate::Certificate,
    der::{self, tag},
    error::Error,
    extension,
    held::{self, CertificateKey},
    key::PrivateKey,
    name::Name,
    oid::Oid,
    period::PrivateKeyUsage,
    request::CertificateRequest,
};

/// Where things around a certificate are published, and under which policies it is issued. Empty: nothing of it is written.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// URIs of the lists that speak of it (RFC 5280 §4.2.1.13).
    pub lists: Vec<String>,
    /// URIs of the changes since (§4.2.1.15).
    pub freshest_lists: Vec<String>,
    /// URI where its state is asked (§4.2.2.1).
    pub ocsp: Option<String>,
    /// URI of its issuer's certificate (§4.2.2.1).
    pub issuer_certificate: Option<String>,
    /// §4.2.1.4
    pub policies: Vec<Oid>,
    /// For how many days of its validity its key may sign (RFC 3280 §4.2.1.4).
    pub private_key_days: Option<u32>,
    /// Others, as they are given.
    pub extensions: Vec<GivenExtension>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafPurpose {
    /// Authenticating a client.
    Client,
    /// Being the server of the hosts that are asked for.
    Server,
    /// A person's signatures: it opens no door, and says that what it signed was agreed to.
    Signature,
}

/// A certificate that is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// When, Unix milliseconds.
    pub at: u64,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate is taken back (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevocationReason {
    /// Not said.
    #[default]
    Unspecified,
    /// Its key is in others' hands.
    KeyCompromise,
    /// Its holder has another name or place now.
    AffiliationChanged,
    /// Another one is in its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// Its issuer's key is in others' hands.
    AuthorityCompromise,
    /// For a while.
    Hold,
    /// It was on hold, and is no longer.
    RemovedFromList,
    /// Its holder may no longer do what it says.
    PrivilegeWithdrawn,
    /// The key of who vouched for its attributes is in others' hands.
    AttributeAuthorityCompromise,
}

/// CRLReason (§5.3.1), but `unspecified`.
const NUMBERS: [(u8, RevocationReason); 9] = [
    (1, RevocationReason::KeyCompromise),
    (2, RevocationReason::AuthorityCompromise),
    (3, RevocationReason::AffiliationChanged),
    (4, RevocationReason::Superseded),
    (5, RevocationReason::CessationOfOperation),
    (6, RevocationReason::Hold),
    (8, RevocationReason::RemovedFromList),
    (9, RevocationReason::PrivilegeWithdrawn),
    (10, RevocationReason::AttributeAuthorityCompromise),
];

impl RevocationReason {
    /// Every reason that an authority here gives.
    pub const ALL: [Self; 5] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
    ];

    /// In the words of RFC 5280, with hyphens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key-compromise",
            Self::AffiliationChanged => "affiliation-changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::AuthorityCompromise => "authority-compromise",
            Self::Hold => "hold",
            Self::RemovedFromList => "removed-from-list",
            Self::PrivilegeWithdrawn => "privilege-withdrawn",
            Self::AttributeAuthorityCompromise => "attribute-authority-compromise",
        }
    }

    /// The inverse of [`Self::as_str`], for [`Self::ALL`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// Its CRLReason; none where it is better left out (§5.3.1).
    pub(crate) fn number(self) -> Option<u8> {
        NUMBERS.iter().find(|(_, reason)| *reason == self).map(|(number, _)| *number)
    }

    /// Of a CRLReason.
    pub(crate) fn of_number(number: u8) -> Option<Self> {
        let known = NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, reason)| *reason);
        known.or((number == 0).then_some(Self::Unspecified))
    }
}

impl<K: CertificateKey> Authority<K> {
    /// Makes an authority below this one, with a new key of its own, valid from `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Error::PathLength`], [`Error::BadValidity`], [`Error::BadPlace`], [`Error::ExtensionTwice`], [`Error::AuthorityNotValid`],
    /// [`Error::Crypto`].
    pub fn issue_authority(
        &self,
        profile: &AuthorityProfile,
        published: &Publication,
        now: u64,
    ) -> Result<Authority, Error> {
        self.issue_authority_with(profile, published, PrivateKey::generate(profile.algorithm)?, now)
    }

    /// The same with this key, of whatever kind.
    ///
    /// # Errors
    /// The same, and [`Error::Elsewhere`].
    pub fn issue_authority_with<Below: CertificateKey>(
        &self,
        profile: &AuthorityProfile,
        published: &Publication,
        key: Below,
        now: u64,
    ) -> Result<Authority<Below>, Error> {
        let parsed = self.certificate.parsed()?;
        let most =
            parsed.basic_constraints().ok().flatten().and_then(|found| found.value.path_len_constraint);
        if most.is_some_and(|most| most <= u32::from(profile.path_length)) {
            return Err(Error::PathLength);
        }
        drop(parsed);
        let period = validity(now, profile.days, AUTHORITY_DAYS_MAX)?;
        let public_key_info = key.public_key_info()?;
        let mut extensions = vec![
            extension::authority(profile.path_length),
            extension::key_usage(extension::CERT_AND_CRL_SIGN),
        ];
        extensions.extend(published.extensions(period)?);
        let key_identifier = extension::key_identifier(&public_key_info);
        let certificate = self.certify(&profile.name, public_key_info, extensions, period, now)?;
        Ok(Authority { certificate, key, key_identifier, permitted: Vec::new() })
    }

    /// Issues a certificate for a request, whose key stays with whoever made it: for this subject, which the authority decides and not the request, valid from
    /// `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Error::NoHost`] for a server's request without hosts, [`Error::HostNotPermitted`], [`Error::BadSubject`], [`Error::BadValidity`], [`Error::BadPlace`],
    /// [`Error::ExtensionTwice`], [`Error::AuthorityNotValid`], [`Error::Crypto`].
    pub fn certify_request(
        &self,
        request: &CertificateRequest,
        subject: &Name,
        purpose: LeafPurpose,
        days: u32,
        published: &Publication,
        now: u64,
    ) -> Result<Certificate, Error> {
        if subject.is_empty() {
            return Err(Error::BadSubject);
        }
        let (most, usage, extended) = match purpose {
            LeafPurpose::Client => (CLIENT_DAYS_MAX, 0, Some(extension::CLIENT_AUTH)),
            LeafPurpose::Server => (SERVER_DAYS_MAX, 0, Some(extension::SERVER_AUTH)),
            LeafPurpose::Signature => (CLIENT_DAYS_MAX, extension::CONTENT_COMMITMENT, None),
        };
        let period = validity(now, days, most)?;
        let mut extensions =
            vec![extension::not_an_authority(), extension::key_usage(extension::DIGITAL_SIGNATURE | usage)];
        extensions.extend(extended.iter().map(extension::extended_key_usage));
        if purpose == LeafPurpose::Server {
            let asked = hosts(request.hosts())?;
            if asked.is_empty() {
                return Err(Error::NoHost);
            }
            for (host, text) in asked.iter().zip(request.hosts()) {
                if !self.permitted.is_empty() && !self.permitted.iter().any(|tree| host.is_within(tree)) {
                    return Err(Error::HostNotPermitted(text.clone()));
                }
            }
            extensions.push(extension::subject_alt_name(&asked));
        }
        extensions.extend(published.extensions(period)?);
        self.certify(subject, request.public_key_info().to_vec(), extensions, period, now)
    }

    /// The DER of the list of what it took back (RFC 5280 §5): complete, numbered, valid from `now` for so many days.
    ///
    /// # Errors
    /// [`Error::BadValidity`], [`Error::Crypto`].
    pub fn revocation_list(
        &self,
        revoked: &[Revoked],
        number: u64,
        days: u32,
        now: u64,
    ) -> Result<Vec<u8>, Error> {
        let (_, until) = validity(now, days, LIST_DAYS_MAX)?;
        let mut parts = vec![
            der::unsigned(&[1]), // v2
            held::signature_algorithm(&self.key),
            self.certificate.subject().to_der(),
            der::time(moment(now)?),
            der::time(until),
        ];
        if !revoked.is_empty() {
            parts.push(der::sequence(&revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?));
        }
        let number = extension::extension(&CRL_NUMBER, false, &der::unsigned(&number.to_be_bytes()));
        let extensions = [extension::authority_key_identifier(&self.key_identifier), number];
        parts.push(der::context(0, &der::sequence(&extensions)));
        let tbs = der::sequence(&parts);
        let signature = der::bit_string(&held::sign(&self.key, &tbs)?);
        Ok(der::sequence(&[tbs, held::signature_algorithm(&self.key), signature]))
    }

    fn certify(
        &self,
        subject: &Name,
        public_key_info: Vec<u8>,
        mut extensions: Vec<Vec<u8>>,
        (from, until): (OffsetDateTime, OffsetDateTime),
        now: u64,
    ) -> Result<Certificate, Error> {
        if now < self.certificate.not_before() || now > self.certificate.not_after() {
            return Err(Error::AuthorityNotValid);
        }
        extensions.extend([
            extension::subject_key_identifier(&extension::key_identifier(&public_key_info)),
            extension::authority_key_identifier(&self.key_identifier),
        ]);
        given::each_once(&extensions)?;
        // What is issued never outlives its issuer, nor does it start before it.
        let from = from.max(moment(self.certificate.not_before())?);
        let until = until.min(moment(self.certificate.not_after())?);
        let issuer = self.certificate.subject();
        Tbs { issuer, subject, from, until, public_key_info, extensions }.sign(&self.key)
    }
}

/// The longest a list may be waited for.
const LIST_DAYS_MAX: u32 = 366;

const CRL_NUMBER: Oid = Oid::literal(&[0x55, 0x1d, 20]);
const REASON_CODE: Oid = Oid::literal(&[0x55, 0x1d, 21]);
const CRL_DISTRIBUTION_POINTS: Oid = Oid::literal(&[0x55, 0x1d, 31]);
const CERTIFICATE_POLICIES: Oid = Oid::literal(&[0x55, 0x1d, 32]);
const AUTHORITY_INFORMATION: Oid = Oid::literal(&[0x2b, 6, 1, 5, 5, 7, 1, 1]);
const OCSP: Oid = Oid::literal(&[0x2b, 6, 1, 5, 5, 7, 0x30, 1]);
const ISSUER_CERTIFICATE: Oid = Oid::literal(&[0x2b, 6, 1, 5, 5, 7, 0x30, 2]);

impl Publication {
    fn extensions(&self, (from, until): (OffsetDateTime, OffsetDateTime)) -> Result<Vec<Vec<u8>>, Error> {
        let mut all = Vec::new();
        let mut put = |oid: &Oid, value: &[u8]| all.push(extension::extension(oid, false, value));
        if !self.policies.is_empty() {
            let policies: Vec<_> = self.policies.iter().map(|oid| der::sequence(&[oid.to_der()])).collect();
            put(&CERTIFICATE_POLICIES, &der::sequence(&policies));
        }
        if let Some(days) = self.private_key_days {
            put(
                &extension::PRIVATE_KEY_USAGE_PERIOD,
                &PrivateKeyUsage::to_der(from, until.min(from.saturating_add(Duration::days(days.into())))),
            );
        }
        if !self.lists.is_empty() {
            put(&CRL_DISTRIBUTION_POINTS, &points(&self.lists)?);
        }
        if !self.freshest_lists.is_empty() {
            put(&extension::FRESHEST_CRL, &points(&self.freshest_lists)?);
        }
        let access = [(&OCSP, &self.ocsp), (&ISSUER_CERTIFICATE, &self.issuer_certificate)];
        let access =
            access.into_iter().filter_map(|(method, place)| place.as_ref().map(|place| (method, place)));
        let access = access.map(|(method, place)| Ok(der::sequence(&[method.to_der(), uri(place)?])));
        let access = access.collect::<Result<Vec<_>, Error>>()?;
        if !access.is_empty() {
            put(&AUTHORITY_INFORMATION, &der::sequence(&access));
        }
        all.extend(self.extensions.iter().map(GivenExtension::to_der));
        Ok(all)
    }
}

/// CRLDistributionPoints, one point for each place.
fn points(places: &[String]) -> Result<Vec<u8>, Error> {
    let point = |place: &String| Ok(der::sequence(&[der::context(0, &der::context(0, &uri(place)?))]));
    Ok(der::sequence(&places.iter().map(point).collect::<Result<Vec<_>, Error>>()?))
}

/// A GeneralName of a URI: visible ASCII that begins with a scheme.
fn uri(text: &str) -> Result<Vec<u8>, Error> {
    let known = ["http://", "https://", "ldap://", "ldaps://"].iter().any(|scheme| text.starts_with(scheme));
    if known && text.len() <= 2048 && text.bytes().all(|octet| octet.is_ascii_graphic()) {
        Ok(der::context_primitive(6, text.as_bytes()))
    } else {
        Err(Error::BadPlace(text.to_owned()))
    }
}

fn entry(revoked: &Revoked) -> Result<Vec<u8>, Error> {
    let mut parts = vec![der::unsigned(&revoked.serial), der::time(moment(revoked.at)?)];
    if let Some(reason) = revoked.reason.number() {
        let reason = der::tlv(tag::ENUMERATED, &[reason]);
        parts.push(der::sequence(&[extension::extension(&REASON_CODE, false, &reason)]));
    }
    Ok(der::sequence(&parts))
}
