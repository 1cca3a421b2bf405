//! The face as a further factor: how a picture is sealed to the biometric process for one use, and what element and process say to each other.
//!
//! A picture is read by nobody but that process, and for the one context, keyring, terminal, request, model and template that it was sealed for. The element knows
//! the hash of a template and passes both on; the process knows neither requests nor people, and keeps nothing.

mod asked;
mod capture;

pub use asked::{FaceAnswer, FaceAsk, FaceCall, FaceFault, FaceHello, FaceReply, FaceWelcome, ServedModel};
pub use capture::{
    Capture, CaptureError, FacePlace, LARGEST_SIDE, LONGEST_TEMPLATE, SMALLEST_SIDE, SealedCapture,
    open_capture, seal_capture, template_hash,
};
