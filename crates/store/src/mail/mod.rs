//! Letters: written by us, carried by a mail server (SMTP), or left in a folder for another program.

mod folder;
mod smtp;

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, Message, header::ContentType};

use crate::{DeliveryError, StoreError};

pub use folder::MailFolder;
pub use smtp::{SmtpMailer, SmtpServer, SmtpTls};

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

/// Who takes letters. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// A folder of this machine.
    Folder(MailFolder),
    /// A mail server.
    Smtp(SmtpMailer),
}

impl Mailer {
    /// Hands over the letter of an outbox message. The same message again is the same letter: one file, one `Message-ID`.
    ///
    /// # Errors
    /// [`DeliveryError::Refused`] where this letter will never be taken, [`DeliveryError::Later`] where its mailbox does not take it now,
    /// [`DeliveryError::Away`] for all the rest. None says to whom.
    pub async fn deliver(&self, mail: &Mail, message: &crate::Message) -> Result<(), DeliveryError> {
        match self {
            Self::Folder(folder) => {
                let written = folder.send_once(mail, message).await;
                written.map(drop).map_err(|error| match error {
                    StoreError::Mail(_) => DeliveryError::Refused(error.to_string()),
                    error => DeliveryError::Away(error.to_string()),
                })
            }
            Self::Smtp(server) => server.send_once(mail, message).await,
        }
    }
}

/// The mailbox of a header: `Sceau <no-reply@sceau.localhost>`.
fn mailbox(text: &str) -> Result<Mailbox, StoreError> {
    text.parse().map_err(|_| StoreError::Mail(format!("{text} is not a mailbox")))
}

fn id_of(message: &crate::Message) -> Result<uuid::Uuid, StoreError> {
    message.id.parse().map_err(|_| StoreError::Mail("its message has no UUID".into()))
}

/// The whole message (RFC 5322).
fn compose(mail: &Mail, from: &Mailbox, at_ms: u64, id: uuid::Uuid) -> Result<Message, StoreError> {
    // lettre encodes what it is given; refusing control characters first keeps the reason readable.
    if mail.subject.chars().chain(mail.to.chars()).any(char::is_control) {
        return Err(StoreError::Mail("a control character in the subject or the address".into()));
    }
    let address = mail.to.parse().map_err(|_| StoreError::Mail("not an address".into()))?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, address))
        .subject(mail.subject.clone())
        .date(UNIX_EPOCH + Duration::from_millis(at_ms))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone())
        .map_err(|error| StoreError::Mail(error.to_string()))
}
