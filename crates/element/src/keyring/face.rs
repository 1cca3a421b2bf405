//! The face, where a policy asks for it besides the PIN: offered a key for at the login, compared once the PIN and the consent hold.

use sceau_element_api::keyring::{FaceRule, RequestKind};
use sceau_element_api::wire::{Code, Refusal};
use sceau_element_api::{Base64Url, KeyringId};
use sceau_keyring::{
    FaceAnswer, FaceAsk, FaceBrought, FaceFault, FaceOffer, FacePlace, LONGEST_TEMPLATE, template_hash,
};
use sceau_trace::Hash;

use super::context::Stage;
use super::conversation::{Desk, Turn, may_enrol, unknown};
use super::faces::{Faces, away};
use super::long::Long;
use super::secrets::unusable;

/// What is found of a holder's face.
pub(super) enum Seen {
    /// It is not asked for.
    Nothing,
    /// It is the one that was enrolled.
    Matched,
    /// It is another one.
    Another,
    /// It was enrolled: the template, sealed.
    Enrolled(Base64Url),
}

impl Seen {
    pub(super) fn template(&self) -> Option<&Base64Url> {
        match self {
            Self::Enrolled(template) => Some(template),
            Self::Nothing | Self::Matched | Self::Another => None,
        }
    }
}

/// Which use of which keyring it is.
pub(super) struct FaceUse<'a> {
    pub rule: Option<&'a FaceRule>,
    pub kind: RequestKind,
    pub keyring: KeyringId,
}

impl FaceUse<'_> {
    /// The rule, where the face is asked for: to be used by who asks a holder for something, and to be enrolled. What holders ask of their own keyring, to
    /// end it say, takes the PIN alone.
    fn asked(&self) -> Result<Option<&FaceRule>, Refusal> {
        match (self.kind, self.rule) {
            (RequestKind::Face, None) => {
                let words = "the policy of this keyring asks for no face: none is taken";
                Err(Refusal::new(Code::RequestInvalid, words))
            }
            (RequestKind::Sign | RequestKind::Authenticate | RequestKind::Face, rule) => Ok(rule),
            _ => Ok(None),
        }
    }
}

impl Desk {
    /// Where the biometric process comes to.
    pub(crate) fn faces(&self) -> &Faces {
        &self.faces
    }

    /// What a picture is to be sealed to in this context, where one is asked for. Refused before an attempt is counted where there could be no use of it.
    pub(super) fn face_offer(
        &self,
        turn: &Turn,
        of: &FaceUse<'_>,
    ) -> Result<Option<Box<FaceOffer>>, Refusal> {
        let Some(rule) = of.asked()? else { return Ok(None) };
        self.enrolled(of)?;
        let served = self.faces.serves(rule.model)?;
        let FaceAnswer::Session { key } = self.faces.ask(FaceAsk::session(turn.context.channel.id()))? else {
            return Err(away());
        };
        let (width, height) = (served.width, served.height);
        Ok(Some(Box::new(FaceOffer { key, model: rule.model, width, height })))
    }

    /// The template's hash that a use is held to; none where one is to be made, and may be.
    fn enrolled(&self, of: &FaceUse<'_>) -> Result<Option<Hash>, Refusal> {
        self.with(|state| {
            let known = state.keyrings().keyring(of.keyring).ok_or_else(unknown)?;
            if of.kind == RequestKind::Face {
                return may_enrol(known).map(|()| None);
            }
            let words = "no face is enrolled for this keyring: `sceau terminal face` enrols it, once";
            known.face.map(Some).ok_or_else(|| Refusal::new(Code::FaceMissing, words))
        })
    }

    /// Has the face that came with a use looked at. The PIN is proven, and what the holder agreed to is what is asked.
    pub(super) fn looked_at(
        &self,
        turn: &Turn,
        of: &FaceUse<'_>,
        brought: Option<&FaceBrought>,
        (terminal, request): (sceau_element_api::TerminalId, Hash),
    ) -> Result<Seen, Refusal> {
        let Some(rule) = of.asked()? else { return Ok(Seen::Nothing) };
        let enrolled = self.enrolled(of)?;
        let words = "the policy of this keyring asks for the face, and none came";
        let brought = brought.ok_or_else(|| Refusal::new(Code::FaceMissing, words))?;
        let template = brought.template.as_ref();
        let hash = template.map(|template| template_hash(template));
        if hash != enrolled || template.is_some_and(|template| template.len() > LONGEST_TEMPLATE) {
            let words = "the template is not the one that was enrolled for this keyring";
            return Err(Refusal::new(Code::FaceInvalid, words));
        }
        let context = turn.context.channel.id();
        let place = FacePlace {
            context,
            keyring: of.keyring,
            terminal,
            request,
            model: rule.model,
            template: enrolled,
        };
        let capture = brought.capture.clone();
        let ask = match template {
            None => FaceAsk::Enrol { place, capture },
            Some(template) => {
                FaceAsk::Compare { place, capture, template: template.clone(), least: rule.least }
            }
        };
        match (self.faces.ask(ask)?, enrolled) {
            (FaceAnswer::Enrolled { template }, None) if template.len() <= LONGEST_TEMPLATE => {
                Ok(Seen::Enrolled(template))
            }
            (FaceAnswer::Compared { matched: true }, Some(_)) => Ok(Seen::Matched),
            (FaceAnswer::Compared { matched: false }, Some(_)) => Ok(Seen::Another),
            (FaceAnswer::Refused { fault }, _) => Err(refused(fault)),
            _ => Err(unusable("an answer of the biometric process to something else")),
        }
    }

    /// Whose face is compared by this message, which takes long.
    pub(crate) fn looks_long(&self, turn: &Turn) -> Option<Long> {
        let Stage::Trying(trying) = &turn.context.stage else { return None };
        let of = trying.face.then_some(trying.keyring)?;
        Some((self.behalf_of(of).ok()?, of))
    }
}

fn refused(fault: FaceFault) -> Refusal {
    let capture =
        "the picture is none of this exchange, or not of the size that the model takes: take another";
    let template = "the template does not open: it is of another keyring, or the biometric process has another key than it was made under";
    let (code, words) = match fault {
        FaceFault::Capture => (Code::FaceInvalid, capture),
        FaceFault::Template => (Code::FaceInvalid, template),
        FaceFault::Failed => (Code::FaceInvalid, "the model could do nothing with the picture: take another"),
        _ => return away(),
    };
    Refusal::new(code, words)
}
