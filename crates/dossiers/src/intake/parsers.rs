//! The intake's parsers of foreign bytes, for who tries them with any: none may panic.

use sceau_element_api::documents::SchemeDocument;

use super::admission::missing_answer;
use super::content::{Inspector, declared};
use super::deposit::Announced;
use super::http::Beginning;
use super::refusal::Refusal;

/// A file of a media type, in the pieces in which it came.
///
/// # Errors
/// Why it is not taken.
pub fn file<'a>(media_type: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Refusal> {
    let mut inspector = Inspector::new(media_type);
    pieces.into_iter().try_for_each(|piece| inspector.pass(piece))?;
    inspector.finish()
}

/// What a page announces of a file; none where the bytes are no announcement.
pub fn announcement(bytes: &[u8]) -> Option<Result<(), Refusal>> {
    let announced: Announced = serde_json::from_slice(bytes).ok()?;
    Some(declared(&announced.name, &announced.media_type))
}

/// What is missing or wrong in the answers that a page begins with; none where the bytes begin nothing.
pub fn beginning(bytes: &[u8], form: &SchemeDocument) -> Option<Option<String>> {
    let beginning: Beginning = serde_json::from_slice(bytes).ok()?;
    Some(missing_answer(form, &beginning.answers))
}
