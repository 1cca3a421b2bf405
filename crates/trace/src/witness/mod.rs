//! What a witness decides (C2SP tlog-witness): whether a log's checkpoint extends the last one that it cosigned.
//!
//! A witness remembers one checkpoint for each log. Whoever calls [`admit`] must hold that memory still from the check until the checkpoint that came out is
//! on disk: two requests at once would otherwise lead a log back.

mod admit;
mod request;

pub use admit::{WitnessRefusal, admit};
pub use request::AddCheckpoint;
