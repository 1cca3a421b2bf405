//! Documents that say to be linearised (ISO 32000-1 annex F): many readers begin with what stands behind their first object, and not with what their end names.

use crate::{
    error::PdfError,
    object::Object,
    parse::{Unread, is_space},
    reading::Reading,
    source::Source,
};

/// What is blank behind the first object is not longer: writers keep room there.
const BLANK: u64 = 4096;

/// That whoever begins at the front finds the same newest section (which begins at `newest`), in this version and when something is added to it.
pub(crate) fn check<S: Source>(reading: Reading<'_, S>, newest: u64) -> Result<(), PdfError> {
    let (object, until) = reading.growing(0, reading.end, |parser| {
        parser.head()?;
        let object = parser.object()?;
        match parser.word()? {
            b"endobj" | b"stream" => Ok((object, parser.at() as u64)),
            _ => Err(Unread::Wrong("its first object does not end")),
        }
    })?;
    let Object::Dictionary(first) = object else { return Ok(()) };
    if first.get("Linearized").is_none() {
        return Ok(());
    }
    let wrong = |what| Err(PdfError::damaged(what, 0));
    let length = first.integer("L").and_then(|length| u64::try_from(length).ok());
    match length {
        // Something was added behind: then all readers begin at the end.
        Some(length) if length < reading.end => return Ok(()),
        Some(length) if length == reading.end => {}
        Some(_) => return wrong("it is linearised, and says that it is longer than it is"),
        None => return wrong("it is linearised, and does not say how long it is"),
    }
    // Readers look for the word, and not for the end of the object.
    let front = reading.window(0, until)?;
    let word = b"endobj";
    let found = front.windows(word.len()).position(|window| window == word);
    let behind = reading.window(until, until.saturating_add(BLANK))?;
    let blank = behind.iter().take_while(|octet| is_space(**octet)).count() as u64;
    if found.map(|found| (found + word.len()) as u64) != Some(until) || until + blank != newest {
        return wrong("it is linearised, and its front and its end name other cross-references");
    }
    Ok(())
}
