//! Domain separation: every label of Sceau, in one place, and the functions that use them.
//!
//! A hash or a derived key never stands without a label, so that bytes made for one purpose mean nothing for another.
//! To add a use, add a variant here; the tests refuse a label that another one could be mistaken for.

use crate::{Secret, Sha256, hkdf};

/// What a hash or a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Label {
    /// Commitment to the CEK, published in an envelope's fixed header.
    EnvelopeCommit,
    /// HMAC key over an envelope's header.
    EnvelopeHeader,
    /// AES-256-GCM key of an envelope's metadata.
    EnvelopeMetadata,
    /// The part of a file's id that says which dossier it is of.
    File,
    /// Hash that names an envelope's content.
    EnvelopeHash,
    /// HPKE `info` of a CEK wrapped under X-Wing.
    EnvelopeHpke,
    /// Fingerprint (kid) of an Ed25519 public key.
    Ed25519,
    /// WebAuthn challenge that a passkey signs over what is attested.
    PasskeyProof,
    /// WebAuthn challenge that a passkey signs to sign in.
    PasskeyLogin,
    /// A private key or keystore secret, sealed at rest.
    KeyAtRest,
    /// A platform's secret column or session state, sealed at rest.
    StateAtRest,
    /// A keystore's own key, sealed under the key that a passphrase gives.
    Keystore,
    /// Hash that names a file sealed in the profile `mob-2022`.
    MobEnvelope,
    /// Hash of what a provider of identities calls somebody.
    Identity,
    /// A share of a key: its fingerprint, and the share sealed for its custodian.
    Share,
    /// A datum's key, derived from a master (SP 800-108): fields are owner, key id and salt.
    DatumKey,
    /// A data key of a datum, wrapped under the datum's key.
    DataKey,
    /// Hash of what the element answers to a call about a datum.
    ProtectAnswer,
    /// The key of one blob, derived from a master in a token (SP 800-108): the field is a random salt.
    TokenSeal,
    /// The tag of a line of the trace: a datum's key was given, or denied.
    TraceLine,
    /// Key and vector of a datum's content in the profile `cbc-rs256`, wrapped under the datum's key.
    CbcKey,
    /// The permit that has a content signed.
    ContentPermit,
    /// What a keyring's context is named by, and what its key is wrapped for.
    KeyringContext,
    /// Key of the messages of a keyring's context, from an actor or a terminal to the element.
    KeyringUp,
    /// Key of the element's answers in a keyring's context.
    KeyringDown,
    /// One message or answer of a keyring's context, sealed.
    KeyringMessage,
    /// Hash of a keyring's activation factors, which its registration authority signs.
    KeyringFactors,
    /// Key that an activation factor gives, to prove it by.
    KeyringActivate,
    /// What opens a terminal's part of a keyring's key: from its PIN and its secret.
    KeyringUnlock,
    /// A terminal's part of a keyring's key, sealed.
    KeyringBox,
    /// The inner part of a use of a keyring, sealed under the session that the PIN gave.
    KeyringUse,
    /// What comes of a roaming code: what it is found and proven by, what opens the new terminal's part, and what both screens show.
    KeyringRoam,
    /// Key that wraps a holder's private key, derived from a master (SP 800-108): fields are keyring, key and secret.
    KeyringKey,
    /// Hash of what a terminal showed of a request.
    KeyringDescription,
    /// A picture of a holder's face, sealed to the biometric process for one place.
    KeyringCapture,
    /// The biometric process's key of one context, from what it drew at its start.
    KeyringFace,
    /// What a holder is called at the sites of a sector: fields are keyring and sector.
    PairwiseSubject,
}

impl Label {
    /// Every label.
    pub const ALL: &'static [Self] = &[
        Self::EnvelopeCommit,
        Self::EnvelopeHeader,
        Self::EnvelopeMetadata,
        Self::File,
        Self::EnvelopeHash,
        Self::EnvelopeHpke,
        Self::Ed25519,
        Self::PasskeyProof,
        Self::PasskeyLogin,
        Self::KeyAtRest,
        Self::StateAtRest,
        Self::Keystore,
        Self::MobEnvelope,
        Self::Identity,
        Self::Share,
        Self::DatumKey,
        Self::DataKey,
        Self::ProtectAnswer,
        Self::TokenSeal,
        Self::TraceLine,
        Self::CbcKey,
        Self::ContentPermit,
        Self::KeyringContext,
        Self::KeyringUp,
        Self::KeyringDown,
        Self::KeyringMessage,
        Self::KeyringFactors,
        Self::KeyringActivate,
        Self::KeyringUnlock,
        Self::KeyringBox,
        Self::KeyringUse,
        Self::KeyringRoam,
        Self::KeyringKey,
        Self::KeyringDescription,
        Self::KeyringCapture,
        Self::KeyringFace,
        Self::PairwiseSubject,
    ];

    /// The label's ASCII text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnvelopeCommit => "sceau-1/commit",
            Self::EnvelopeHeader => "sceau-1/header",
            Self::EnvelopeMetadata => "sceau-1/metadata",
            Self::File => "sceau/file",
            Self::EnvelopeHash => "sceau-1/envelope",
            Self::EnvelopeHpke => "sceau-1/hpke",
            Self::Ed25519 => "sceau/ed25519",
            Self::PasskeyProof => "sceau/passkey-proof",
            Self::PasskeyLogin => "sceau/passkey-login",
            Self::KeyAtRest => "sceau/key-at-rest",
            Self::StateAtRest => "sceau/state-at-rest",
            Self::Keystore => "sceau/keystore",
            Self::MobEnvelope => "mob-2022/envelope",
            Self::Identity => "sceau/identity",
            Self::Share => "sceau/share",
            Self::DatumKey => "sceau/datum-key",
            Self::DataKey => "sceau/data-key",
            Self::ProtectAnswer => "sceau/protect-answer",
            Self::TokenSeal => "sceau/token-seal",
            Self::TraceLine => "sceau/trace-line",
            Self::CbcKey => "sceau/content-key",
            Self::ContentPermit => "sceau/content-permit",
            Self::KeyringContext => "sceau/kr-context",
            Self::KeyringUp => "sceau/kr-up",
            Self::KeyringDown => "sceau/kr-down",
            Self::KeyringMessage => "sceau/kr-message",
            Self::KeyringFactors => "sceau/kr-factors",
            Self::KeyringActivate => "sceau/kr-activate",
            Self::KeyringUnlock => "sceau/kr-unlock",
            Self::KeyringBox => "sceau/kr-box",
            Self::KeyringUse => "sceau/kr-use",
            Self::KeyringRoam => "sceau/kr-roam",
            Self::KeyringKey => "sceau/kr-scd",
            Self::KeyringDescription => "sceau/kr-description",
            Self::KeyringCapture => "sceau/kr-capture",
            Self::KeyringFace => "sceau/kr-face",
            Self::PairwiseSubject => "sceau/pairwise-subject",
        }
    }

    /// A hash that has begun with `label ‖ 00`, to be fed what follows.
    #[must_use]
    pub fn hasher(self) -> Sha256 {
        let mut hash = Sha256::new();
        hash.update(self.as_str().as_bytes());
        hash.update(&[0]);
        hash
    }

    /// SHA-256(label ‖ 00 ‖ parts). Parts must be of fixed size, but the last.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = self.hasher();
        for part in parts {
            hash.update(part);
        }
        hash.finish()
    }

    /// HKDF-SHA-256 (RFC 5869) of `key` with an empty salt and the label as info.
    #[must_use]
    pub fn derive(self, key: &Secret<32>) -> Secret<32> {
        hkdf(key.expose(), &[], &[self.as_str().as_bytes()])
    }

    /// HKDF-SHA-256 (RFC 5869) of `key` with an empty salt and info = label ‖ 00 ‖ fields. Fields must be of fixed size, but the last.
    #[must_use]
    pub fn derive_for(self, key: &[u8], fields: &[&[u8]]) -> Secret<32> {
        let mut info: Vec<&[u8]> = vec![self.as_str().as_bytes(), &[0]];
        info.extend_from_slice(fields);
        hkdf(key, &[], &info)
    }
}

/// What a signed statement is: the `typ` of a JWS, which is its domain separation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Typ {
    /// A key of an organisation, signed by its root.
    KeyStatement,
    /// A decision on a dossier, signed by the key manager.
    Decision,
    /// A record of a key manager, for the platform's trace.
    Record,
    /// A deposit's manifest, signed by a machine.
    Manifest,
    /// An intake takes up a deposit that was granted to it.
    IntakeRedemption,
    /// An intake's word on a file that it received.
    IntakeWord,
    /// The manifest of a dossier that is sealed in the profile `mob-2022`.
    MobManifest,
    /// What an application asks about a datum.
    ProtectCall,
    /// The element's word on a content of the profile `cbc-rs256`.
    Content,
    /// A policy of keyrings, signed by the security officer.
    KeyringPolicy,
    /// Who may do what with keyrings, signed by the security officer.
    KeyringAccess,
    /// The next security officer, signed by the one in office.
    KeyringOfficer,
    /// A keyring's activation package, signed by the element.
    KeyringPackage,
    /// To whom a keyring was handed, signed by its registration authority.
    KeyringDelivery,
    /// What a service provider asks of a keyring's holder.
    KeyringRequest,
    /// A message in a keyring's context, signed by an actor or a terminal.
    KeyringAsk,
    /// Signature activation data (EN 419241-1), signed by a terminal.
    KeyringSad,
    /// The element's word on a use of a keyring.
    KeyringProof,
    /// What a terminal asks of the host of its keyring.
    KeyringVisit,
}

impl Typ {
    /// Every typ.
    pub const ALL: &'static [Self] = &[
        Self::KeyStatement,
        Self::Decision,
        Self::Record,
        Self::Manifest,
        Self::IntakeRedemption,
        Self::IntakeWord,
        Self::MobManifest,
        Self::ProtectCall,
        Self::Content,
        Self::KeyringPolicy,
        Self::KeyringAccess,
        Self::KeyringOfficer,
        Self::KeyringPackage,
        Self::KeyringDelivery,
        Self::KeyringRequest,
        Self::KeyringAsk,
        Self::KeyringSad,
        Self::KeyringProof,
        Self::KeyringVisit,
    ];

    /// The `typ` as it is written in the JWS header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyStatement => "sceau-key-statement",
            Self::Decision => "sceau-decision",
            Self::Record => "sceau-record",
            Self::Manifest => "sceau-manifest",
            Self::IntakeRedemption => "sceau-intake-redemption",
            Self::IntakeWord => "sceau-intake-word",
            Self::MobManifest => "mob-2022-manifest",
            Self::ProtectCall => "sceau-protect-call",
            Self::Content => "sceau-content",
            Self::KeyringPolicy => "sceau-kr-policy",
            Self::KeyringAccess => "sceau-kr-access",
            Self::KeyringOfficer => "sceau-kr-officer",
            Self::KeyringPackage => "sceau-kr-package",
            Self::KeyringDelivery => "sceau-kr-delivery",
            Self::KeyringRequest => "sceau-kr-request",
            Self::KeyringAsk => "sceau-kr-message",
            Self::KeyringSad => "sceau-kr-sad",
            Self::KeyringProof => "sceau-kr-proof",
            Self::KeyringVisit => "sceau-kr-visit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_distinct_printable_and_none_begins_another() {
        let all: Vec<&str> = Label::ALL
            .iter()
            .map(|label| label.as_str())
            .chain(Typ::ALL.iter().map(|typ| typ.as_str()))
            .collect();
        for (i, one) in all.iter().enumerate() {
            assert!(
                one.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'),
                "{one}"
            );
            for (j, other) in all.iter().enumerate() {
                assert!(i == j || !other.starts_with(one), "{one} begins {other}");
            }
        }
    }

    #[test]
    fn labels_separate_hashes_and_keys() {
        let key = Secret::fill_with(|bytes| bytes.fill(3));
        assert_ne!(Label::Ed25519.hash(&[b"x"]), Label::PasskeyProof.hash(&[b"x"]));
        assert_ne!(Label::EnvelopeCommit.derive(&key), Label::EnvelopeHeader.derive(&key));
        assert_eq!(Label::Ed25519.hash(&[b"x"]), crate::sha256(b"sceau/ed25519\0x"));
        let box_of = |place: &[u8]| Label::KeyringBox.derive_for(key.expose(), &[place]);
        assert_ne!(box_of(b"x"), box_of(b"y"));
        assert_ne!(box_of(b"x"), Label::KeyringUse.derive_for(key.expose(), &[b"x"]));
    }
}
