//! Mail into a folder: each message a complete `.eml` file (RFC 5322) that a mail client opens.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, Message, header::ContentType};

use crate::{Clock, StoreError};

/// A text message to one person. Never put a secret in it but a one-time link.
#[derive(Clone)]
pub struct Mail {
    /// Address of the recipient, without a display name.
    pub to: String,
    /// Subject, one line, any language.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// Shows nothing: addresses and links are personal.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail(..)")
    }
}

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
        let from = from.parse().map_err(|_| StoreError::Mail(format!("{from} is not a mailbox")))?;
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
        let id = message.id.parse().map_err(|_| StoreError::Mail("its message has no UUID".into()))?;
        self.write(mail, message.created, id).await
    }

    async fn write(&self, mail: &Mail, at_ms: u64, id: uuid::Uuid) -> Result<PathBuf, StoreError> {
        let bytes = self.compose(mail, at_ms)?;
        let name = format!("{at_ms:015}-{id}.eml");
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || write_atomically(&folder, &name, &bytes)).await;
        written
            .unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
            .map_err(StoreError::io("cannot write a mail"))
    }

    fn compose(&self, mail: &Mail, now_ms: u64) -> Result<Vec<u8>, StoreError> {
        // lettre encodes what it is given; refusing control characters first keeps the reason readable.
        if mail.subject.chars().chain(mail.to.chars()).any(char::is_control) {
            return Err(StoreError::Mail("a control character in the subject or the address".into()));
        }
        let address = mail.to.parse().map_err(|_| StoreError::Mail("not an address".into()))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(mail.subject.clone())
            .date(UNIX_EPOCH + Duration::from_millis(now_ms))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|error| StoreError::Mail(error.to_string()))?;
        Ok(message.formatted())
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
