//! A picture of a face, cut out and scaled as the model takes it, and how it is sealed.

use std::fmt;

use sceau_crypto::{
    Cek, FileId, Label, RecipientKey, RecipientSuite, SealedBlob, SecretBytes, XWingPrivateKey, sha256,
    wrap_cek,
};
use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use crate::ContextId;

/// The smallest side of a picture, in pixels.
pub const SMALLEST_SIDE: u16 = 8;
/// The largest side of a picture, in pixels: what models of faces take, and a message holds.
pub const LARGEST_SIDE: u16 = 160;
/// The longest sealed template, in bytes.
pub const LONGEST_TEMPLATE: usize = 12 * 1024;

/// Bytes of what comes before the pixels.
const HEAD: usize = 4;

/// A picture of a face: 8 bits for each of red, green and blue, row by row from the top. Wiped when it is dropped, and never shown.
pub struct Capture {
    width: u16,
    height: u16,
    pixels: SecretBytes,
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capture({} by {})", self.width, self.height)
    }
}

/// A picture is not taken, or what was sealed is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Not a binary PPM of 8 bits.
    #[error("the picture is no binary PPM (P6) of 255 levels: write one, for instance with ImageMagick")]
    Format,
    /// Its sides are out of bounds, or it is longer or shorter than they say.
    #[error("the picture must have 8 to 160 pixels each way, and be as long as its head says")]
    Size,
    /// The key that it should be sealed to is none.
    #[error("the key of the biometric process cannot be read")]
    Key,
    /// What came does not open here.
    #[error("the picture was sealed for another use, or altered")]
    Sealed,
}

impl CaptureError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "face_invalid"
    }
}

impl Capture {
    /// A picture of these pixels.
    ///
    /// # Errors
    /// [`CaptureError::Size`].
    pub fn new(width: u16, height: u16, pixels: Vec<u8>) -> Result<Self, CaptureError> {
        let pixels = SecretBytes::new(pixels);
        let sides = SMALLEST_SIDE..=LARGEST_SIDE;
        let length = usize::from(width) * usize::from(height) * 3;
        let holds = sides.contains(&width) && sides.contains(&height) && pixels.expose().len() == length;
        if holds { Ok(Self { width, height, pixels }) } else { Err(CaptureError::Size) }
    }

    /// Reads a binary PPM (`P6`, ppm(5)) of 255 levels. Comments are not taken, and nothing may follow.
    ///
    /// # Errors
    /// [`CaptureError::Format`], [`CaptureError::Size`].
    pub fn from_ppm(bytes: &[u8]) -> Result<Self, CaptureError> {
        let mut rest = bytes.strip_prefix(b"P6").ok_or(CaptureError::Format)?;
        let mut number = || -> Result<u16, CaptureError> {
            let after = rest.trim_ascii_start();
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let spaced = after.len() < rest.len() && (1..=5).contains(&digits);
            let (digits, then) =
                after.split_at_checked(digits).filter(|_| spaced).ok_or(CaptureError::Format)?;
            rest = then;
            std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok())
                .ok_or(CaptureError::Format)
        };
        let (width, height, levels) = (number()?, number()?, number()?);
        match rest.split_first() {
            Some((after, pixels)) if levels == 255 && after.is_ascii_whitespace() => {
                Self::new(width, height, pixels.to_vec())
            }
            _ => Err(CaptureError::Format),
        }
    }

    /// Its width, in pixels.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Its height, in pixels.
    #[must_use]
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Its pixels: red, green, blue, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        self.pixels.expose()
    }

    fn to_bytes(&self) -> SecretBytes {
        let mut bytes = Vec::with_capacity(HEAD + self.pixels().len());
        bytes.extend(self.width.to_be_bytes());
        bytes.extend(self.height.to_be_bytes());
        bytes.extend(self.pixels());
        SecretBytes::new(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, CaptureError> {
        let (head, pixels) = bytes.split_first_chunk::<HEAD>().ok_or(CaptureError::Size)?;
        let [a, b, c, d] = *head;
        Self::new(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), pixels.to_vec())
    }
}

/// What a picture is for: it opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FacePlace {
    /// The context of the exchange: it has one use, and so has the key of the process.
    #[serde(with = "context")]
    pub context: ContextId,
    /// The keyring.
    pub keyring: KeyringId,
    /// The terminal.
    pub terminal: TerminalId,
    /// SHA-256 of the request, its JWS.
    pub request: Hash,
    /// SHA-256 of the model's file.
    pub model: Hash,
    /// [`template_hash`] of what it is compared with; none where one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Hash>,
}

mod context {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Base64Url, ContextId};

    pub(super) fn serialize<S: Serializer>(id: &ContextId, serializer: S) -> Result<S::Ok, S::Error> {
        Base64Url::from(*id).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ContextId, D::Error> {
        let bytes = Base64Url::deserialize(deserializer)?;
        ContextId::try_from(&*bytes).map_err(|_| serde::de::Error::custom("16 bytes in base64url expected"))
    }
}

impl FacePlace {
    /// Fields of fixed size; a template that is none is 32 zeros, which is no hash.
    fn bytes(&self) -> Vec<u8> {
        let template = self.template.map_or([0; 32], |template| *template.as_bytes());
        [
            self.context.0.as_slice(),
            self.keyring.as_bytes(),
            self.terminal.as_bytes(),
            self.request.as_bytes(),
            self.model.as_bytes(),
            &template,
        ]
        .concat()
    }

    fn file(&self) -> FileId {
        let mut half = [0; 16];
        let hash = Label::KeyringCapture.hash(&[&self.bytes()]);
        half.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
        FileId::from_bytes(half)
    }
}

/// A picture on its way: its key wrapped to the process (X-Wing), and itself under that key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedCapture {
    /// The key, wrapped.
    pub wrapped: Base64Url,
    /// The picture, sealed.
    pub sealed: Base64Url,
}

/// Seals a picture to this key of the process (an X-Wing public key, 1,216 bytes) for one place.
///
/// # Errors
/// [`CaptureError::Key`].
pub fn seal_capture(key: &[u8], place: &FacePlace, capture: &Capture) -> Result<SealedCapture, CaptureError> {
    let key = RecipientKey::parse(RecipientSuite::HpkeXWing, key).map_err(|_| CaptureError::Key)?;
    let cek = Cek::random();
    let wrapped = wrap_cek(&key, &place.file(), &cek).wrapped;
    let (under, bytes) =
        (Label::KeyringCapture.derive_for(cek.expose(), &[&place.bytes()]), capture.to_bytes());
    let sealed = SealedBlob::seal(&under, Label::KeyringCapture, &place.bytes(), bytes.expose());
    Ok(SealedCapture { wrapped: wrapped.into(), sealed: sealed.as_bytes().into() })
}

/// Opens what [`seal_capture`] made, on the side of the process.
///
/// # Errors
/// [`CaptureError::Sealed`], [`CaptureError::Size`].
pub fn open_capture(
    key: &XWingPrivateKey,
    place: &FacePlace,
    capture: &SealedCapture,
) -> Result<Capture, CaptureError> {
    let cek = key.unwrap_cek(&place.file(), &capture.wrapped).map_err(|_| CaptureError::Sealed)?;
    let under = Label::KeyringCapture.derive_for(cek.expose(), &[&place.bytes()]);
    let blob = SealedBlob::from_bytes(capture.sealed.0.clone()).map_err(|_| CaptureError::Sealed)?;
    let bytes = blob.open(&under, Label::KeyringCapture, &place.bytes()).map_err(|_| CaptureError::Sealed)?;
    Capture::from_bytes(bytes.expose())
}

/// What the element knows of a sealed template: its SHA-256.
#[must_use]
pub fn template_hash(template: &[u8]) -> Hash {
    Hash::new(sha256(template))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use proptest::prelude::*;
    use sceau_crypto::Secret;

    use super::*;

    fn place() -> FacePlace {
        FacePlace {
            context: ContextId([1; 16]),
            keyring: KeyringId::random(),
            terminal: TerminalId::random(),
            request: Hash::new([2; 32]),
            model: Hash::new([3; 32]),
            template: Some(Hash::new([4; 32])),
        }
    }

    #[test]
    fn a_picture_opens_at_its_place_and_at_no_other() {
        let key = XWingPrivateKey::from_seed(Secret::random()).unwrap();
        let capture = Capture::new(8, 9, (0..8 * 9 * 3).map(|at| at as u8).collect()).unwrap();
        let place = place();
        let sealed = seal_capture(key.recipient_key().public(), &place, &capture).unwrap();
        let opened = open_capture(&key, &place, &sealed).unwrap();
        assert_eq!((opened.width(), opened.height(), opened.pixels()), (8, 9, capture.pixels()));
        let others = [
            FacePlace { context: ContextId([9; 16]), ..place },
            FacePlace { keyring: KeyringId::random(), ..place },
            FacePlace { terminal: TerminalId::random(), ..place },
            FacePlace { request: Hash::new([9; 32]), ..place },
            FacePlace { model: Hash::new([9; 32]), ..place },
            FacePlace { template: Some(Hash::new([9; 32])), ..place },
            FacePlace { template: None, ..place },
        ];
        for other in others {
            assert_eq!(open_capture(&key, &other, &sealed).unwrap_err(), CaptureError::Sealed);
        }
        let other = XWingPrivateKey::from_seed(Secret::random()).unwrap();
        assert_eq!(open_capture(&other, &place, &sealed).unwrap_err(), CaptureError::Sealed);
        assert_eq!(format!("{capture:?}"), "Capture(8 by 9)");
    }

    #[test]
    fn pictures_are_read_strictly() {
        let ppm = |head: &str, pixels: usize| [head.as_bytes(), &vec![7; pixels]].concat();
        assert!(Capture::from_ppm(&ppm("P6\n8 8\n255\n", 192)).is_ok());
        for (head, pixels, error) in [
            ("P6\n8 8\n255\n", 191, CaptureError::Size),
            ("P6\n8 8\n255\n", 193, CaptureError::Size),
            ("P6\n161 161\n255\n", 161 * 161 * 3, CaptureError::Size),
            ("P6\n7 7\n255\n", 147, CaptureError::Size),
            ("P6\n65535 65535\n255\n", 0, CaptureError::Size),
            ("P6\n65536 8\n255\n", 0, CaptureError::Format),
            ("P6\n8 8\n65535\n", 384, CaptureError::Format),
            ("P6 # a word\n8 8\n255\n", 192, CaptureError::Format),
            ("P68 8\n255\n", 192, CaptureError::Format),
            ("P5\n8 8\n255\n", 192, CaptureError::Format),
            ("P6\n-8 8\n255\n", 192, CaptureError::Format),
            ("", 0, CaptureError::Format),
        ] {
            assert_eq!(Capture::from_ppm(&ppm(head, pixels)).unwrap_err(), error, "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_picture_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), headed in any::<bool>()) {
            let bytes = if headed { [b"P6\n8 8\n255\n".as_slice(), &bytes].concat() } else { bytes };
            let _ = Capture::from_ppm(&bytes);
            let key = XWingPrivateKey::from_seed(Secret::random()).unwrap();
            let sealed = SealedCapture { wrapped: bytes.as_slice().into(), sealed: bytes.into() };
            prop_assert!(open_capture(&key, &place(), &sealed).is_err());
        }
    }
}
