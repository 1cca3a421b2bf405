//! The registration authority's word on whom a keyring was handed to: what makes it somebody's.

use sceau_crypto::Typ;
use sceau_element_api::KeyringId;
use sceau_element_api::wire::{Code, Refusal};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::package::PolicyRef;
use crate::statement::{Statement, malformed};

/// A proof of delivery (JWS typ `sceau-kr-delivery`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Format version, 1.
    pub v: u32,
    /// The keyring.
    pub keyring: KeyringId,
    /// SHA-256 of its package, the JWS.
    pub package: Hash,
    /// The policy that the package names.
    pub policy: PolicyRef,
    /// What the authority calls the holder, 1 to 128 characters.
    pub holder: String,
    /// Who they are.
    pub identity: Identity,
    /// [`crate::factors_hash`] of what was handed over.
    pub factors: Hash,
    /// By which channels, in a word each: `hand`, `post`, `sms`. Of two factors the code's, then the second one's.
    pub channels: Vec<String>,
    /// When, Unix ms.
    pub time: u64,
}

impl Delivery {
    /// Whether it names one channel for each of two factors, and another one.
    #[must_use]
    pub fn is_by_two_channels(&self) -> bool {
        matches!(&*self.channels, [code, second] if !code.eq_ignore_ascii_case(second))
    }
}

impl Statement for Delivery {
    const TYP: Typ = Typ::KeyringDelivery;
    const CODE: Code = Code::DocumentMalformed;

    fn check(&self) -> Result<(), Refusal> {
        let word = |word: &String| {
            (1..=32).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let channels = (1..=4).contains(&self.channels.len()) && self.channels.iter().all(word);
        let holder =
            (1..=128).contains(&self.holder.chars().count()) && !self.holder.chars().any(char::is_control);
        let holds = self.v == 1 && channels && holder;
        if holds { Ok(()) } else { Err(malformed::<Self>("v 1, a holder, 1 to 4 channels of a word each")) }
    }
}
