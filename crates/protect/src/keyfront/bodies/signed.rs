//! The work on a content of the profile `cbc-rs256`: encrypted part by part and signed at its end; verified as a whole before any of it is decrypted.
//!
//! A ciphertext is no secret: until all of it was verified it lies in a file that has no name. The element has verified its signature before the key came;
//! what is left to find here is whether the body is the one that was signed.

use std::io::Error;
use std::path::Path;

use bytes::{Buf as _, BytesMut};
use sceau_crypto::cbc::{self, Head, MORE, Opener, PART, Refused, Sealer, Unverified, Verified};
use sceau_crypto::envelope::Metadata;
use sceau_element_api::protect::{CbcKey, ContentClaims, ContentToSign, DatumId};
use sceau_element_api::{Base64Url, CallError, Client};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::pipe::{Ended, Incoming, Outgoing};

/// A content's datum, its key as the element wrapped it, and that key.
pub(super) struct SignedContent {
    pub(super) datum: DatumId,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) key: CbcKey,
}

impl SignedContent {
    fn head(&self) -> Head {
        Head { datum: *self.datum.as_bytes(), iv: self.key.iv, wrapped_key: self.wrapped_key.clone() }
    }

    /// Encrypts what comes in, and has it signed.
    pub(super) async fn seal(
        self,
        metadata: Metadata,
        element: Client,
        mut incoming: Incoming,
        mut outgoing: Outgoing,
    ) -> Result<(), Ended> {
        let mut sealed = Vec::with_capacity(PART + MORE);
        let mut sealer = Sealer::begin(&self.key.key, &self.head(), &metadata, &mut sealed)?;
        let mut part = BytesMut::with_capacity(PART);
        loop {
            let last = incoming.fill(&mut part, PART).await?;
            sealer.update(&part, &mut sealed)?;
            part.clear();
            if last {
                break;
            }
            let ready = std::mem::replace(&mut sealed, Vec::with_capacity(PART + MORE));
            outgoing.send(ready.into()).await?;
        }
        let sha256 = Base64Url(sealer.finish(&mut sealed)?.to_vec());
        let permit = self.key.permit.ok_or(Refused)?;
        let to_sign = ContentToSign { datum: self.datum, permit, sha256 };
        let signature = element.sign_content(to_sign).await.map_err(unsigned)?;
        sealed.extend_from_slice(&cbc::trailer(&signature)?);
        outgoing.send(sealed.into()).await
    }

    /// Takes all of a body in, and decrypts it if it is the one that was signed so; tells name and type before any of it goes out.
    pub(super) async fn open(
        self,
        signature: String,
        folder: &Path,
        tell: oneshot::Sender<Metadata>,
        mut incoming: Incoming,
        mut outgoing: Outgoing,
    ) -> Result<(), Ended> {
        let mut file = File::from_std(tempfile::tempfile_in(folder).map_err(unspooled)?);
        let message = gather(&signature, &mut file, &mut incoming, &outgoing).await?;
        if *message.head() != self.head() {
            return Err(Refused.into());
        }
        file.rewind().await.map_err(unspooled)?;
        let mut opener = Opener::new(&self.key.key, message)?;
        let mut tell = Some(tell);
        while !opener.is_at_the_end() {
            let mut content = Vec::with_capacity(PART + MORE);
            opener.part(&next_part(&mut file).await?, &mut content)?;
            if let Some(metadata) = opener.metadata()
                && let Some(tell) = tell.take()
            {
                let _ = tell.send(metadata.clone());
            }
            outgoing.send(content.into()).await?;
        }
        let mut content = Vec::new();
        let metadata = opener.finish(&mut content)?;
        if let Some(tell) = tell.take() {
            let _ = tell.send(metadata);
        }
        outgoing.send(content.into()).await
    }
}

/// Keeps what comes in up to its signature, which must be this one, and over all of that: what may be decrypted.
async fn gather(
    signature: &str,
    file: &mut File,
    incoming: &mut Incoming,
    outgoing: &Outgoing,
) -> Result<Verified, Ended> {
    let claims = ContentClaims::unverified(signature).ok_or(Refused)?;
    let sha256 = claims.sha256.0.as_slice().try_into().map_err(|_| Refused)?;
    let trailer = cbc::trailer(signature)?;
    let mut unverified = Unverified::begin();
    let mut part = BytesMut::with_capacity(PART + trailer.len());
    loop {
        let last = incoming.fill(&mut part, PART + trailer.len()).await?;
        outgoing.waits();
        let ready = part.len().saturating_sub(trailer.len());
        let message = part.get(..ready).unwrap_or_default();
        unverified.update(message);
        file.write_all(message).await.map_err(unspooled)?;
        part.advance(ready);
        if last {
            break;
        }
        part.reserve(PART);
    }
    file.flush().await.map_err(unspooled)?;
    if part != trailer.as_slice() {
        return Err(Refused.into());
    }
    Ok(unverified.verified(claims.datum.as_bytes(), sha256)?)
}

/// The next part of a message that is kept; less at its end.
async fn next_part(file: &mut File) -> Result<Vec<u8>, Ended> {
    let mut part = Vec::with_capacity(PART);
    file.take(PART as u64).read_to_end(&mut part).await.map_err(unspooled)?;
    Ok(part)
}

fn unsigned(error: CallError) -> Ended {
    match error {
        CallError::Refused(refusal) => Ended::Refused(refusal),
        error => {
            tracing::error!(%error, "the element does not sign a content");
            Ended::Unsigned
        }
    }
}

fn unspooled(error: Error) -> Ended {
    tracing::error!(%error, "a content cannot be kept until it is verified");
    Ended::Unspooled
}
