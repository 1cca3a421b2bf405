//! Contents of the profile `cbc-rs256`, which the element signs: for who must keep them so. Everything else is an envelope.

use sceau_element_api::Base64Url;
use sceau_element_api::protect::{
    CbcKey, ContentClaims, ContentProfile, ContentToSign, DatumId, Open, Operation,
};
use serde::Deserialize;

use super::{Application, NewDatum, User, session};
use crate::ClientError;

/// A new datum, and key and vector of its content.
#[derive(Debug)]
pub struct NewContent {
    /// The datum.
    pub datum: DatumId,
    /// Index of the call's record in the log.
    pub index: u64,
    /// Key and vector as the element wrapped them.
    pub wrapped_key: Vec<u8>,
    /// Key and vector for one message, and the permit that has it signed.
    pub key: CbcKey,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
}

impl Application {
    /// Begins a datum whose content will be kept in this profile.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn create_content(&self, user: &User, datum: NewDatum) -> Result<NewContent, ClientError> {
        let drawn = session()?;
        let create = datum.with(Some(&drawn), Some(ContentProfile::CbcRs256));
        let (answer, call) = self.call(user, Operation::Create(create)).await?;
        let key = answer.cbc_key(&drawn, &call)?;
        let wrapped_key = answer.wrapped_key.ok_or(ClientError::Answer)?.0;
        Ok(NewContent { datum: answer.datum, index: answer.index, wrapped_key, key })
    }

    /// The element's signature of the content that was begun with this permit: of its SHA-256 up to there. A day after it was begun there is none.
    ///
    /// # Errors
    /// [`ClientError::Refused`]: the permit has ended, or the datum is not in use; as [`crate::Server::post`].
    pub async fn sign_content(
        &self,
        datum: DatumId,
        permit: &Base64Url,
        sha256: [u8; 32],
    ) -> Result<String, ClientError> {
        let to_sign = ContentToSign { datum, permit: permit.clone(), sha256: Base64Url(sha256.to_vec()) };
        let Signed { signature } = self.server.post("/v1/protect/contents", &to_sign).await?;
        let said = ContentClaims::unverified(&signature).ok_or(ClientError::Answer)?;
        let is_it = said.datum == datum && said.sha256 == to_sign.sha256;
        if is_it { Ok(signature) } else { Err(ClientError::Answer) }
    }

    /// Gets key and vector of a content, once the element has verified its signature. Only a message that was compared with it is decrypted by them
    /// ([`sceau_crypto::cbc::Opener`]); [`super::ContentFile`] does both.
    ///
    /// # Errors
    /// As [`Application::create`].
    pub async fn open_content(
        &self,
        user: &User,
        datum: DatumId,
        wrapped_key: &[u8],
        signature: &str,
    ) -> Result<CbcKey, ClientError> {
        let session = session()?;
        let (wrapped_key, content) = (Base64Url(wrapped_key.to_vec()), Some(signature.to_owned()));
        let open = Open { datum, wrapped_key, session: Some(session.public().clone()), content };
        let (answer, call) = self.call(user, Operation::Open(open)).await?;
        answer.cbc_key(&session, &call)
    }
}
