//! What a service provider asks of a keyring's holder: what is shown, and what is signed.

use sceau_crypto::{Label, Typ, sha256};
use sceau_element_api::keyring::{KeyringAlgorithm, LONGEST_OPEN, RequestKind};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::legible;
use crate::statement::{Statement, malformed};

/// The longest request, in characters of its JWS: it travels within a message of 64 KiB.
pub const LONGEST_REQUEST: usize = 32 * 1024;
/// The most items of a request.
pub const MOST_ITEMS: usize = 100;
/// How far the clock of who asks may be ahead of the one at the door, in ms.
const SKEW: u64 = 60_000;

/// A request (JWS typ `sceau-kr-request`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Format version, 1.
    pub v: u32,
    /// Its id: it is granted once.
    pub request: KeyringRequestId,
    /// Which service provider asks; of what a holder asks of their own keyring, [`KeyringActorId::of_holder`].
    pub provider: KeyringActorId,
    /// Of which keyring.
    pub keyring: KeyringId,
    /// What for.
    pub kind: RequestKind,
    /// What the holder reads before anything.
    pub description: String,
    /// What is signed, in this order, each with its name. None where only who it is is asked.
    pub items: Vec<Item>,
    /// How the items are hashed: `SHA-256`.
    pub hash: ItemHash,
    /// How they are signed. Written exactly where it asks to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<KeyringAlgorithm>,
    /// The name of the element's log.
    pub aud: String,
    /// When it was made, Unix ms.
    pub time: u64,
    /// Until when it is good, Unix ms: ten minutes at most.
    pub ends: u64,
    /// What its sender wants back in the proof. Not written where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Which terminal is to be taken off. Written exactly where a holder asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalId>,
}

/// How what is signed is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemHash {
    /// SHA-256.
    #[serde(rename = "SHA-256")]
    Sha256,
}

/// One thing to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What the holder reads of it.
    pub label: String,
    /// Its hash, 32 bytes.
    pub hash: Base64Url,
}

impl Request {
    /// Hash of what is displayed: the description as it is, and each item with its hash.
    #[must_use]
    pub fn description_hash(&self) -> Hash {
        let mut hash = Label::KeyringDescription.hasher();
        let mut field = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        field(self.description.as_bytes());
        for item in &self.items {
            field(item.label.as_bytes());
            field(&item.hash);
        }
        Hash::new(hash.finish())
    }

    /// SHA-256 of a request's JWS, which names it in consents and records.
    #[must_use]
    pub fn hash_of(jws: &str) -> Hash {
        Hash::new(sha256(jws.as_bytes()))
    }

    /// Whether its holder asks it, on a terminal of the keyring, and no provider.
    #[must_use]
    pub fn is_holders(&self) -> bool {
        is_holders(self.kind) && self.provider == KeyringActorId::of_holder(self.keyring)
    }

    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_good_at(&self, now: u64) -> bool {
        now < self.ends && self.time <= now.saturating_add(SKEW)
    }
}

/// Whether this is what holders ask of their own keyring, on a terminal of it, and nobody else.
#[must_use]
pub fn is_holders(kind: RequestKind) -> bool {
    match kind {
        RequestKind::Destroy
        | RequestKind::Roam
        | RequestKind::Join
        | RequestKind::Dissociate
        | RequestKind::Face => true,
        RequestKind::Sign | RequestKind::Authenticate => false,
    }
}

impl Statement for Request {
    const TYP: Typ = Typ::KeyringRequest;
    const LONGEST: usize = LONGEST_REQUEST;
    const CODE: Code = Code::RequestInvalid;

    fn check(&self) -> Result<(), Refusal> {
        let rule = |holds: bool, rule: &str| if holds { Ok(()) } else { Err(malformed::<Self>(rule)) };
        rule(self.v == 1, "v is 1")?;
        let signs = self.kind == RequestKind::Sign;
        rule(signs != self.items.is_empty(), "items exactly where it asks to sign")?;
        rule(signs == self.algorithm.is_some(), "an algorithm exactly where it asks to sign")?;
        let takes_off = self.kind == RequestKind::Dissociate;
        rule(takes_off == self.terminal.is_some(), "a terminal exactly where it asks to take one off")?;
        rule(self.items.len() <= MOST_ITEMS, "at most 100 items")?;
        rule(self.items.iter().all(|item| item.hash.len() == 32), "each hash has 32 bytes")?;
        let longest = u64::from(LONGEST_OPEN) * 1000;
        let lasts = self.ends.checked_sub(self.time).is_some_and(|lasts| (1..=longest).contains(&lasts));
        rule(lasts, "it ends within ten minutes of when it was made")?;
        let nonce = self.nonce.as_ref().is_none_or(|nonce| (1..=128).contains(&nonce.len()));
        rule(nonce, "a nonce of 1 to 128 bytes")?;
        let told = |illegible: legible::Illegible| malformed::<Self>(&illegible.to_string());
        legible::description(&self.description).map_err(told)?;
        self.items.iter().try_for_each(|item| legible::label(&item.label)).map_err(told)
    }
}
