//! What of a keyring's key only its holder's terminal can give: the box that holds its secret part, and what opens it.

use std::marker::PhantomData;

use sceau_crypto::{Label, SealedBlob, Secret, SecretBytes};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use crate::json::json_of;
use crate::statement::malformed;
use crate::{ContextId, Inner, Message};

/// A secret of 32 bytes that goes sealed in a message: base64url in JSON, redacted and zeroized as [`Secret`]. `For` says what it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Carried<For>(Secret<32>, PhantomData<For>);

impl<For> Carried<For> {
    /// Its bytes.
    #[must_use]
    pub fn expose(&self) -> &Secret<32> {
        &self.0
    }
}

impl<For> From<Secret<32>> for Carried<For> {
    fn from(secret: Secret<32>) -> Self {
        Self(secret, PhantomData)
    }
}

impl<For> Serialize for Carried<For> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(Base64Url::from(self.0.expose().as_slice()).encode());
        serializer.serialize_str(&text)
    }
}

impl<'de, For> Deserialize<'de> for Carried<For> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = Base64Url::deserialize(deserializer)?;
        let secret = Secret::from_slice(&bytes);
        bytes.0.zeroize();
        secret.map(Self::from).map_err(|_| serde::de::Error::custom("32 bytes in base64url expected"))
    }
}

/// What opens a terminal's box until the next use: 32 bytes that nobody keeps.
pub type Unlock = Carried<BoxUse>;

/// Tells [`Unlock`] from other secrets that are carried.
#[derive(Debug, PartialEq, Eq)]
pub enum BoxUse {}

/// The id of the key where there is none: of keyrings that only authenticate.
pub const NO_KEY: [u8; 16] = [0; 16];

/// Where a box belongs: a keyring, one of its terminals, and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The keyring.
    pub keyring: KeyringId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The key, 16 bytes.
    pub key: [u8; 16],
}

impl Place {
    /// Texts of 36 characters, and the key.
    fn bytes(&self) -> Vec<u8> {
        [self.keyring.to_string().as_bytes(), self.terminal.to_string().as_bytes(), &self.key].concat()
    }
}

/// The holder's part of the key that wraps the private key: 32 random bytes.
pub type KeySecret = Secret<32>;

/// What the PIN (OPAQUE's export key) and the terminal's secret open together.
#[must_use]
pub fn unlock_of(export: &Secret<64>, secret: &Secret<32>, place: &Place) -> Unlock {
    let both = Secret::<96>::fill_with(|bytes| {
        let parts = export.expose().iter().chain(secret.expose());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
    });
    Unlock::from(Label::KeyringUnlock.derive_for(both.expose(), &[&place.bytes()]))
}

/// A box, or what came with a use, does not open: it was made for another unlock or place, or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not open: another PIN, another terminal, or a secret of before the last use")]
#[non_exhaustive]
pub struct BoxError;

impl BoxError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "secret_stale"
    }
}

/// Seals the holder's part for one terminal, until its next use.
#[must_use]
pub fn seal_box(unlock: &Unlock, place: &Place, secret: &KeySecret) -> Vec<u8> {
    SealedBlob::seal(&unlock.0, Label::KeyringBox, &place.bytes(), secret.expose()).as_bytes().to_vec()
}

/// Opens what [`seal_box`] made.
///
/// # Errors
/// [`BoxError`].
pub fn open_box(unlock: &Unlock, place: &Place, sealed: &[u8]) -> Result<KeySecret, BoxError> {
    let opened = open(&unlock.0, Label::KeyringBox, &place.bytes(), sealed)?;
    Secret::from_slice(opened.expose()).map_err(|_| BoxError)
}

/// Seals what only who proved the PIN may say: under the session key that OPAQUE gave, for this context.
#[must_use]
pub fn seal_inner(session: &Secret<64>, context: &ContextId, inner: &Inner) -> Vec<u8> {
    let json = json_of(inner);
    let key = Label::KeyringUse.derive_for(session.expose(), &[&context.0]);
    SealedBlob::seal(&key, Label::KeyringUse, &context.0, &json).as_bytes().to_vec()
}

/// Opens what [`seal_inner`] made.
///
/// # Errors
/// [`sceau_element_api::wire::Refusal`] of a malformed message.
pub fn open_inner(
    session: &Secret<64>,
    context: &ContextId,
    sealed: &[u8],
) -> Result<Inner, sceau_element_api::wire::Refusal> {
    let key = Label::KeyringUse.derive_for(session.expose(), &[&context.0]);
    let refused = || malformed::<Message>("its inner part is not of this session");
    let json = open(&key, Label::KeyringUse, &context.0, sealed).map_err(|_| refused())?;
    let inner: Inner = serde_json::from_slice(json.expose()).map_err(|_| refused())?;
    if (1..=2).contains(&inner.unlock.len()) { Ok(inner) } else { Err(refused()) }
}

fn open(key: &Secret<32>, label: Label, place: &[u8], sealed: &[u8]) -> Result<SecretBytes, BoxError> {
    let blob = SealedBlob::from_bytes(sealed.to_vec()).map_err(|_| BoxError)?;
    blob.open(key, label, place).map_err(|_| BoxError)
}
