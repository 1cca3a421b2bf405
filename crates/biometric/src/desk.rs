//! What is answered to the element: pure but for the models.

use sceau_crypto::{Label, Secret, XWingPrivateKey};
use sceau_element_api::Base64Url;
use sceau_keyring::{
    Capture, ContextId, FaceAnswer, FaceAsk, FaceFault, FaceHello, FacePlace, SealedCapture, open_capture,
    template_hash,
};
use sceau_trace::Hash;

use crate::model::{Model, similarity};
use crate::templates::Templates;

/// Models, the key of templates, and what the keys of contexts come of: drawn at the start, and kept nowhere.
pub struct Desk {
    models: Vec<Model>,
    templates: Templates,
    drawn: Secret<32>,
}

impl Desk {
    /// With these models.
    #[must_use]
    pub fn new(models: Vec<Model>, templates: Templates) -> Self {
        Self { models, templates, drawn: Secret::random() }
    }

    /// What is said first.
    #[must_use]
    pub fn hello(&self) -> FaceHello {
        FaceHello { v: 1, models: self.models.iter().map(Model::served).collect() }
    }

    /// Whether a question takes long.
    #[must_use]
    pub fn takes_long(ask: &FaceAsk) -> bool {
        !matches!(ask, FaceAsk::Session { .. })
    }

    /// Answers.
    #[must_use]
    pub fn answer(&self, ask: &FaceAsk) -> FaceAnswer {
        let answered = match ask {
            FaceAsk::Session { context } => self.session(context),
            FaceAsk::Enrol { place, capture } => self.enrol(place, capture),
            FaceAsk::Compare { place, capture, template, least } => {
                self.compare((place, capture), template, *least)
            }
            _ => Err(FaceFault::Failed),
        };
        answered.unwrap_or_else(|fault| FaceAnswer::Refused { fault })
    }

    fn session(&self, context: &[u8]) -> Result<FaceAnswer, FaceFault> {
        let context = ContextId::try_from(context).map_err(|_| FaceFault::Capture)?;
        let key = self.key(context)?.recipient_key().public().into();
        Ok(FaceAnswer::Session { key })
    }

    fn enrol(&self, place: &FacePlace, capture: &SealedCapture) -> Result<FaceAnswer, FaceFault> {
        if place.template.is_some() {
            return Err(FaceFault::Template);
        }
        let model = self.model(place.model)?;
        let embedding = model.embedding(&self.capture(place, capture, model)?);
        let embedding = embedding.map_err(|_| FaceFault::Failed)?;
        let at = (place.keyring, place.terminal, place.model);
        let template = self.templates.seal(at, &embedding).map_err(|_| FaceFault::Failed)?;
        Ok(FaceAnswer::Enrolled { template: template.into() })
    }

    fn compare(
        &self,
        (place, capture): (&FacePlace, &SealedCapture),
        template: &Base64Url,
        least: u16,
    ) -> Result<FaceAnswer, FaceFault> {
        // Any two pictures would match by nothing.
        if place.template != Some(template_hash(template)) || least == 0 {
            return Err(FaceFault::Template);
        }
        let model = self.model(place.model)?;
        let at = (place.keyring, place.terminal, place.model);
        let enrolled = self.templates.open(at, template).map_err(|_| FaceFault::Template)?;
        let embedding = model.embedding(&self.capture(place, capture, model)?);
        let embedding = embedding.map_err(|_| FaceFault::Failed)?;
        let similarity = similarity(&enrolled, &embedding).ok_or(FaceFault::Template)?;
        Ok(FaceAnswer::Compared { matched: similarity * 1000.0 >= f32::from(least) })
    }

    fn capture(
        &self,
        place: &FacePlace,
        sealed: &SealedCapture,
        model: &Model,
    ) -> Result<Capture, FaceFault> {
        let capture =
            open_capture(&self.key(place.context)?, place, sealed).map_err(|_| FaceFault::Capture)?;
        if model.takes(&capture) { Ok(capture) } else { Err(FaceFault::Capture) }
    }

    /// The key of a context: another process, and this one after its next start, has another.
    fn key(&self, context: ContextId) -> Result<XWingPrivateKey, FaceFault> {
        let seed = Label::KeyringFace.derive_for(self.drawn.expose(), &[&context.0]);
        XWingPrivateKey::from_seed(seed).map_err(|_| FaceFault::Failed)
    }

    fn model(&self, model: Hash) -> Result<&Model, FaceFault> {
        self.models.iter().find(|known| known.served().model == model).ok_or(FaceFault::Model)
    }
}
