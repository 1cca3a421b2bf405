//! The token that answers a call: what the log has by now, signed; encrypted where the call was, or asks for it.

use std::sync::Arc;

use sceau_crypto::jose::jwe::{EncryptionKey, Fields};
use sceau_element_api::protect::{AnswerClaims, Called, SignedAnswer, Told, ToldRefusal};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{ApplicationId, Base64Url};

use super::TokenKeys;
use crate::protect::ProvenCall;

/// How a call is to be answered.
#[derive(Debug)]
pub(crate) struct AnswerTerms {
    keys: Arc<TokenKeys>,
    issuer: String,
    application: ApplicationId,
    call: String,
    digest: [u8; 32],
    /// The key that the answer is encrypted to, where it is to be.
    to: Option<EncryptionKey>,
    /// What is kept of the datum, where the call asks for it.
    pub(crate) described: Option<Base64Url>,
}

impl AnswerTerms {
    /// Of a proven call; with the refusal of one whose answer cannot be encrypted as it must.
    pub(crate) fn of(
        call: &ProvenCall,
        was_encrypted: bool,
        issuer: &str,
        keys: &Arc<TokenKeys>,
    ) -> (Self, Result<(), Refusal>) {
        let encrypted = was_encrypted || call.claims.encrypt;
        let key = call.caller.document.encryption_key().filter(|_| encrypted);
        let to = key.and_then(sceau_element_api::documents::ApplicationKey::encrypts);
        let words = "the answer is to be encrypted, and the application has registered no key of use enc";
        let can = if encrypted && to.is_none() {
            Err(Refusal::new(Code::SessionKeyInvalid, words))
        } else {
            Ok(())
        };
        let terms = Self {
            keys: Arc::clone(keys),
            issuer: issuer.to_owned(),
            application: call.claims.iss,
            call: call.claims.jti.clone(),
            digest: call.digest,
            to,
            described: None,
        };
        (terms, can)
    }

    /// The answer, at `now` (Unix milliseconds). It is durable already: if it cannot be signed, what was done is done.
    ///
    /// # Errors
    /// [`Code::Unavailable`], where the key cannot be used; [`Code::TooLarge`].
    pub(crate) fn sign(self, now: u64, outcome: Result<Called, Refusal>) -> Result<SignedAnswer, Refusal> {
        let refused = outcome.as_ref().err().map(|refusal| refusal.code);
        let changed = outcome.as_ref().ok().and_then(|called| called.changed.clone());
        let (answer, refusal) = match outcome {
            Ok(called) => {
                let kept = called.changed.as_ref().map(|(_, kept)| kept.payload.clone());
                let document = kept.or(self.described);
                (Some(Told::of(called, document.as_deref())), None)
            }
            Err(refusal) => (None, Some(ToldRefusal::of(refusal))),
        };
        let claims = AnswerClaims {
            iss: self.issuer,
            aud: self.application,
            iat: now / 1000,
            jti: Base64Url(sceau_crypto::random::<24>().to_vec()).encode(),
            call: self.call,
            call_sha256: Base64Url(self.digest.to_vec()),
            answer,
            refused: refusal,
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| unsigned())?;
        let token = self.keys.sign(&claims).map_err(|error| {
            tracing::error!(%error, "an answer cannot be signed");
            unsigned()
        })?;
        let token = match self.to {
            None => token,
            Some(key) => {
                let fields = Fields { cty: Some("JWT"), ..Fields::default() };
                key.encrypt(&fields, token.as_bytes())
                    .map_err(|error| Refusal::new(Code::TooLarge, error.to_string()))?
            }
        };
        Ok(SignedAnswer { token, refused, changed })
    }
}

fn unsigned() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "the answer cannot be signed now; the call is used up: sign another later",
    )
}
