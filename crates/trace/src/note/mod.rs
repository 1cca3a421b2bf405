//! C2SP signed-note: a text and the signatures of named keys under it.

mod key;

pub use key::{KeyKind, VerifierKey};

use crate::NoteError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

const MAX_NOTE_BYTES: usize = 1 << 20;
const MAX_SIGNATURES: usize = 100;
const SIGNATURE_START: &str = "\u{2014} ";

/// A note as read or made: well formed, its signatures not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: [u8; 4],
    blob: Vec<u8>,
}

impl NoteSignature {
    /// The signature that `key` made; the bytes after the key id in the line.
    pub fn new(key: &VerifierKey, blob: Vec<u8>) -> Self {
        NoteSignature { name: key.name().to_owned(), id: key.id(), blob }
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The bytes after the key id.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Reads a signature line, given without its line feed.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let rest = line.strip_prefix(SIGNATURE_START).ok_or(NoteError::Malformed("a signature line"))?;
        let (name, base64) = rest.split_once(' ').ok_or(NoteError::Malformed("a signature line"))?;
        if !key::is_name(name) {
            return Err(NoteError::Malformed("the name in a signature line"));
        }
        let bytes = STANDARD.decode(base64).map_err(|_| NoteError::Malformed("the base64 of a signature"))?;
        match bytes.split_first_chunk::<4>() {
            Some((id, blob)) if !blob.is_empty() => {
                Ok(NoteSignature { name: name.to_owned(), id: *id, blob: blob.to_vec() })
            }
            _ => Err(NoteError::Malformed("a signature is too short")),
        }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_slice(), &self.blob].concat();
        write!(f, "{SIGNATURE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl Note {
    /// A note without signatures yet. The text ends with a line feed and has no other control character.
    pub fn unsigned(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        Ok(Note { text, signatures: Vec::new() })
    }

    /// Reads a note: text, an empty line, one or more signature lines.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed("too long"));
        }
        let cut = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
        let (text, signatures) = note.split_at(cut + 1);
        check_text(text)?;
        let lines = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or(NoteError::Malformed("the last line is not ended"))?;
        let mut read = Note { text: text.to_owned(), signatures: Vec::new() };
        for line in lines.split('\n') {
            if read.signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::Malformed("too many signatures"));
            }
            read.add(NoteSignature::parse(line)?)?;
        }
        Ok(read)
    }

    /// The signed text, with its last line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line; a second one of the same key is refused.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.iter().any(|known| known.name == signature.name && known.id == signature.id) {
            return Err(NoteError::DuplicateSignature);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The signature of that key, not checked.
    pub fn signature_of(&self, key: &VerifierKey) -> Result<&NoteSignature, NoteError> {
        let found = self.signatures.iter().find(|known| known.name == key.name() && known.id == key.id());
        found.ok_or(NoteError::NotSigned)
    }

    /// Checks that `key`, a plain Ed25519 key, signed the text.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        if key.kind() != KeyKind::Ed25519 {
            return Err(NoteError::BadKey("it is not a plain Ed25519 key"));
        }
        key.verify_raw(self.text.as_bytes(), self.signature_of(key)?.blob())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text is not ended by a line feed"));
    }
    if text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return Err(NoteError::Malformed("a control character"));
    }
    Ok(())
}
