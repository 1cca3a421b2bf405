//! Mail into a folder: each message a complete `.eml` file (RFC 5322) that a mail client opens.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lettre::message::Mailbox;

use super::{Mail, compose, id_of, mailbox};
use crate::{Clock, StoreError};

/// A folder of outgoing mail.
#[derive(Debug, Clone)]
pub struct MailFolder {
    folder: PathBuf,
    from: Mailbox,
    clock: Arc<dyn Clock>,
}

impl MailFolder {
    /// `from` is a mailbox as in a header: `Sceau <no-reply@sceau.localhost>`.
    ///
    /// # Errors
    /// [`StoreError::Mail`] if `from` is not a mailbox, [`StoreError::Io`] if the folder cannot be made.
    pub fn open(folder: &Path, from: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let from = mailbox(from)?;
        let action = format!("cannot make the mail folder {}", folder.display());
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(StoreError::io(action))?;
        Ok(Self { folder: folder.to_owned(), from, clock })
    }

    /// Writes a message; when it returns it is on disk under its final name, which begins with the time.
    ///
    /// # Errors
    /// [`StoreError::Mail`] for an address or a subject that could add headers; [`StoreError::Io`].
    pub async fn send(&self, mail: &Mail) -> Result<PathBuf, StoreError> {
        self.write(mail, self.clock.now_ms(), uuid::Uuid::new_v4()).await
    }

    /// Writes the message of an outbox message: delivering that one again, after a crash or a doubt, writes no second one.
    ///
    /// # Errors
    /// As [`Self::send`]; [`StoreError::Mail`] also where the message's id is not a UUID.
    pub async fn send_once(&self, mail: &Mail, message: &crate::Message) -> Result<PathBuf, StoreError> {
        self.write(mail, message.created, id_of(message)?).await
    }

    async fn write(&self, mail: &Mail, at_ms: u64, id: uuid::Uuid) -> Result<PathBuf, StoreError> {
        let bytes = compose(mail, &self.from, at_ms, id)?.formatted();
        let name = format!("{at_ms:015}-{id}.eml");
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || write_atomically(&folder, &name, &bytes)).await;
        written
            .unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
            .map_err(StoreError::io("cannot write a mail"))
    }
}

fn write_atomically(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let (hidden, visible) = (folder.join(format!(".{name}")), folder.join(name));
    if visible.exists() {
        return Ok(visible);
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&hidden)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&hidden, &visible)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(visible)
}
