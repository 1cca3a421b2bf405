//! The protocol of keyrings: the channel between an actor or a terminal and the element, PINs by OPAQUE (RFC 9807), what is signed, what is shown.
//!
//! Everything here is pure: bytes and time are passed in. One crate serves both sides, so that what a terminal signs and what the element compares are made by
//! one function. It must never decide who may do something (the element does, from its own journal), never let a PIN, a factor or a terminal's secret leave in
//! clear, and never show a text that is not what it seems.

mod attempts;
#[cfg(feature = "judge")]
mod bad_requests;
mod channel;
mod delivery;
mod door;
mod face;
mod factors;
mod host;
mod identity;
mod json;
mod legible;
mod message;
mod opaque;
mod package;
mod proof;
mod request;
mod rng;
mod roam;
mod sad;
mod signed;
mod standing;
mod statement;
mod stop;
mod unlock;
mod visit;

pub use attempts::{Attempts, FAILURES, Waits};
#[cfg(feature = "judge")]
pub use bad_requests::{BadRequest, bad_requests, good_request};
pub use channel::{Channel, ChannelError, ContextId, channel_id, file_of};
pub use delivery::Delivery;
pub use door::{Asks, Door, Validity};
pub use face::{
    Capture, CaptureError, FaceAnswer, FaceAsk, FaceCall, FaceFault, FaceHello, FacePlace, FaceReply,
    FaceWelcome, LARGEST_SIDE, LONGEST_TEMPLATE, SMALLEST_SIDE, SealedCapture, ServedModel, open_capture,
    seal_capture, template_hash,
};
pub use factors::{
    Code, Factor, FactorError, Factors, Reply, SecondCode, answer_proof, factors_hash, first_proof,
    is_answer_proof, is_first_proof, is_second_proof, second_proof,
};
pub use host::{Answered, Asked, GivenNonce, LONGEST_WAIT, RequestState, Visited, Visiting, Waiting, places};
pub use identity::Identity;
pub use legible::{Illegible, MOST_CHARACTERS, MOST_LINES, description, label};
pub use message::{
    Activate, Activated, Activating, Answer, Ask, Challenge, Confirm, FaceBrought, FaceOffer, Inner, Login,
    MOST_MESSAGES, Message, Use, Used,
};
#[cfg(feature = "terminal")]
pub use opaque::terminal::{ExportKey, LoggingIn, Pin, PinRefused, Proven, Registering, Upload};
pub use opaque::{Begun, Names, OpaqueError, OpaqueServer, WrongPin};
pub use package::{Invitation, Package, PackageJws, PolicyRef};
pub use proof::{ProvenBy, TransactionProof};
pub use request::{Item, ItemHash, LONGEST_REQUEST, MOST_ITEMS, Request, is_holders};
#[cfg(feature = "terminal")]
pub use roam::short_code;
pub use roam::{
    Admit, Admitted, Arrive, Arrived, Dissociate, ExpectedTerminal, Expecting, RoamingAt, RoamingCode,
    RoamingKeys, RoamingProof, RoamingStage, RoamingState, RoamingUse, ShortCode,
};
pub use sad::{Expected, Sad};
pub use signed::{
    Signs, SignsError, key_of, sign_jws, thumbprint, unverified_kid, verify_jws, verify_jws_by,
};
pub use standing::{Happening, LookAt, MOST_HAPPENINGS, Standing, Tries};
pub use statement::Statement;
pub use stop::{Destroy, Resume, Stopped, Suspend};
pub use unlock::{
    BoxError, BoxUse, Carried, KeySecret, NO_KEY, Place, Unlock, open_box, open_inner, seal_box, seal_inner,
    unlock_of,
};
pub use visit::{Outcome, ReportReason, Visit, VisitAsk};
