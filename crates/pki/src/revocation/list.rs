//! One list (RFC 5280 §5), read once: whom it names is looked up without reading it again.

use std::sync::{Mutex, PoisonError};

use rustls::{crypto::WebPkiSupportedAlgorithms, pki_types::SignatureVerificationAlgorithm};

use super::serials::{SERIAL_OCTETS, Serials, padded};
use crate::{
    certificate::Fingerprint,
    der::tag,
    name::Name,
    reader::{NotDer, Reader, each_extension},
    tls,
};

/// Extensions of a list and of its entries (RFC 5280 §5.2, §5.3).
const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
const HOLD_INSTRUCTION: &[u8] = &[0x55, 0x1d, 23];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 24];
const DELTA_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];

/// Context tags within an IssuingDistributionPoint.
const PLACE: u8 = 0xa0;
const ONLY_USERS: u8 = 0x81;
const ONLY_AUTHORITIES: u8 = 0x82;
/// Within a DistributionPointName, and within a GeneralName.
const FULL_NAME: u8 = 0xa0;
const URI: u8 = 0x86;

/// Why bytes are not a list that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListRefusal {
    /// Cut short, damaged, or no list at all.
    #[error("this is not a revocation list in PEM or DER (RFC 5280 §5)")]
    Malformed,
    /// It says no moment until which it holds.
    #[error("the revocation list does not say when the next one is due")]
    WithoutEnd,
    /// It tells changes of another list, or speaks for other authorities' certificates, or for some reasons only.
    #[error("the revocation list is a delta, an indirect or a partial one: give the complete list")]
    Partial,
    /// It carries a critical extension that is not understood here.
    #[error("the revocation list has a critical extension that is not understood here")]
    UnknownCriticalExtension,
    /// It names a serial number of more than twenty octets.
    #[error("the revocation list names a serial number of more than twenty octets")]
    SerialNumber,
}

/// Why a list may not take the place of another of the same issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revocation list is older than the one that is used")]
pub struct Older;

/// Of which certificates of its issuer it speaks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scope {
    of: Kind,
    /// Of those only that name one of these URIs as a distribution point; of each where it is empty.
    places: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    All,
    Users,
    Authorities,
}

/// What an issuer took back: one complete list. Keeps 20 octets for each serial number, and nothing of the rest once its signature was verified.
#[derive(Debug)]
pub struct RevocationList {
    fingerprint: Fingerprint,
    issuer: Name,
    this_update: u64,
    next_update: u64,
    /// Big-endian, without leading zeros; a list without a number is older than each that has one.
    number: Vec<u8>,
    scope: Scope,
    serials: Serials,
    signature: Mutex<Signature>,
}

#[derive(Debug)]
enum Signature {
    /// And the keys of authorities of this name that did not make it: an authority may renew its key and keep its name.
    Unverified(Signed, Vec<Fingerprint>),
    /// By the key that has this hash.
    Verified(Fingerprint),
}

#[derive(Debug)]
struct Signed {
    algorithm: Box<[u8]>,
    message: Box<[u8]>,
    signature: Box<[u8]>,
}

impl RevocationList {
    /// Reads one list's DER, all of it. Its signature is verified when it is first asked, under the issuer's key.
    ///
    /// # Errors
    /// [`ListRefusal`].
    pub fn read(der: &[u8]) -> Result<Self, ListRefusal> {
        let mut outside = Reader::of(der);
        let mut list = outside.expect(tag::SEQUENCE)?.inside();
        outside.end()?;
        let signed = list.expect(tag::SEQUENCE)?;
        let algorithm = list.expect(tag::SEQUENCE)?;
        let signature = list.expect(tag::BIT_STRING)?;
        list.end()?;
        // Whole octets only, as each signature is.
        let (0, signature) =
            signature.content.split_first().map(|(unused, rest)| (*unused, rest)).ok_or(NotDer)?
        else {
            return Err(ListRefusal::Malformed);
        };

        let mut inside = signed.inside();
        if inside.unsigned()? != [1] {
            return Err(ListRefusal::Malformed);
        }
        if inside.expect(tag::SEQUENCE)?.whole != algorithm.whole {
            return Err(ListRefusal::Malformed);
        }
        let issuer = inside.expect(tag::SEQUENCE)?.whole;
        let issuer = Name::from_der(issuer).map_err(|_| ListRefusal::Malformed)?;
        let this_update = inside.time()?;
        let next_update = match inside.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => inside.time()?,
            _ => return Err(ListRefusal::WithoutEnd),
        };
        let entries = inside.optional(tag::SEQUENCE)?;
        let serials = entries.map(|entries| serials(entries.inside())).transpose()?.unwrap_or_default();
        let (number, scope) = match inside.optional(0xa0)? {
            Some(extensions) => extensions_of_list(extensions.inside())?,
            None => (Vec::new(), Scope::default()),
        };
        inside.end()?;
        let signed = Signed {
            algorithm: algorithm.content.into(),
            message: signed.whole.into(),
            signature: signature.into(),
        };
        let signature = Mutex::new(Signature::Unverified(signed, Vec::new()));
        let fingerprint = Fingerprint::of(der);
        Ok(Self { fingerprint, issuer, this_update, next_update, number, scope, serials, signature })
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whose certificates it speaks of.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was made, in Unix milliseconds.
    pub fn this_update(&self) -> u64 {
        self.this_update
    }

    /// When its successor is due, in Unix milliseconds: from then on it says nothing.
    pub fn next_update(&self) -> u64 {
        self.next_update
    }

    /// Its number in hexadecimal; empty where it has none.
    pub fn number(&self) -> String {
        hex::encode(&self.number)
    }

    /// How many certificates it names.
    pub fn len(&self) -> usize {
        self.serials.len()
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds at `now`, in Unix milliseconds: it was made, and its successor is not due.
    pub fn is_current(&self, now: u64) -> bool {
        (self.this_update..self.next_update).contains(&now)
    }

    /// Whether the holder of this public key (the DER of a SubjectPublicKeyInfo) signed it. Verified once for each key that is asked for.
    pub fn is_signed_by(&self, public_key_info: &[u8]) -> bool {
        let key = Fingerprint::of(public_key_info);
        let mut signature = self.signature.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *signature {
            Signature::Verified(by) => *by == key,
            Signature::Unverified(_, others) if others.contains(&key) => false,
            Signature::Unverified(signed, _) if signed.is_by(public_key_info) => {
                *signature = Signature::Verified(key);
                true
            }
            Signature::Unverified(_, others) => {
                others.push(key);
                false
            }
        }
    }

    /// Whether it speaks of such a certificate of its issuer: an authority's or another's, whose list is published at these places (the content
    /// of URIs).
    pub(crate) fn covers(&self, an_authority: bool, places: &[&str]) -> bool {
        let of_its_kind = match self.scope.of {
            Kind::All => true,
            Kind::Users => !an_authority,
            Kind::Authorities => an_authority,
        };
        let of_its_place = &self.scope.places;
        of_its_kind
            && (of_its_place.is_empty() || of_its_place.iter().any(|place| places.contains(&&**place)))
    }

    /// Whether it names this serial number: big-endian octets, as a certificate has them.
    pub fn names(&self, serial: &[u8]) -> bool {
        self.serials.contains(serial)
    }

    /// Whether it speaks of the same certificates as `other`: those of one issuer, under one key that signed both, of one kind and place. False
    /// as long as nobody asked who signed them.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        let signer = self.signer();
        self.issuer == other.issuer
            && self.scope == other.scope
            && signer.is_some()
            && signer == other.signer()
    }

    fn signer(&self) -> Option<Fingerprint> {
        match &*self.signature.lock().unwrap_or_else(PoisonError::into_inner) {
            Signature::Verified(by) => Some(*by),
            Signature::Unverified(..) => None,
        }
    }

    /// Whether it may take the place of `used`, a list of the same issuer: its number and its time are not lower.
    ///
    /// # Errors
    /// [`Older`].
    pub fn replaces(&self, used: &Self) -> Result<(), Older> {
        let number = |list: &Self| (list.number.len(), list.number.clone());
        if number(self) < number(used) || self.this_update < used.this_update { Err(Older) } else { Ok(()) }
    }
}

impl Signed {
    fn is_by(&self, public_key_info: &[u8]) -> bool {
        let algorithms: WebPkiSupportedAlgorithms = tls::provider().signature_verification_algorithms;
        let Ok((key_algorithm, key)) = public_key(public_key_info) else { return false };
        let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
            algorithm.signature_alg_id().as_ref() == &*self.algorithm
                && algorithm.public_key_alg_id().as_ref() == key_algorithm
        };
        let verified = |algorithm: &&dyn SignatureVerificationAlgorithm| {
            algorithm.verify_signature(key, &self.message, &self.signature).is_ok()
        };
        algorithms.all.iter().find(fits).is_some_and(verified)
    }
}

/// The content of a key's AlgorithmIdentifier, and the key.
fn public_key(info: &[u8]) -> Result<(&[u8], &[u8]), NotDer> {
    let mut outside = Reader::of(info);
    let mut inside = outside.expect(tag::SEQUENCE)?.inside();
    outside.end()?;
    let algorithm = inside.expect(tag::SEQUENCE)?.content;
    let key = inside.expect(tag::BIT_STRING)?.content;
    inside.end()?;
    Ok((algorithm, key.strip_prefix(&[0]).ok_or(NotDer)?))
}

/// The entries, each of a serial number, a date, and perhaps extensions.
fn serials(mut entries: Reader<'_>) -> Result<Serials, ListRefusal> {
    let mut numbers: Vec<[u8; SERIAL_OCTETS]> = Vec::new();
    while !entries.is_empty() {
        let mut entry = entries.expect(tag::SEQUENCE)?.inside();
        numbers.push(padded(entry.unsigned()?).ok_or(ListRefusal::SerialNumber)?);
        entry.time()?;
        if let Some(extensions) = entry.optional(tag::SEQUENCE)? {
            each_extension(extensions.inside(), |oid, critical, _| match oid {
                REASON_CODE | HOLD_INSTRUCTION | INVALIDITY_DATE => Ok(()),
                // The certificate's issuer, which makes a list an indirect one, is critical.
                _ if critical => Err(ListRefusal::UnknownCriticalExtension),
                _ => Ok(()),
            })?;
        }
        entry.end()?;
    }
    Ok(Serials::sorted(numbers))
}

fn extensions_of_list(mut explicit: Reader<'_>) -> Result<(Vec<u8>, Scope), ListRefusal> {
    let (mut number, mut scope) = (Vec::new(), Scope::default());
    let extensions = explicit.expect(tag::SEQUENCE)?.inside();
    explicit.end()?;
    each_extension(extensions, |oid, critical, mut value| {
        match oid {
            CRL_NUMBER => {
                number = value.unsigned()?.to_vec();
                value.end()?;
            }
            DELTA_INDICATOR => return Err(ListRefusal::Partial),
            ISSUING_DISTRIBUTION_POINT => scope = scope_of(value)?,
            AUTHORITY_KEY_IDENTIFIER => {}
            _ if critical => return Err(ListRefusal::UnknownCriticalExtension),
            _ => {}
        }
        Ok(())
    })?;
    Ok((number, scope))
}

/// RFC 5280 §5.2.5. A list of some reasons or of others' certificates is not complete.
fn scope_of(mut value: Reader<'_>) -> Result<Scope, ListRefusal> {
    let mut point = value.expect(tag::SEQUENCE)?.inside();
    value.end()?;
    let mut scope = Scope::default();
    while !point.is_empty() {
        let part = point.element()?;
        match (part.tag, part.content) {
            (PLACE, _) if scope.places.is_empty() => scope.places = places(part.inside())?,
            (ONLY_USERS, [0xff]) if scope.of == Kind::All => scope.of = Kind::Users,
            (ONLY_AUTHORITIES, [0xff]) if scope.of == Kind::All => scope.of = Kind::Authorities,
            _ => return Err(ListRefusal::Partial),
        }
    }
    Ok(scope)
}

/// The URIs of a DistributionPointName's full name; at least one, since a list of a place that cannot be compared is of an unknown part.
fn places(mut name: Reader<'_>) -> Result<Vec<String>, ListRefusal> {
    let mut names = name.expect(FULL_NAME)?.inside();
    name.end()?;
    let mut places = Vec::new();
    while !names.is_empty() {
        let one = names.element()?;
        if one.tag == URI {
            places.push(std::str::from_utf8(one.content).map_err(|_| ListRefusal::Malformed)?.to_owned());
        }
    }
    if places.is_empty() { Err(ListRefusal::Partial) } else { Ok(places) }
}

impl From<NotDer> for ListRefusal {
    fn from(_: NotDer) -> Self {
        Self::Malformed
    }
}
