//! Mail to a server: SMTP (RFC 5321) over TLS, which is there before anything is said and never left away.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use zeroize::Zeroizing;

use super::{Mail, compose, id_of, mailbox};
use crate::{DeliveryError, StoreError};

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(20);
/// The answers by which a server says that it will never take this letter: RFC 5321 §4.2.3, RFC 7504. All other refusals speak of us, of our
/// login or of the server (RFC 4954 §6): letters wait until someone has mended that.
const NEVER: [u16; 7] = [550, 551, 552, 553, 554, 555, 556];

/// Where a mail server is, and who we are there.
#[derive(Clone)]
pub struct SmtpServer {
    /// Its name, which its certificate must hold.
    pub host: String,
    /// Its port; else the usual one of `tls`.
    pub port: Option<u16>,
    /// How TLS begins.
    pub tls: SmtpTls,
    /// Authorities (PEM) to trust, beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// Name and password.
    pub login: Option<(String, Zeroizing<String>)>,
    /// Whom letters are from: `Sceau <no-reply@example.org>`.
    pub from: String,
}

/// How TLS begins. There is no third way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// With the connection, usually at port 465 (RFC 8314).
    Implicit,
    /// After `STARTTLS`, usually at port 587; a server that does not offer it is told nothing more.
    StartTls,
}

/// Shows no credential.
impl std::fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpServer").field("host", &self.host).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// Hands letters to a mail server. Cheap to clone.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SmtpMailer(..)")
    }
}

impl SmtpMailer {
    /// Nothing is asked of the server yet.
    ///
    /// # Errors
    /// [`StoreError::Mail`] if `from` is not a mailbox; [`StoreError::Settings`] for a host that cannot be one, or authorities that cannot be read.
    pub fn new(server: &SmtpServer) -> Result<Self, StoreError> {
        let from = mailbox(&server.from)?;
        let unusable =
            |error: Error| StoreError::Settings(format!("the mail server cannot be spoken to: {error}"));
        let mut parameters = TlsParameters::builder(server.host.clone());
        if let Some(pem) = &server.authorities {
            let authorities = Certificate::from_pem(pem).map_err(|_| {
                StoreError::Settings("the authorities of the mail server are not PEM certificates".into())
            })?;
            parameters = parameters.add_root_certificate(authorities);
        }
        let parameters = parameters.build_rustls().map_err(unusable)?;
        let (tls, port) = match server.tls {
            SmtpTls::Implicit => (Tls::Wrapper(parameters), 465),
            SmtpTls::StartTls => (Tls::Required(parameters), 587),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(SILENCE))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some((name, password)) = &server.login {
            builder = builder.credentials(Credentials::new(name.clone(), password.to_string()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Sends the letter of an outbox message; again after a doubt, it has the same `Message-ID`, by which servers and readers know it.
    pub(super) async fn send_once(&self, mail: &Mail, message: &crate::Message) -> Result<(), DeliveryError> {
        let refused = |error: StoreError| DeliveryError::Refused(error.to_string());
        let id = id_of(message).map_err(refused)?;
        let letter = compose(mail, &self.from, message.created, id).map_err(refused)?;
        self.transport.send(letter).await.map(drop).map_err(|error| failed(&error))
    }

    /// Connects, begins TLS and logs in, and sends nothing.
    ///
    /// # Errors
    /// In words, with the reason.
    pub async fn probe(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server ended the conversation".to_owned()),
            Err(error) => Err(reason(&error)),
        }
    }
}

fn failed(error: &Error) -> DeliveryError {
    match error.status().map(u16::from) {
        Some(code) if NEVER.contains(&code) => {
            DeliveryError::Refused(format!("the mail server takes it never ({code})"))
        }
        // This mailbox's alone, for the time being. All the rest is the server's, or ours, whatever the letter.
        Some(450) => DeliveryError::Later(reason(error)),
        _ => DeliveryError::Away(reason(error)),
    }
}

/// Why, without the words of the server: they repeat addresses.
fn reason(error: &Error) -> String {
    if let Some(code) = error.status() {
        return match u16::from(code) {
            530 | 534 | 535 | 538 => format!("the mail server refuses the login ({code})"),
            _ => format!("the mail server refuses for now ({code})"),
        };
    }
    let deepest = |error: &Error| {
        let mut source: &dyn std::error::Error = error;
        while let Some(below) = source.source() {
            source = below;
        }
        source.to_string()
    };
    if error.is_timeout() {
        "the mail server is silent".to_owned()
    } else {
        format!("the mail server cannot be spoken to: {}", deepest(error))
    }
}
