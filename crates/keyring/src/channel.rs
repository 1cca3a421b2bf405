//! The channel from an actor or a terminal to the element, over whatever carries it: a key that was wrapped for the element alone, one message at a time.

use sceau_crypto::{
    BlobError, Cek, FileId, KeyId, Label, RecipientKey, RecipientSuite, SealedBlob, Secret, wrap_cek,
};
use sceau_element_api::keyring::ContextOffer;
use sceau_element_api::{Base64Url, Nonce};
use zeroize::Zeroizing;

use crate::Answer;
use crate::json::json_of;

/// A context, named by its nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContextId(pub [u8; 16]);

impl ContextId {
    /// The context of a nonce: the first 16 bytes of its hash.
    #[must_use]
    pub fn of(nonce: &Nonce) -> Self {
        Self(first_half(Label::KeyringContext.hash(&[&nonce.0])))
    }
}

impl TryFrom<&[u8]> for ContextId {
    type Error = ChannelError;

    fn try_from(bytes: &[u8]) -> Result<Self, ChannelError> {
        bytes.try_into().map(Self).map_err(|_| ChannelError::Offer)
    }
}

impl From<ContextId> for Base64Url {
    fn from(id: ContextId) -> Self {
        Self::from(id.0.as_slice())
    }
}

/// What a context's key is wrapped for, as a CEK is for its file: one nonce, and no other.
#[must_use]
pub fn file_of(context: &ContextId, nonce: &Nonce) -> FileId {
    FileId::from_bytes(first_half(Label::KeyringContext.hash(&[&context.0, &nonce.0])))
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    half
}

/// A channel is not opened, or something in it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// Its id is not its nonce's.
    #[error("the context that was offered is not one: who carries it altered it, ask again")]
    Offer,
    /// Its key is not one.
    #[error("the element's channel key cannot be read: who carries it altered it, ask again")]
    Key,
    /// Its key is another one than was pinned.
    #[error(
        "this is not the element that was pinned: somebody stands in between, or the element was replaced; \
         ask its administrator for its channel key"
    )]
    OtherElement,
    /// What came does not open here.
    #[error("a message does not open: it was altered, or is not of this context and place")]
    Sealed,
    /// What opened is not a message.
    #[error("a message opened and cannot be read: the other side is of another version")]
    Malformed,
}

impl ChannelError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Offer => "channel_offer",
            Self::Key => "channel_key",
            Self::OtherElement => "channel_other_element",
            Self::Sealed => "channel_sealed",
            Self::Malformed => "channel_malformed",
        }
    }
}

impl From<BlobError> for ChannelError {
    fn from(_: BlobError) -> Self {
        Self::Sealed
    }
}

/// The keys of one context, one for each direction.
#[derive(Debug)]
pub struct Channel {
    id: ContextId,
    up: Secret<32>,
    down: Secret<32>,
}

impl Channel {
    /// The channel of a context whose key is known: both sides.
    #[must_use]
    pub fn of(context: ContextId, cek: &Cek) -> Self {
        let key = |label: Label| label.derive_for(cek.expose(), &[&context.0]);
        Self { id: context, up: key(Label::KeyringUp), down: key(Label::KeyringDown) }
    }

    /// Begins the channel of an offer: draws its key, and gives it wrapped for the element. Only the element of the `pinned` key is spoken to, where one is pinned.
    ///
    /// # Errors
    /// [`ChannelError::Offer`], [`ChannelError::Key`], [`ChannelError::OtherElement`].
    pub fn begin(offer: &ContextOffer, pinned: Option<KeyId>) -> Result<(Self, Vec<u8>), ChannelError> {
        let id = ContextId::of(&offer.nonce);
        if *offer.id != id.0 {
            return Err(ChannelError::Offer);
        }
        let key = recipient(&offer.channel)?;
        if pinned.is_some_and(|pinned| pinned != key.key_id()) {
            return Err(ChannelError::OtherElement);
        }
        let cek = Cek::random();
        let wrapped = wrap_cek(&key, &file_of(&id, &offer.nonce), &cek).wrapped;
        Ok((Self::of(id, &cek), wrapped))
    }

    /// Its context.
    #[must_use]
    pub fn id(&self) -> ContextId {
        self.id
    }

    /// Seals the signed message of this number.
    #[must_use]
    pub fn seal_up(&self, seq: u64, jws: &str) -> Vec<u8> {
        seal(&self.up, &self.place(b'U', seq), jws.as_bytes())
    }

    /// Opens it, on the element's side.
    ///
    /// # Errors
    /// [`ChannelError::Sealed`], [`ChannelError::Malformed`].
    pub fn open_up(&self, seq: u64, sealed: &[u8]) -> Result<Zeroizing<String>, ChannelError> {
        let bytes = open(&self.up, &self.place(b'U', seq), sealed)?;
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| ChannelError::Malformed)?;
        Ok(Zeroizing::new(text))
    }

    /// Seals the answer of this number.
    #[must_use]
    pub fn seal_down(&self, seq: u64, answer: &Answer) -> Vec<u8> {
        seal(&self.down, &self.place(b'D', seq), &json_of(answer))
    }

    /// Opens it, on the actor's side.
    ///
    /// # Errors
    /// [`ChannelError::Sealed`], [`ChannelError::Malformed`].
    pub fn open_down(&self, seq: u64, sealed: &[u8]) -> Result<Answer, ChannelError> {
        let json = open(&self.down, &self.place(b'D', seq), sealed)?;
        serde_json::from_slice(&json).map_err(|_| ChannelError::Malformed)
    }

    /// Context, direction and number: a message moved to another place does not open.
    fn place(&self, direction: u8, seq: u64) -> [u8; 25] {
        let mut place = [0; 25];
        let parts = self.id.0.into_iter().chain([direction]).chain(seq.to_be_bytes());
        place.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        place
    }
}

/// The id of a channel key: what is pinned, and what messages name.
///
/// # Errors
/// [`ChannelError::Key`].
pub fn channel_id(channel: &[u8]) -> Result<KeyId, ChannelError> {
    recipient(channel).map(|key| key.key_id())
}

fn recipient(channel: &[u8]) -> Result<RecipientKey, ChannelError> {
    RecipientKey::parse(RecipientSuite::HpkeXWing, channel).map_err(|_| ChannelError::Key)
}

fn seal(key: &Secret<32>, place: &[u8], bytes: &[u8]) -> Vec<u8> {
    SealedBlob::seal(key, Label::KeyringMessage, place, bytes).as_bytes().to_vec()
}

fn open(key: &Secret<32>, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
    let blob = SealedBlob::from_bytes(sealed.to_vec())?;
    Ok(Zeroizing::new(blob.open(key, Label::KeyringMessage, place)?.expose().to_vec()))
}
