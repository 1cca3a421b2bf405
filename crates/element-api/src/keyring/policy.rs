//! How keyrings of a policy are made and used, as the security officer signs it.

use std::collections::BTreeSet;

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::words::words;
use crate::documents::{Document, DocumentError, field, version_one};
use crate::protect::is_plain;
use crate::{Base64Url, Kind, OrganisationId, PolicyId, RowId};

/// The longest PIN, in digits.
const LONGEST_PIN: u8 = 12;
/// Hashes that one consent signs.
const LARGEST_BATCH: u16 = 100;
/// How long a request may be open, in seconds, whatever a policy says.
pub const LONGEST_OPEN: u32 = 600;
/// As long as certificates of holders last at most, in days, whoever issues them.
pub const LONGEST_CERTIFICATE: u32 = 3 * 366;

/// The policy of keyrings. Its row is its id; it is signed by the security officer (JWS typ `sceau-kr-policy`), and by nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringPolicy {
    /// Format version, 1.
    pub v: u32,
    /// The name of the log of the element that it is for: no other one takes it.
    pub origin: String,
    /// The policy.
    pub policy: PolicyId,
    /// The organisation that it is of; never changes.
    pub organisation: OrganisationId,
    /// What people call it: plain, at most 120 characters.
    pub name: String,
    /// What its keyrings are for; never changes.
    pub r#use: KeyringUse,
    /// How long a PIN is.
    pub pin: PinRule,
    /// Whether a second factor is handed over by another channel.
    pub second_factor: SecondFactor,
    /// The algorithm of the holder's key. Written exactly for keyrings that sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<KeyringAlgorithm>,
    /// Who certifies the holder's key; none exactly for keyrings that only authenticate.
    pub authority: CertificateSource,
    /// What the registration authority says of a holder.
    pub subject: Vec<SubjectField>,
    /// Within how many days a keyring that was made is to be activated, 1 to 90.
    pub activation_days: u16,
    /// How many terminals a keyring has at most, 1 to 8.
    pub terminals_most: u8,
    /// Whether another terminal may take it over.
    pub roaming: Roaming,
    /// Whether the holder's body is asked for.
    pub biometric: Biometric,
    /// How faces are compared. Written exactly where the face is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<FaceRule>,
    /// How many hashes one consent signs at most, 1 to 100.
    pub batch_most: u16,
    /// How long a request may be open at most, in seconds, 30 to 600.
    pub request_seconds: u32,
    /// After how many attempts that were not ended a keyring is blocked; never, unless said (3 to 100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished_most: Option<u8>,
    /// Who takes a terminal away.
    pub dissociation: Dissociation,
    /// What service providers are told of a holder who shows who it is. Not written where it is the keyring alone.
    #[serde(default, skip_serializing_if = "Disclosure::is_keyring")]
    pub discloses: Disclosure,
    /// Whether keyrings that were delivered under a version before follow this one.
    pub applies_to_existing: bool,
    /// Whether keyrings are made under it.
    pub status: PolicyStatus,
    /// SHA-256 of the version before; none for the first. It is signed, so that nobody puts an old version back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// When it was signed, in Unix milliseconds.
    pub time: u64,
}

/// What a keyring is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringUse {
    /// Its holder signs, and authenticates.
    Sign,
    /// Its holder authenticates; it has no key that signs.
    Authenticate,
}

/// How many digits a PIN has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinRule {
    /// At least: 6 or more to sign, 4 or more to authenticate.
    pub least: u8,
    /// At most: 12 or less.
    pub most: u8,
}

/// Whether a second factor activates, beside the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// The code alone.
    #[default]
    None,
    /// Another, by another channel.
    Required,
}

impl SecondFactor {
    /// Whether it is the code alone.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// How the holder's key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyringAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256, 3072 bits.
    #[serde(rename = "RS256")]
    Rs256,
}

words! {
    KeyringAlgorithm { Es256 = "ES256", Rs256 = "RS256" }
}

/// Who certifies holders' keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CertificateSource {
    /// The element's own authority.
    Embedded {
        /// How long certificates last.
        days: u32,
    },
    /// An authority outside, by EST (RFC 7030).
    Est {
        /// Where it is.
        url: String,
        /// The authorities that certificates must verify to, DER.
        anchors: Vec<Base64Url>,
        /// Its label, where it has several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// Nobody: there is no key.
    None,
}

/// A field of a holder's name in the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectField {
    /// Common name.
    CommonName,
    /// Given name.
    GivenName,
    /// Surname.
    Surname,
    /// Serial number.
    SerialNumber,
    /// Country, two letters.
    Country,
}

/// Whether a keyring moves between terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Roaming {
    /// It stays.
    None,
    /// Another terminal has it too.
    Copy,
    /// Another terminal has it instead.
    Move,
}

/// What of the holder's body is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Biometric {
    /// Nothing.
    None,
    /// A fingerprint, which the terminal looks at.
    Fingerprint,
    /// The face.
    Face,
}

/// How two pictures of a face are compared: the number means nothing but of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceRule {
    /// SHA-256 of the model's file (ONNX).
    pub model: Hash,
    /// The least cosine similarity of two embeddings that counts as one person, in thousandths, 1 to 1,000.
    pub least: u16,
}

/// Who agrees that a terminal is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dissociation {
    /// The holder.
    Holder,
    /// The holder and support.
    HolderAndSupport,
}

/// What a service provider is told of a holder who shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// Which keyring it is.
    #[default]
    Keyring,
    /// Besides, all that the registration authority said of its holder.
    Identity,
}

impl Disclosure {
    fn is_keyring(&self) -> bool {
        *self == Self::Keyring
    }
}

/// Whether a policy is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStatus {
    /// It is.
    Active,
    /// No keyring is made or activated under it any more.
    Ended,
}

impl Document for KeyringPolicy {
    const KIND: Kind = Kind::KeyringPolicy;

    fn row(&self) -> RowId {
        self.policy.into()
    }

    fn check(&self) -> Result<(), DocumentError> {
        version_one(self.v)?;
        field(is_short_and_plain(&self.origin), "origin", "the name of a log")?;
        field(is_short_and_plain(&self.name), "name", "plain text of 1 to 120 characters")?;
        let (least, rule) = match self.r#use {
            KeyringUse::Sign => (6, "6 digits or more to sign, 12 at most"),
            KeyringUse::Authenticate => (4, "4 digits or more, 12 at most"),
        };
        let pin = (least..=LONGEST_PIN).contains(&self.pin.least)
            && (self.pin.least..=LONGEST_PIN).contains(&self.pin.most);
        field(pin, "pin", rule)?;
        let signs = self.r#use == KeyringUse::Sign;
        field(self.algorithm.is_some() == signs, "algorithm", "present exactly for keyrings that sign")?;
        let certified = self.authority != CertificateSource::None;
        let rule = "present exactly for keyrings that sign: embedded for 1 to 1,098 days, or est at an https address, with 1 to 8 anchors";
        field(certified == signs, "authority", rule)?;
        field(self.authority.is_well_formed(), "authority", rule)?;
        let named = self.subject.contains(&SubjectField::CommonName);
        field(named, "subject", "the common name, at least")?;
        let once = self.subject.iter().collect::<BTreeSet<_>>().len() == self.subject.len();
        field(once, "subject", "each field once")?;
        field((1..=90).contains(&self.activation_days), "activation_days", "1 to 90")?;
        field((1..=8).contains(&self.terminals_most), "terminals_most", "1 to 8")?;
        field((1..=LARGEST_BATCH).contains(&self.batch_most), "batch_most", "1 to 100")?;
        field((30..=LONGEST_OPEN).contains(&self.request_seconds), "request_seconds", "30 to 600")?;
        let asked = self.biometric == Biometric::Face;
        field(self.face.is_some() == asked, "face", "present exactly where the face is asked for")?;
        let least = self.face.is_none_or(|face| (1..=1000).contains(&face.least));
        field(least, "face.least", "1 to 1,000 thousandths")?;
        let unfinished = self.unfinished_most.is_none_or(|most| (3..=100).contains(&most));
        field(unfinished, "unfinished_most", "3 to 100")
    }
}

impl CertificateSource {
    fn is_well_formed(&self) -> bool {
        match self {
            Self::Embedded { days } => (1..=LONGEST_CERTIFICATE).contains(days),
            Self::Est { url, anchors, label } => {
                is_place(url)
                    && (1..=8).contains(&anchors.len())
                    && anchors.iter().all(|anchor| anchor.len() <= 8192)
                    && label.as_deref().is_none_or(is_label)
            }
            Self::None => true,
        }
    }
}

/// Whether it is an https address to which a path can be appended: no user, no query and no fragment is in it, and no character that is not itself in an address (RFC 3986).
fn is_place(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~:/[]".contains(&octet);
    let host = rest.split('/').next().unwrap_or_default();
    url.len() <= 300 && !host.is_empty() && !rest.ends_with('/') && rest.bytes().all(plain)
}

/// Whether it is one segment of a path that is none of the protocol's own (RFC 7030 section 3.2.2).
fn is_label(label: &str) -> bool {
    const OWN: [&str; 6] =
        ["cacerts", "simpleenroll", "simplereenroll", "fullcmc", "serverkeygen", "csrattrs"];
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    (1..=64).contains(&label.len())
        && label.bytes().all(plain)
        && !OWN.contains(&label)
        && !label.bytes().all(|octet| octet == b'.')
}

/// A name that is shown to people.
pub(super) fn is_short_and_plain(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= 120 && is_plain(name)
}
