//! What a file must be before it is sealed: its name, its declared type, and bytes that agree with both. Pure.

use zeroize::Zeroizing;

use super::pdf::EncryptName;
use super::refusal::Refusal;

/// The types that are taken, with the extensions of their names.
const TYPES: [(&str, &[&str]); 3] =
    [("application/pdf", &["pdf"]), ("image/jpeg", &["jpg", "jpeg"]), ("image/png", &["png"])];
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// A ZIP archive ends with this record of 22 bytes and a comment of at most 65,535 (APPNOTE 4.3.16).
const ZIP_END: &[u8] = b"PK\x05\x06";
const ZIP_TAIL: usize = 22 + 65_535;
/// Whether a name and a type are acceptable together.
///
/// # Errors
/// [`Refusal::Name`], [`Refusal::WrongType`].
pub(super) fn declared(name: &str, media_type: &str) -> Result<(), Refusal> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(hidden) || name.trim() != name {
        return Err(Refusal::Name);
    }
    let (_, extensions) = TYPES.iter().find(|(taken, _)| *taken == media_type).ok_or(Refusal::WrongType)?;
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension {
        Some(extension) if extensions.contains(&extension.as_str()) => Ok(()),
        _ => Err(Refusal::WrongType),
    }
}

/// Looks at a file as it passes; keeps its last bytes only.
#[derive(Debug)]
pub(crate) struct Inspector {
    media_type: String,
    head: Zeroizing<Vec<u8>>,
    tail: Zeroizing<Vec<u8>>,
    encrypt: EncryptName,
}

impl Inspector {
    pub(crate) fn new(media_type: &str) -> Self {
        let (head, tail) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
        Self { media_type: media_type.to_owned(), head, tail, encrypt: EncryptName::default() }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// As soon as they show that the file is not what it is said to be.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let known = self.head.len();
        if known < 8 {
            self.head.extend(bytes.iter().take(8 - known));
            if self.head.len() == 8 && !self.begins_well() {
                return Err(Refusal::WrongType);
            }
        }
        if self.is_pdf() && self.encrypt.pass(bytes) {
            return Err(Refusal::Encrypted);
        }
        self.keep_tail(bytes);
        Ok(())
    }

    /// After the last bytes.
    ///
    /// # Errors
    /// When the whole is not what it is said to be, or is an archive too.
    pub(crate) fn finish(&self) -> Result<(), Refusal> {
        if !self.begins_well() {
            return Err(Refusal::WrongType);
        }
        if self.is_pdf() && self.encrypt.finish() {
            return Err(Refusal::Encrypted);
        }
        let tail = self.tail.get(self.tail.len().saturating_sub(ZIP_TAIL)..).unwrap_or_default();
        if ends_as_zip(tail) { Err(Refusal::TwoTypes) } else { Ok(()) }
    }

    fn is_pdf(&self) -> bool {
        self.media_type == "application/pdf"
    }

    fn begins_well(&self) -> bool {
        match self.media_type.as_str() {
            "application/pdf" => self.head.starts_with(b"%PDF-"),
            "image/jpeg" => self.head.starts_with(&[0xff, 0xd8, 0xff]),
            "image/png" => self.head.starts_with(b"\x89PNG\r\n\x1a\n"),
            _ => false,
        }
    }

    fn keep_tail(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(ZIP_TAIL)..).unwrap_or_default();
        self.tail.extend_from_slice(bytes);
        // Moved now and then, not at each chunk: a sender may make chunks of one byte.
        if self.tail.len() >= 2 * ZIP_TAIL {
            let over = self.tail.len() - ZIP_TAIL;
            self.tail.drain(..over);
        }
    }
}

/// Whether what ends with `tail` opens as a ZIP archive.
fn ends_as_zip(tail: &[u8]) -> bool {
    tail.windows(22).enumerate().any(|(at, record)| {
        let comment = record.get(20..22).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes);
        // Readers tolerate a comment that is cut short or followed by a little more: so do we, in refusing.
        record.starts_with(ZIP_END)
            && comment.is_some_and(|length| at + 22 + usize::from(length) <= tail.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(media_type: &str, chunks: &[&[u8]]) -> Result<(), Refusal> {
        let mut inspector = Inspector::new(media_type);
        chunks.iter().try_for_each(|chunk| inspector.pass(chunk))?;
        inspector.finish()
    }

    #[test]
    fn bytes_that_come_one_by_one_are_looked_at_as_all_at_once() {
        let mut file = b"%PDF-1.7\n".to_vec();
        file.resize(3 * ZIP_TAIL, b'x');
        let bytes = |file: &[u8]| passes("application/pdf", &file.chunks(1).collect::<Vec<_>>());
        assert_eq!(bytes(&file), Ok(()));
        file.extend_from_slice(ZIP_END);
        file.extend_from_slice(&[0; 18]);
        assert_eq!(bytes(&file), Err(Refusal::TwoTypes));
    }

    #[test]
    fn names_and_types_belong_together() {
        assert_eq!(declared("carte d’identité.pdf", "application/pdf"), Ok(()));
        assert_eq!(declared("photo.JPG", "image/jpeg"), Ok(()));
        for name in
            ["", "a/b.pdf", "a\u{202e}fdp.exe.pdf", "..\\x.pdf", " a.pdf", "a\n.pdf", &"é".repeat(300)]
        {
            assert_eq!(declared(name, "application/pdf"), Err(Refusal::Name), "{name}");
        }
        for name in ["a.pdf.exe", "pdf", "a.", "a.png"] {
            assert_eq!(declared(name, "application/pdf"), Err(Refusal::WrongType), "{name}");
        }
        assert_eq!(declared("a.zip", "application/zip"), Err(Refusal::WrongType));
    }

    #[test]
    fn first_bytes_decide() {
        assert_eq!(passes("application/pdf", &[b"%P", b"DF-1.7\n%%EOF"]), Ok(()));
        assert_eq!(passes("image/png", &[b"\x89PNG\r\n\x1a\nrest"]), Ok(()));
        for bytes in
            [&b"MZ\x90\0\x03\0\0\0\x04"[..], b"\x7fELF\x02\x01\x01\0", b"PK\x03\x04aaaaaa", b"%PD", b""]
        {
            assert_eq!(passes("application/pdf", &[bytes]), Err(Refusal::WrongType), "{bytes:?}");
        }
    }

    #[test]
    fn an_encrypted_pdf_is_seen_across_chunks() {
        let pdf: &[u8] = b"%PDF-1.7 trailer << /Root 1 0 R /#45ncr#79pt 5 0 R >> %%EOF";
        for cut in 1..pdf.len() {
            let (head, tail) = pdf.split_at(cut);
            assert_eq!(passes("application/pdf", &[head, tail]), Err(Refusal::Encrypted), "cut at {cut}");
        }
        assert_eq!(passes("application/pdf", &[b"%PDF-1.7 /EncryptMetadata false %%EOF"]), Ok(()));
    }

    #[test]
    fn a_pdf_that_is_an_archive_too_is_refused() {
        let mut zip = b"PK\x05\x06".to_vec();
        zip.extend([0; 18]);
        assert_eq!(passes("application/pdf", &[b"%PDF-1.7 %%EOF", &zip]), Err(Refusal::TwoTypes));
        assert_eq!(passes("application/pdf", &[b"%PDF-1.7 %%EOF", &zip, b"\n%%EOF"]), Err(Refusal::TwoTypes));
        assert_eq!(passes("application/pdf", &[b"%PDF-1.7 PK\x05\x06 in words %%EOF"]), Ok(()));
    }
}
