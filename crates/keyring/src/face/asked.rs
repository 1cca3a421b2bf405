//! What element and biometric process say to each other, over a socket of the machine: frames of JSON, as everywhere at the element.

use sceau_element_api::Base64Url;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::{FacePlace, SealedCapture};
use crate::ContextId;

/// What the process says first, once it may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceHello {
    /// Version of this conversation, 1.
    pub v: u32,
    /// The models that it loaded.
    pub models: Vec<ServedModel>,
}

/// What the element says then: the process is asked from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceWelcome {
    /// Version of this conversation, 1.
    pub v: u32,
}

/// A model that was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedModel {
    /// SHA-256 of its file.
    pub model: Hash,
    /// The width of the pictures that it takes, in pixels.
    pub width: u16,
    /// Their height.
    pub height: u16,
}

/// Something that the element asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceCall {
    /// Its number, which the answer brings back.
    pub call: u64,
    /// What.
    pub ask: FaceAsk,
}

/// What the element asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaceAsk {
    /// The key that pictures of a context are sealed to.
    Session {
        /// The context, 16 bytes.
        context: Base64Url,
    },
    /// Make a template of a picture.
    Enrol {
        /// What it is for.
        place: FacePlace,
        /// The picture.
        capture: SealedCapture,
    },
    /// Compare a picture with a template.
    Compare {
        /// What it is for.
        place: FacePlace,
        /// The picture.
        capture: SealedCapture,
        /// The template, as it was given out.
        template: Base64Url,
        /// The least similarity that counts, in thousandths.
        least: u16,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceReply {
    /// The number of the call.
    pub call: u64,
    /// The answer.
    pub answer: FaceAnswer,
}

/// What the process answers. How similar two faces are is no part of it: whoever learned it could search for a picture that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaceAnswer {
    /// To [`FaceAsk::Session`].
    Session {
        /// The key (X-Wing), 1,216 bytes.
        key: Base64Url,
    },
    /// To [`FaceAsk::Enrol`].
    Enrolled {
        /// The template, sealed: this process alone opens it, for this keyring, terminal and model.
        template: Base64Url,
    },
    /// To [`FaceAsk::Compare`].
    Compared {
        /// Whether it counts as one person.
        matched: bool,
    },
    /// It is not done.
    Refused {
        /// Why.
        fault: FaceFault,
    },
}

/// Why it is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaceFault {
    /// The picture does not open, is none, or of another size than the model takes.
    Capture,
    /// The template does not open at this place.
    Template,
    /// The model was not loaded.
    Model,
    /// Too much waits.
    Busy,
    /// The model did not work on it.
    Failed,
}

impl FaceHello {
    /// A model of it.
    #[must_use]
    pub fn serves(&self, model: Hash) -> Option<ServedModel> {
        self.models.iter().find(|served| served.model == model).copied()
    }
}

impl FaceAsk {
    /// The key of a context.
    #[must_use]
    pub fn session(context: ContextId) -> Self {
        Self::Session { context: context.into() }
    }
}
