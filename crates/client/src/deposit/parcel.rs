//! What is deposited: a name and a type for the recipient's eyes, and where the bytes are.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::ClientError;

/// A document in memory: what the recipient will see of its name and type, and its bytes.
#[derive(Debug, Clone)]
pub struct Document {
    /// Name that the recipient sees; the platform does not.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A document to deposit, of any size: its bytes are read once, as they are sealed.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Name that the recipient sees; the platform does not.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Which of the documents that the scheme asks for it is. Sealed with the answers.
    pub slot: Option<String>,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Memory(Bytes),
    File(PathBuf),
}

impl Document {
    /// Reads a file; its type is guessed from its name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let mut content = Vec::new();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut content))
            .map_err(|cause| unreadable(path, cause))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let media_type = media_type(&name).to_owned();
        Ok(Self { name, media_type, content })
    }
}

impl Parcel {
    /// A file, which is opened when its turn comes.
    #[must_use]
    pub fn file(path: PathBuf, name: String, media_type: String, slot: Option<String>) -> Self {
        Self { name, media_type, slot, content: Content::File(path) }
    }
}

impl From<Document> for Parcel {
    fn from(document: Document) -> Self {
        let Document { name, media_type, content } = document;
        Self { name, media_type, slot: None, content: Content::Memory(content.into()) }
    }
}

impl Content {
    pub(super) fn reader(&self) -> Result<Box<dyn Read + Send>, ClientError> {
        match self {
            Self::Memory(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            Self::File(path) => Ok(Box::new(File::open(path).map_err(|cause| unreadable(path, cause))?)),
        }
    }

    /// How errors name it.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Memory(_) => "the document".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

fn unreadable(path: &Path, cause: std::io::Error) -> ClientError {
    ClientError::File { path: path.display().to_string(), cause }
}

fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("pdf") => "application/pdf",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
