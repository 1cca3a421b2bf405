//! The biometric process: compares a picture of a face with a template, for the element, in a process of its own.
//!
//! It loads models that its operator supplies (ONNX), comes to the element's socket, and is asked there. It must never keep a picture or a template, say how
//! similar two faces are, know a name or a request, open a file or a connection once it serves, or let a model or a picture end in a panic or without a bound.
//! How good the comparison is, is the model's: docs/deploy/face.md.

mod confine;
mod desk;
mod frames;
mod framing;
mod model;
mod serve;
mod templates;

pub use confine::{confine, limit_memory};
pub use desk::Desk;
pub use frames::{FrameError, LONGEST_FRAME, read_frame, write_frame};
pub use model::{LONGEST_EMBEDDING, LONGEST_MODEL, Model, ModelError, SHORTEST_EMBEDDING};
pub use serve::{ServeError, serve};
pub use templates::{TemplateError, Templates};
