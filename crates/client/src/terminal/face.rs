//! The holder's face, where the policy asks for it besides the PIN: enrolled once, and shown at each use. The picture is taken once the PIN is proven, sealed to the
//! element's biometric process, and kept nowhere; the template is kept here, sealed by that process, and opens for nobody else.

use sceau_element_api::Base64Url;
use sceau_element_api::keyring::RequestKind;
use sceau_keyring::{
    Capture, Challenge, FaceBrought, FacePlace, LONGEST_TEMPLATE, Pin, Request, seal_capture, template_hash,
};

use super::own::OwnAsk;
use super::refused;
use super::sign::{Authenticated, Doing, Signed, ToApprove, authenticates, signs, use_with};
use super::storage::{FACE, Kept, Storage};
use crate::ClientError;
use crate::keyring::Carries;

/// Takes a picture of the holder's face, when it is asked for: the PIN is proven by then.
pub type Camera<'a> = dyn Fn() -> Result<Capture, ClientError> + Sync + 'a;

/// A face was enrolled.
#[derive(Debug)]
pub struct Enrolled {
    /// The element's word on it (JWS). Nothing of the face is in it.
    pub proof: String,
    /// Index of the record.
    pub index: u64,
}

/// Enrols the holder's face: a template is made of a picture and kept in the terminal's folder. Until it was used, it may be done again. `approve` shows what it is given,
/// and gives the PIN where the holder agrees; then `camera` is asked.
///
/// # Errors
/// [`ClientError::Refused`] with the element's code, `face_enrolled` where one was used; as [`super::sign`].
pub async fn enrol_face<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
    camera: &Camera<'_>,
) -> Result<Enrolled, E> {
    let (kept, device, _) = storage.load()?;
    if kept.policy()?.face.is_none() {
        let words = "the policy of this keyring asks for no face: none is taken";
        return Err(refused("face_missing", words).into());
    }
    let words = "Make a template of my face, which this terminal alone keeps.";
    let asks = OwnAsk { kind: RequestKind::Face, words, terminal: None };
    let (request_jws, asked) = kept.asks(&device, &asks)?;
    let doing = Doing { request_jws: &request_jws, coming: None, camera: Some(camera) };
    let (_, used) = use_with(storage, carrier, doing, asked, approve).await?;
    Ok(Enrolled { proof: used.proof, index: used.index })
}

/// [`super::sign`], with a camera for policies that ask for the face: it takes a picture once the PIN is proven.
///
/// # Errors
/// As [`super::sign`]; `face_not_matched` where the face is another one, which counts as a wrong PIN does.
pub async fn sign_with_face<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
    camera: &Camera<'_>,
) -> Result<Signed, E> {
    let doing = Doing { camera: Some(camera), ..Doing::only(request_jws) };
    signs(storage, carrier, doing, approve).await
}

/// [`super::authenticate`], with a camera for policies that ask for the face.
///
/// # Errors
/// As [`sign_with_face`].
pub async fn authenticate_with_face<E: From<ClientError>>(
    storage: &Storage,
    carrier: &impl Carries,
    request_jws: &str,
    approve: impl FnOnce(&ToApprove) -> Result<Pin, E>,
    camera: &Camera<'_>,
) -> Result<Authenticated, E> {
    let doing = Doing { camera: Some(camera), ..Doing::only(request_jws) };
    authenticates(storage, carrier, doing, approve).await
}

impl Storage {
    /// The template of the holder's face.
    fn face(&self) -> Result<Option<Base64Url>, ClientError> {
        Ok(self.read_if_kept(FACE)?.map(|template| template.as_slice().into()))
    }

    /// Keeps the template that the element gave, durable when it returns.
    pub(super) fn keep_face(&self, template: &[u8]) -> Result<(), ClientError> {
        if template.len() > LONGEST_TEMPLATE {
            return Err(ClientError::Answer);
        }
        self.write(FACE, template)
    }
}

impl Kept {
    /// Whether a use of this kind asks for the face.
    fn asks_for_face(&self, kind: RequestKind) -> Result<bool, ClientError> {
        let used = matches!(kind, RequestKind::Sign | RequestKind::Authenticate | RequestKind::Face);
        Ok(used && self.policy()?.face.is_some())
    }

    /// Whether all is there that a use of this kind takes: said before the PIN is typed.
    pub(super) fn may_show_face(
        &self,
        storage: &Storage,
        (kind, camera): (RequestKind, Option<&Camera<'_>>),
    ) -> Result<(), ClientError> {
        if !self.asks_for_face(kind)? {
            return Ok(());
        }
        if camera.is_none() {
            let words = "the policy of this keyring asks for your face besides the PIN: give a picture";
            return Err(refused("face_missing", words));
        }
        if kind != RequestKind::Face && storage.face()?.is_none() {
            let words = "no face is enrolled on this terminal: enrol it first";
            return Err(refused("face_missing", words));
        }
        Ok(())
    }

    /// The picture that a challenge asks for, sealed for this use alone. The PIN is proven.
    pub(super) fn face(
        &self,
        storage: &Storage,
        (request, request_jws): (&Request, &str),
        (challenge, context): (&Challenge, sceau_keyring::ContextId),
        camera: Option<&Camera<'_>>,
    ) -> Result<Option<FaceBrought>, ClientError> {
        let asked = self.asks_for_face(request.kind)?;
        let (offer, rule) = match (&challenge.face, self.policy()?.face.filter(|_| asked)) {
            (None, None) => return Ok(None),
            (Some(offer), Some(rule)) if offer.model == rule.model => (offer, rule),
            _ => {
                return Err(ClientError::Unproven(
                    "the face is asked for otherwise than the policy says".to_owned(),
                ));
            }
        };
        let template = match request.kind {
            RequestKind::Face => None,
            _ => storage.face()?,
        };
        let capture = camera.ok_or_else(|| refused("face_missing", "no picture was taken"))?()?;
        if (capture.width(), capture.height()) != (offer.width, offer.height) {
            let words = format!(
                "the picture must have {} by {} pixels, as the model takes it",
                offer.width, offer.height
            );
            return Err(refused("face_invalid", words));
        }
        let place = FacePlace {
            context,
            keyring: self.keyring,
            terminal: self.terminal,
            request: Request::hash_of(request_jws),
            model: rule.model,
            template: template.as_ref().map(|template| template_hash(template)),
        };
        let capture = seal_capture(&offer.key, &place, &capture);
        let capture = capture.map_err(|error| ClientError::Unproven(error.to_string()))?;
        Ok(Some(FaceBrought { capture, template }))
    }
}
