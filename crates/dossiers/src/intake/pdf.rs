//! Whether a PDF says that it is encrypted, as it streams. Pure.
//!
//! The entry stands in the trailer, or in the dictionary of a cross-reference stream (ISO 32000-2, 7.5.5 and 7.5.8): both are never compressed,
//! so that an object stream cannot hide it. What a viewer makes of a file whose trailer it has to guess is left to the antivirus
//! (`AlertEncrypted`).

/// The name, without its solidus.
const ENCRYPT: &[u8] = b"Encrypt";

/// Looks for the name `/Encrypt`, however it is spelt: any character of a name may be written `#xx` (ISO 32000-2, 7.3.5).
#[derive(Debug, Default)]
pub(super) struct EncryptName {
    at: At,
    escape: Escape,
    found: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In no name, or in one that is another.
    #[default]
    Elsewhere,
    /// In a name whose first characters, so many, are those of the one that is looked for.
    Name(usize),
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Hash,
    Digit(u8),
}

impl EncryptName {
    /// Takes the next bytes; whether the name was there by now.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some((&byte, later)) = rest.split_first() {
            if self.at == At::Elsewhere {
                let Some(solidus) = rest.iter().position(|byte| *byte == b'/') else { break };
                rest = rest.get(solidus + 1..).unwrap_or_default();
                self.at = At::Name(0);
                continue;
            }
            self.next(byte);
            rest = later;
        }
        self.found
    }

    /// After the last bytes: a name may end with the file.
    pub(super) fn finish(&self) -> bool {
        self.found || self.at == At::Name(ENCRYPT.len())
    }

    fn next(&mut self, byte: u8) {
        match (self.escape, hexadecimal(byte)) {
            (Escape::None, _) if byte == b'#' => self.escape = Escape::Hash,
            (Escape::None, _) => self.written(byte),
            (Escape::Hash, Some(high)) => self.escape = Escape::Digit(high),
            (Escape::Digit(high), Some(low)) => {
                self.escape = Escape::None;
                self.character(high << 4 | low);
            }
            // A number sign that begins no escape is taken as it stands, and the name is another; this byte may still end it.
            (Escape::Hash | Escape::Digit(_), None) => {
                self.escape = Escape::None;
                self.character(b'#');
                if byte == b'/' { self.at = At::Name(0) } else { self.at = At::Elsewhere }
            }
        }
    }

    fn written(&mut self, byte: u8) {
        if matches!(
            byte,
            0 | 9 | 10 | 12 | 13 | 32 | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
        ) {
            self.found |= self.at == At::Name(ENCRYPT.len());
            self.at = if byte == b'/' { At::Name(0) } else { At::Elsewhere };
        } else {
            self.character(byte);
        }
    }

    fn character(&mut self, character: u8) {
        let At::Name(known) = self.at else { return };
        self.at = match ENCRYPT.get(known) {
            Some(expected) if *expected == character => At::Name(known + 1),
            Some(_) => At::Elsewhere,
            None => {
                // Longer than the name, as /EncryptMetadata is; some readers end a name where the standard does not.
                self.found |= !character.is_ascii_alphanumeric();
                At::Elsewhere
            }
        };
    }
}

fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pdf: &[u8]) -> bool {
        let whole = {
            let mut name = EncryptName::default();
            name.pass(pdf);
            name.finish()
        };
        for cut in 0..=pdf.len() {
            let (head, tail) = pdf.split_at(cut);
            let mut name = EncryptName::default();
            name.pass(head);
            name.pass(tail);
            assert_eq!(name.finish(), whole, "cut at {cut}");
        }
        whole
    }

    #[test]
    fn the_name_is_found_however_it_is_spelt() {
        for spelt in [
            "/Encrypt 5 0 R",
            "/Encrypt<</V 4>>",
            "/Encrypt/Root",
            "/Encrypt",
            "/Encr#79pt 5 0 R",
            "/#45#6e#63#72#79#70#74 5 0 R",
            "/#45#6E#63#72#79#70#74",
            "//Encrypt ",
            "/Root#/Encrypt ",
            "/E#/Encrypt ",
            "/A#4/Encrypt ",
            "/Encrypt#",
            "/Encrypt\x7f",
        ] {
            assert!(finds(format!("%PDF-1.7 trailer << {spelt} >>").as_bytes()), "{spelt}");
        }
        assert!(finds(b"/Encrypt"));
    }

    #[test]
    fn other_names_are_not_it() {
        for other in [
            "/EncryptMetadata false",
            "/Encryp#74Metadata",
            "/encrypt 1",
            "/Encr#2379pt 1",
            "/Encr #79pt",
            "Encrypt",
            "/Encr/ypt ",
            "/",
        ] {
            assert!(!finds(format!("%PDF-1.7 << {other} >>").as_bytes()), "{other}");
        }
    }
}
