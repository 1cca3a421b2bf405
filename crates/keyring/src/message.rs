//! What is asked and answered in a context, once it is opened.

use sceau_crypto::{KeyId, Typ};
use sceau_element_api::keyring::KeyringPhase;
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId, Nonce, PolicyId, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::statement::{Statement, malformed};
use crate::{
    Admit, Arrive, Arrived, Destroy, Dissociate, ExpectedTerminal, Expecting, Identity, LookAt, PackageJws,
    Resume, RoamingAt, RoamingState, SealedCapture, Standing, Stopped, Suspend, Unlock,
};

/// The most messages in one context.
pub const MOST_MESSAGES: u64 = 16;

/// A message, signed by its actor's or terminal's key (JWS typ `sceau-kr-message`), then sealed in its context.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Format version, 1.
    pub v: u32,
    /// The name of the element's log.
    pub aud: String,
    /// The element's key that its signer sealed the context to: who sits between, with a key of its own, has nothing to pass on.
    pub channel: KeyId,
    /// The context, 16 bytes.
    pub context: Base64Url,
    /// Its number in the context, from 1 on.
    pub seq: u64,
    /// When its signer says that it was made, Unix ms. It is believed of nothing.
    pub time: u64,
    /// SHA-256 of what the environment is that a bound terminal runs in, now: the element compares it with the one that it was bound in. Not written by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Hash>,
    /// What is asked.
    pub ask: Ask,
}

impl Statement for Message {
    const TYP: Typ = Typ::KeyringAsk;
    // A picture of a face of 160 by 160 pixels, and what is around it, encoded twice.
    const LONGEST: usize = 176 * 1024;
    const CODE: Code = Code::Malformed;

    fn check(&self) -> Result<(), Refusal> {
        let holds = self.v == 1 && self.context.len() == 16 && (1..=MOST_MESSAGES).contains(&self.seq);
        if holds { Ok(()) } else { Err(malformed::<Self>("v 1, a context of 16 bytes, seq 1 to 16")) }
    }
}

/// What is asked.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Ask {
    /// A registration authority: make a keyring, of nobody yet.
    Fabricate {
        /// Under this policy.
        policy: PolicyId,
    },
    /// A registration authority: it was handed to its holder.
    Deliver {
        /// JWS typ `sceau-kr-delivery`.
        delivery: String,
    },
    /// A terminal that has the factors: activate.
    Activate(Activate),
    /// The same terminal: the holder has read who and what, and chosen a PIN.
    Confirm(Confirm),
    /// A bound terminal: begin to prove the PIN, for a request.
    Login(Login),
    /// It: the PIN was wrong.
    Failed {},
    /// It: the PIN is proven, and the holder agreed.
    Use(Use),
    /// A bound terminal, the keyring's registration authority, or support: where does it stand, and what was done?
    Look(LookAt),
    /// One of the same: stop it.
    Suspend(Suspend),
    /// The registration authority: let it go on.
    Resume(Resume),
    /// The registration authority: end it, for good.
    Destroy(Destroy),
    /// A terminal that has a roaming code: be one of the keyring.
    Arrive(Arrive),
    /// That terminal, or a bound one: how far it is.
    Roaming(RoamingAt),
    /// The terminal that showed the roaming code: both show the same short code.
    Admit(Admit),
    /// A bound terminal: the roaming code is of no use any more.
    Withdraw(RoamingAt),
    /// Support: a terminal is taken off, as its holder asked.
    Dissociate(Dissociate),
}

/// A terminal proves the factors, and begins to register a PIN.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    /// The keyring.
    pub keyring: KeyringId,
    /// The terminal's public key, a P-256 SubjectPublicKeyInfo: the one that signs this message.
    pub device: Base64Url,
    /// [`crate::first_proof`].
    pub first: Base64Url,
    /// [`crate::second_proof`]. Not written where there is no second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Base64Url>,
    /// OPAQUE's RegistrationRequest, 32 bytes.
    pub register: Base64Url,
}

/// A terminal binds itself, with what it read to its holder.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// OPAQUE's RegistrationRecord, 192 bytes.
    pub upload: Base64Url,
    /// What will open the terminal's part of the key, until its first use.
    pub unlock: Unlock,
    /// [`Identity::hash`] of whom it showed.
    pub identity: Hash,
    /// SHA-256 of the policy that it showed.
    pub policy: Hash,
    /// SHA-256 of what the terminal's environment is.
    pub image: Hash,
}

/// A terminal begins to prove a PIN.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The keyring.
    pub keyring: KeyringId,
    /// The terminal.
    pub terminal: TerminalId,
    /// What for: JWS typ `sceau-kr-request`.
    pub request: String,
    /// OPAQUE's KE1, 96 bytes.
    pub ke1: Base64Url,
    /// Which terminal is to come. Written exactly where the request has one come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expecting: Option<Expecting>,
}

/// A terminal proves the PIN and its holder's consent.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// OPAQUE's KE3, 64 bytes.
    pub ke3: Base64Url,
    /// [`crate::seal_inner`] of an [`Inner`].
    pub inner: Base64Url,
    /// The holder's face. Written exactly where the challenge offered a key for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<FaceBrought>,
}

/// A picture of the holder's face, sealed to the biometric process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceBrought {
    /// The picture.
    pub capture: SealedCapture,
    /// The template that it is compared with, as the element gave it out; none where one is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Base64Url>,
}

/// What only the session that the PIN gave opens.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inner {
    /// JWS typ `sceau-kr-sad`, by the terminal's key.
    pub sad: String,
    /// What opens the terminal's part of the key: one, or two where the terminal does not know whether its last use was taken.
    pub unlock: Vec<Unlock>,
    /// What will open it from now on.
    pub next: Unlock,
    /// The terminal that may come. Written exactly where the request has one come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedTerminal>,
}

/// What is answered.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// It is not done.
    Refused(Refusal),
    /// To [`Ask::Fabricate`].
    Fabricated {
        /// JWS typ `sceau-kr-package`, by the element.
        package: PackageJws,
    },
    /// To [`Ask::Deliver`].
    Delivered {
        /// Index of the record.
        index: u64,
    },
    /// To [`Ask::Activate`].
    Activating(Box<Activating>),
    /// To [`Ask::Confirm`].
    Activated(Activated),
    /// To [`Ask::Login`].
    Challenge(Challenge),
    /// To [`Ask::Failed`].
    Noted {},
    /// To [`Ask::Use`].
    Used(Used),
    /// To [`Ask::Look`].
    Standing(Box<Standing>),
    /// To [`Ask::Suspend`], [`Ask::Resume`] and [`Ask::Destroy`].
    Stopped(Stopped),
    /// To [`Ask::Arrive`].
    Arrived(Arrived),
    /// To [`Ask::Roaming`].
    Roaming(Box<RoamingState>),
    /// To [`Ask::Admit`], [`Ask::Withdraw`] and [`Ask::Dissociate`].
    Recorded {
        /// Index of the record.
        index: u64,
    },
}

/// Whose the keyring is and what it is for, to be shown before a PIN is chosen.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Activating {
    /// The name that the terminal will have.
    pub terminal: TerminalId,
    /// The id that the key will have, 16 bytes.
    pub key: Base64Url,
    /// Where the keyring stands: `delivered`, if nobody was here before.
    pub phase: KeyringPhase,
    /// Its holder.
    pub identity: Identity,
    /// Its policy, the exact bytes.
    pub policy: Base64Url,
    /// Who may ask, the exact bytes of the organisation's access document.
    pub access: Base64Url,
    /// [`crate::answer_proof`]: the element has the factors too.
    pub proof: Base64Url,
    /// OPAQUE's RegistrationResponse, 64 bytes.
    pub response: Base64Url,
}

/// The keyring is its holder's.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Activated {
    /// `active`, or `certifying` until an outside authority answers.
    pub phase: KeyringPhase,
    /// The holder's certificate, DER.
    pub certificate: Option<Base64Url>,
    /// Those above it, DER.
    pub chain: Vec<Base64Url>,
    /// Index of the record.
    pub index: u64,
    /// The key's id, 16 bytes.
    pub key: Base64Url,
}

/// The element's side of the PIN, and what the consent must name.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Challenge {
    /// OPAQUE's KE2, 320 bytes.
    pub ke2: Base64Url,
    /// The keyring's version.
    pub version: u64,
    /// SHA-256 of that version.
    pub hash: Hash,
    /// SHA-256 of its policy.
    pub policy: Hash,
    /// The context's nonce.
    pub challenge: Nonce,
    /// OPAQUE's RegistrationResponse for the terminal that is to come, 64 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Base64Url>,
    /// What a picture of the holder's face is sealed to. Written exactly where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Box<FaceOffer>>,
}

/// The biometric process, as the element vouches for it: what says so opens in the element's channel alone.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceOffer {
    /// Its key of this context (X-Wing), 1,216 bytes.
    pub key: Base64Url,
    /// SHA-256 of the model that it compares by.
    pub model: Hash,
    /// The width of the picture that the model takes, in pixels.
    pub width: u16,
    /// Its height.
    pub height: u16,
}

/// It is done.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// One for each item, in their order: ECDSA-Sig-Value DER, or PKCS #1 v1.5. None where only who it was is proven.
    pub signatures: Vec<Base64Url>,
    /// Index of the record.
    pub index: u64,
    /// JWS typ `sceau-kr-proof`, by the element.
    pub proof: String,
    /// The holder's certificate, DER: a terminal whose activation was not answered knows it from here. Keyrings that only authenticate have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Base64Url>,
    /// Those above it, DER.
    pub chain: Vec<Base64Url>,
    /// The template of the holder's face, sealed. The element has its hash alone: the terminal keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Base64Url>,
}
