//! Contents that are to be signed: for whom its permit was given, once, and on record before anybody has the signature.

use std::sync::Arc;

use sceau_element_api::Kind;
use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::{ContentClaims, ContentToSign, DatumId};
use sceau_element_api::wire::{AttestedRow, Code, Refusal, Response, RowKey};
use sceau_trace::Action;

use super::{Service, refused};
use crate::decide::Command;
use crate::protect::{Caller, Signing, Taken};
use crate::rules::SignedContent;
use crate::rules::content::may_be_signed;

/// What a content that may be signed comes to.
enum Had {
    /// The log has it already.
    Before(Arc<str>),
    Now(String, SignedContent, Signing),
}

impl Service {
    /// Has a content signed. Whoever has a permit may ask, at the cost of a signature by RSA: that has turns of its own, which no call waits for, nor the
    /// connection that brings it; so many may wait, and more are refused before anything of them is looked at.
    pub(super) fn take_content(
        &self,
        content: ContentToSign,
        answer: impl FnOnce(Response) + Send + 'static,
    ) {
        let Some(place) = self.place_to_sign() else {
            let words = "as many contents wait for their signature as may: ask again later";
            return answer(Response::Refused(Refusal::new(Code::Busy, words)));
        };
        let service = self.clone();
        let sign = move |service: &Self| service.sign_content(&content, answer);
        tokio::spawn(async move { service.signing(place, sign).await });
    }

    /// On a thread that may wait. Refusals name the datum where its permit proves that one was begun.
    fn sign_content(&self, content: &ContentToSign, answer: impl FnOnce(Response) + Send + 'static) {
        let row = Some(RowKey { kind: Kind::Datum, id: content.datum.into() });
        let had = match self.admitted(content) {
            Ok(sha256) => self.signature(content, sha256).map_err(|refusal| (row, refusal)),
            Err(refusal) => Err((None, refusal)),
        };
        let (signature, signed, signing) = match had {
            Ok(Had::Before(signature)) => return answer(Response::ContentSigned(signature.to_string())),
            Ok(Had::Now(signature, signed, signing)) => (signature, signed, signing),
            Err((row, refusal)) => {
                let command = Command::Refuse { action: Action::DATUM_SIGN, row, refusal };
                return self.order_blocking(command, answer);
            }
        };
        self.order_blocking(Command::Sign(Box::new(signed)), move |told| {
            let Response::Appended { .. } = told else { return answer(told) };
            signing.recorded(&signature);
            answer(Response::ContentSigned(signature));
        });
    }

    /// The SHA-256 of a content whose permit is one of its datum.
    fn admitted(&self, content: &ContentToSign) -> Result<[u8; 32], Refusal> {
        let Ok(sha256) = <[u8; 32]>::try_from(&content.sha256.0[..]) else {
            return Err(Refusal::new(Code::Malformed, "sha256: of 32 bytes"));
        };
        let admits =
            self.data_keys()?.contents().admits(&content.datum, &content.permit, self.clock.now().unix);
        let words = "the permit is not one of this datum, has ended, or is from before the element's last start: begin another datum";
        if admits { Ok(sha256) } else { Err(Refusal::new(Code::ProofInvalid, words)) }
    }

    fn signature(&self, content: &ContentToSign, sha256: [u8; 32]) -> Result<Had, Refusal> {
        let keys = self.data_keys()?.contents();
        let now = self.clock.now().unix;
        let (judged, datum) = self.datum(content.datum)?;
        let application = self.view.with_state(|state| Caller::find(state, datum.application));
        may_be_signed(&datum, application.as_ref(), now)?;
        let unsigned = |words| Refusal::new(Code::Unavailable, words);
        let signing = match keys.take(&datum.id, &content.permit, sha256, now) {
            Some(Taken::ToSign(signing)) => signing,
            Some(Taken::Signed(signature)) => return Ok(Had::Before(signature)),
            Some(Taken::UnderWay) => {
                return Err(unsigned("this content is being signed: ask again later"));
            }
            None => {
                let words = "the permit had another content signed: begin another datum";
                return Err(Refusal::new(Code::ProofInvalid, words));
            }
        };
        let (iss, iat) = (self.view.key().name().to_owned(), signing.since / 1000);
        let claims = ContentClaims { iss, iat, datum: datum.id, sha256: content.sha256.clone() };
        let later = "the content cannot be signed now: ask again later";
        let claims = serde_json::to_vec(&claims).map_err(|_| unsigned(later))?;
        let signature = self.using_keys(|| keys.sign(&claims)).map_err(|error| {
            tracing::error!(%error, "a content cannot be signed");
            unsigned(later)
        })?;
        let Datum { id: datum, application, organisation, .. } = datum;
        let signed = SignedContent { datum, judged, application, organisation, sha256 };
        Ok(Had::Now(signature, signed, signing))
    }

    /// A datum as the journal has it.
    fn datum(&self, id: DatumId) -> Result<(AttestedRow, Datum), Refusal> {
        let unknown = || Refusal::new(Code::DatumUnknown, "no such datum");
        let row = RowKey { kind: Kind::Datum, id: id.into() };
        let (row, kept) = self.view.kept(&row).map_err(refused)?.ok_or_else(unknown)?;
        Ok((row, Datum::parse(&kept.payload).map_err(|_| unknown())?.document))
    }
}
