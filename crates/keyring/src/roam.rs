//! A keyring comes to another terminal: the code that one terminal shows and the other is told, what comes of it, and the short code that both show.
//!
//! The code is drawn by the terminal that shows it. The element is given what proves it, and what it is found by; what opens the new terminal's part, and what
//! both screens show, come of the code alone, and the element has neither.

use sceau_crypto::{KeyId, Label, Secret, hmac};
use sceau_element_api::keyring::KeyringPhase;
use sceau_element_api::{Base64Url, KeyringId, Nonce, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::unlock::Carried;
use crate::{Factor, Identity};

/// A roaming code: 24 characters, 120 bits. It is good for minutes, and for one terminal.
pub type RoamingCode = Factor<24>;

/// What both terminals show, for their holder to compare: 8 characters, 40 bits.
///
/// It is made of the roaming code and the key of the terminal that came, and of nothing that who stands between could choose, but a key of their own. Who has the code
/// and wants another key to show the same has to find one among 2^40, each at the price of [`RoamingKeys::short`], within the minutes that the code is good.
pub type ShortCode = Factor<8>;

/// What proves a roaming code to the element, and the element to who has it. Redacted and zeroized as [`Secret`].
pub type RoamingProof = Carried<RoamingUse>;

/// Tells [`RoamingProof`] from other secrets that are carried.
#[derive(Debug, PartialEq, Eq)]
pub enum RoamingUse {}

/// What comes of a roaming code.
#[derive(Debug)]
pub struct RoamingKeys {
    /// What proves it.
    pub proof: RoamingProof,
    /// What the new terminal opens its part with, beside the PIN, until its first use.
    pub secret: Secret<32>,
    /// What the short code is made of. Who has it alone opens and proves nothing.
    pub short: Secret<32>,
}

impl RoamingKeys {
    /// Those of a code.
    #[must_use]
    pub fn of(code: &RoamingCode) -> Self {
        let key = |what: &[u8]| Label::KeyringRoam.derive_for(code.expose(), &[what]);
        Self { proof: Carried::from(key(b"proof")), secret: key(b"secret"), short: key(b"short") }
    }
}

impl RoamingProof {
    /// What the code is found by.
    #[must_use]
    pub fn place(&self) -> Hash {
        Hash::new(Label::KeyringRoam.hash(&[b"place", self.expose().expose()]))
    }

    /// The proof of a terminal that it has the code: in the context of this nonce, sealed to this key of the element's, under the key of this thumbprint.
    #[must_use]
    pub fn of_terminal(&self, nonce: &Nonce, channel: &KeyId, thumbprint: &[u8; 32]) -> Base64Url {
        self.over(&[b"terminal", &nonce.0, channel.as_bytes(), thumbprint])
    }

    /// The element's proof that it has it too, over what it answers.
    #[must_use]
    pub fn of_element(&self, nonce: &Nonce, channel: &KeyId, came: (KeyringId, TerminalId)) -> Base64Url {
        self.over(&[b"element", &nonce.0, channel.as_bytes(), came.0.as_bytes(), came.1.as_bytes()])
    }

    /// Whether `given` is such a proof, in constant time.
    #[must_use]
    pub fn is(given: &[u8], expected: &Base64Url) -> bool {
        let secret = |bytes| Secret::<32>::from_slice(bytes);
        matches!((secret(given), secret(expected)), (Ok(given), Ok(expected)) if given == expected)
    }

    /// Each part has one length, so that none is read as the end of another, but the first word: the two differ, and neither begins the other.
    fn over(&self, parts: &[&[u8]]) -> Base64Url {
        Base64Url::from(hmac(self.expose().expose(), parts).as_slice())
    }
}

/// The short code of the terminal whose key has this thumbprint, of what [`RoamingKeys::short`] is. It takes the time of a PIN's stretching.
#[cfg(feature = "terminal")]
#[must_use]
pub fn short_code(short: &Secret<32>, thumbprint: &[u8; 32]) -> Option<ShortCode> {
    let seed = Label::KeyringRoam.derive_for(short.expose(), &[b"shown", thumbprint]);
    crate::opaque::terminal::stretched(&seed).map(|stretched| Factor::of_bytes(&stretched))
}

/// A terminal that has a roaming code comes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrive {
    /// [`RoamingProof::place`].
    pub code: Hash,
    /// The terminal's public key, a P-256 SubjectPublicKeyInfo: the one that signs this message.
    pub device: Base64Url,
    /// [`RoamingProof::of_terminal`].
    pub proof: Base64Url,
    /// SHA-256 of what the terminal's environment is.
    pub image: Hash,
}

/// It came. Nothing of the keyring's holder is told yet.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrived {
    /// The keyring.
    pub keyring: KeyringId,
    /// The name that the terminal has.
    pub terminal: TerminalId,
    /// Until when it may go on, Unix ms.
    pub ends: u64,
    /// [`RoamingProof::of_element`].
    pub proof: Base64Url,
}

/// How far a roaming is: a bound terminal of the keyring asks, or the one that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoamingAt {
    /// The keyring.
    pub keyring: KeyringId,
    /// Which terminal asks.
    pub terminal: TerminalId,
}

/// The holder found the same short code on both terminals.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admit {
    /// The keyring.
    pub keyring: KeyringId,
    /// The terminal that asks: the one that showed the roaming code.
    pub terminal: TerminalId,
    /// Thumbprint of the key of which the holder compared the short code.
    pub thumbprint: Base64Url,
}

/// How far it is.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct RoamingState {
    /// How far.
    pub stage: RoamingStage,
    /// Where the keyring stands.
    pub phase: KeyringPhase,
    /// The terminal that may come, or came. Not written where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalId>,
    /// Thumbprint of the key of the one that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbprint: Option<Base64Url>,
    /// Until when it may go on, Unix ms.
    pub ends: u64,
    /// What the terminal that came is told once it is admitted, and nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted: Option<Box<Admitted>>,
    /// The element's time, Unix ms.
    pub time: u64,
}

/// How far a terminal is on its way to a keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoamingStage {
    /// No terminal came yet.
    Expected,
    /// One did.
    Came,
    /// Its holder found the same short code on both.
    Admitted,
    /// Nobody may come now: the code was used or taken back, or has ended.
    Over,
}

/// Whose the keyring is and what it is for, to be shown before the PIN is typed; and whom the terminal believes from now on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Admitted {
    /// The key's id, 16 bytes.
    pub key: Base64Url,
    /// Its holder.
    pub identity: Identity,
    /// Its policy, the exact bytes.
    pub policy: Base64Url,
    /// Who may ask, the exact bytes of the organisation's access document.
    pub access: Base64Url,
    /// The key of the element's word, a JWK.
    pub word: String,
    /// The holder's certificate, DER; none where there is no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Base64Url>,
    /// Those above it, DER.
    pub chain: Vec<Base64Url>,
}

/// What a terminal that has another one come asks with its attempt at the PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expecting {
    /// The name of the one that comes, drawn for this.
    pub terminal: TerminalId,
    /// OPAQUE's RegistrationRequest of the same PIN, 32 bytes.
    pub register: Base64Url,
}

/// What it brings when the PIN is proven.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTerminal {
    /// The name of the one that comes.
    pub terminal: TerminalId,
    /// OPAQUE's RegistrationRecord of the PIN under that name, 192 bytes.
    pub upload: Base64Url,
    /// What proves the roaming code.
    pub proof: RoamingProof,
    /// What opens the part of the one that comes, until its first use.
    pub unlock: crate::Unlock,
}

/// Support agrees that a terminal is taken off, as its holder asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dissociate {
    /// The keyring.
    pub keyring: KeyringId,
    /// Which of its terminals.
    pub terminal: TerminalId,
    /// SHA-256 of the version that was seen.
    pub version: Hash,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_comes_of_a_code_is_of_that_code_and_each_for_one_thing() {
        let code = RoamingCode::draw();
        let (keys, same, other) =
            (RoamingKeys::of(&code), RoamingKeys::of(&code), RoamingKeys::of(&RoamingCode::draw()));
        assert_eq!(keys.proof.place(), same.proof.place());
        assert_ne!(keys.proof.place(), other.proof.place());
        assert_ne!(keys.secret, keys.short);
        assert_ne!(&keys.secret, keys.proof.expose());
        assert_eq!(code.shown().len(), 29);
        assert!(!format!("{keys:?}").contains(&*code.shown()));
    }

    #[test]
    fn a_proof_is_of_one_context_element_terminal_and_direction() {
        let keys = RoamingKeys::of(&RoamingCode::draw());
        let (nonce, channel) = (Nonce([1; 32]), KeyId::from_bytes([2; 32]));
        let proof = keys.proof.of_terminal(&nonce, &channel, &[3; 32]);
        assert!(RoamingProof::is(&proof, &keys.proof.of_terminal(&nonce, &channel, &[3; 32])));
        let came = (KeyringId::random(), TerminalId::random());
        for other in [
            keys.proof.of_terminal(&Nonce([4; 32]), &channel, &[3; 32]),
            keys.proof.of_terminal(&nonce, &KeyId::from_bytes([4; 32]), &[3; 32]),
            keys.proof.of_terminal(&nonce, &channel, &[4; 32]),
            keys.proof.of_element(&nonce, &channel, came),
            RoamingKeys::of(&RoamingCode::draw()).proof.of_terminal(&nonce, &channel, &[3; 32]),
        ] {
            assert!(!RoamingProof::is(&proof, &other));
        }
        assert!(!RoamingProof::is(b"short", &proof));
    }

    #[cfg(feature = "terminal")]
    #[test]
    fn a_short_code_is_of_one_code_and_one_key() {
        let keys = RoamingKeys::of(&RoamingCode::draw());
        let shown = |short: &Secret<32>, print: [u8; 32]| short_code(short, &print).unwrap();
        assert_eq!(shown(&keys.short, [1; 32]), shown(&keys.short, [1; 32]));
        assert_ne!(shown(&keys.short, [1; 32]), shown(&keys.short, [2; 32]));
        let other = RoamingKeys::of(&RoamingCode::draw());
        assert_ne!(shown(&keys.short, [1; 32]), shown(&other.short, [1; 32]));
        assert_eq!(shown(&keys.short, [1; 32]).shown().len(), 9);
    }
}
