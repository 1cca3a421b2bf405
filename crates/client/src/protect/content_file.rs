//! Files of the profile `cbc-rs256`: encrypted here, signed by the element, and verified as a whole before any of it is decrypted.
//!
//! What is read and written is waited for where it is called: in a program that does other things meanwhile, on a thread of its own.

use std::io::{self, Read, Seek, SeekFrom, Write};

use sceau_crypto::cbc::{
    self, FIXED, Head, MORE, MOST_SIGNATURE, MOST_WRAPPED, Opener, PART, Sealer, Unverified,
};
use sceau_crypto::envelope::Metadata;
use sceau_element_api::protect::{ContentClaims, DatumId};

use super::{Application, NewContent, NewDatum, User};
use crate::ClientError;

/// A file of this profile was not written, or not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The element refused, or was not reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It is not the message that was signed for its datum. Nothing of it was decrypted, or nothing but what was verified.
    #[error(transparent)]
    Refused(#[from] cbc::Refused),
    /// What is read cannot be.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// What is written cannot be.
    #[error("cannot be written: {0}")]
    Write(#[source] io::Error),
}

/// A content that was encrypted and signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedContent {
    /// Its datum.
    pub datum: DatumId,
    /// Index of the record of its beginning in the log.
    pub index: u64,
    /// Bytes of the content.
    pub size: u64,
}

/// A file that begins and ends as one of this profile does. Nothing of it is verified: anybody may have written which datum it names.
#[derive(Debug)]
pub struct ContentFile<F> {
    file: F,
    head: Head,
    signature: String,
    /// Bytes up to the signature.
    length: u64,
}

/// A file that is the one that was signed, and whose key the element gave. Its name and type are known; its content is read on the way out.
#[derive(Debug)]
pub struct OpenedContent<F> {
    message: Message<F>,
    /// None once it has come to its end.
    opener: Option<Opener>,
    metadata: Metadata,
    /// Content that is decrypted, and not written yet.
    ready: Vec<u8>,
}

/// A message up to its signature, part by part.
#[derive(Debug)]
struct Message<F> {
    file: F,
    left: u64,
}

impl Application {
    /// Encrypts a content under a new datum, and has it signed: reads it to its end and writes the message. `progress` hears how many bytes of the content were
    /// read. A message that is not signed at its end is none, whatever was written.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn seal_content(
        &self,
        user: &User,
        datum: NewDatum,
        metadata: &Metadata,
        (mut content, mut message): (impl Read, impl Write),
        progress: &mut dyn FnMut(u64),
    ) -> Result<SealedContent, ContentError> {
        let NewContent { datum, index, wrapped_key, key } = self.create_content(user, datum).await?;
        let head = Head { datum: *datum.as_bytes(), iv: key.iv, wrapped_key };
        let permit = key.permit.ok_or(ClientError::Answer)?;
        let (mut sealed, mut part, mut size) = (Vec::with_capacity(PART + MORE), vec![0; PART], 0);
        let mut sealer = Sealer::begin(&key.key, &head, metadata, &mut sealed)?;
        loop {
            let read = filled(&mut content, &mut part)?;
            sealer.update(part.get(..read).unwrap_or_default(), &mut sealed)?;
            size += read as u64;
            if read < part.len() {
                break;
            }
            message.write_all(&sealed).map_err(ContentError::Write)?;
            sealed.clear();
            progress(size);
        }
        let sha256 = sealer.finish(&mut sealed)?;
        let signature = self.sign_content(datum, &permit, sha256).await?;
        sealed.extend_from_slice(&cbc::trailer(&signature)?);
        message.write_all(&sealed).map_err(ContentError::Write)?;
        progress(size);
        Ok(SealedContent { datum, index, size })
    }
}

impl<F: Read + Seek> ContentFile<F> {
    /// Whether bytes begin as a file of this profile does.
    #[must_use]
    pub fn begins(bytes: &[u8]) -> bool {
        Head::begins(bytes)
    }

    /// Reads the two ends of a file.
    ///
    /// # Errors
    /// [`ContentError::Refused`]: it is none of this profile. [`ContentError::Read`].
    pub fn read(mut file: F) -> Result<Self, ContentError> {
        let size = file.seek(SeekFrom::End(0)).map_err(ContentError::Read)?;
        let begins = read_at(&mut file, 0, FIXED + MOST_WRAPPED)?;
        let length = Head::length(begins.get(..FIXED).ok_or(cbc::Refused)?)?;
        let head = Head::parse(begins.get(..length).ok_or(cbc::Refused)?)?;
        let from = size.saturating_sub(MOST_SIGNATURE as u64 + 2);
        let end = read_at(&mut file, from, MOST_SIGNATURE + 2)?;
        let signature = cbc::signature_of(&end)?.to_owned();
        let end = size.checked_sub(signature.len() as u64 + 2).filter(|end| *end > length as u64);
        Ok(Self { file, head, signature, length: end.ok_or(cbc::Refused)? })
    }

    /// The datum that it says it is of.
    #[must_use]
    pub fn datum(&self) -> DatumId {
        self.head.datum.into()
    }

    /// Reads all of the file, compares it with its signature, has the element verify that and give the key, and decrypts name and type.
    ///
    /// # Errors
    /// [`ContentError`].
    pub async fn open(
        mut self,
        application: &Application,
        user: &User,
    ) -> Result<OpenedContent<F>, ContentError> {
        let claims = ContentClaims::unverified(&self.signature).ok_or(cbc::Refused)?;
        let sha256 = claims.sha256.0.as_slice().try_into().map_err(|_| cbc::Refused)?;
        let mut unverified = Unverified::begin();
        let mut message = Message::of(&mut self.file, self.length)?;
        while let Some(part) = message.next()? {
            unverified.update(&part);
        }
        let verified = unverified.verified(claims.datum.as_bytes(), sha256)?;
        // From what was verified, and not from what the two ends said before.
        let Head { datum, iv, wrapped_key } = verified.head().clone();
        let key = application.open_content(user, datum.into(), &wrapped_key, &self.signature).await?;
        if key.iv != iv {
            return Err(cbc::Refused.into());
        }
        let opener = Opener::new(&key.key, verified)?;
        OpenedContent::begin(Message::of(self.file, self.length)?, opener)
    }
}

impl<F: Read + Seek> OpenedContent<F> {
    fn begin(mut message: Message<F>, mut opener: Opener) -> Result<Self, ContentError> {
        let mut ready = Vec::with_capacity(PART + MORE);
        loop {
            if let Some(metadata) = opener.metadata().cloned() {
                return Ok(Self { message, opener: Some(opener), metadata, ready });
            }
            match message.next()? {
                Some(part) => opener.part(&part, &mut ready)?,
                None => {
                    let metadata = opener.finish(&mut ready)?;
                    return Ok(Self { message, opener: None, metadata, ready });
                }
            }
        }
    }

    /// Name and type of the content, as whoever sealed it said.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Writes the content, and gives its size. `progress` hears how much of it was written. A part of the file that is not the one that was verified is not
    /// decrypted: what was written before is of what was verified, and not all of it.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn write_to(
        mut self,
        mut content: impl Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, ContentError> {
        let mut size = 0;
        loop {
            content.write_all(&self.ready).map_err(ContentError::Write)?;
            size += self.ready.len() as u64;
            progress(size);
            self.ready.clear();
            let Some(mut opener) = self.opener.take() else { return Ok(size) };
            match self.message.next()? {
                Some(part) => {
                    opener.part(&part, &mut self.ready)?;
                    self.opener = Some(opener);
                }
                None => {
                    opener.finish(&mut self.ready)?;
                }
            }
        }
    }
}

impl<F: Read + Seek> Message<F> {
    fn of(mut file: F, length: u64) -> Result<Self, ContentError> {
        file.rewind().map_err(ContentError::Read)?;
        Ok(Self { file, left: length })
    }

    /// The next part; none after the last.
    fn next(&mut self) -> Result<Option<Vec<u8>>, ContentError> {
        let length = usize::try_from(self.left).unwrap_or(PART).min(PART);
        let mut part = vec![0; length];
        if filled(&mut self.file, &mut part)? < length {
            // It was longer when its ends were read.
            return Err(cbc::Refused.into());
        }
        self.left -= length as u64;
        Ok(Some(part).filter(|part| !part.is_empty()))
    }
}

/// Up to `length` bytes from there on; fewer at the end.
fn read_at(file: &mut (impl Read + Seek), from: u64, length: usize) -> Result<Vec<u8>, ContentError> {
    file.seek(SeekFrom::Start(from)).map_err(ContentError::Read)?;
    let mut bytes = vec![0; length];
    let read = filled(file, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Reads until the buffer is full or nothing follows: how much it has.
fn filled(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, ContentError> {
    let mut read = 0;
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(ContentError::Read(cause)),
        }
    }
    Ok(read)
}
