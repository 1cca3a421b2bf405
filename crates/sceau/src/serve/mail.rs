//! Who carries the letters: a folder for another program, or a mail server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_store::{Clock, MailFolder, Mailer, SmtpMailer, SmtpServer, SmtpTls};
use serde::Deserialize;

use super::secret::SecretFile;
use super::settings::{absolute, authorities};
use crate::failure::Failure;

/// Whom letters are from, where nothing else is said.
const FROM: &str = "Sceau <ne-pas-repondre@sceau.localhost>";

/// Who carries the letters.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum MailSettings {
    /// Nobody: they stay in a folder of this machine, for another program.
    Folder {
        /// Else `mail` in the data folder.
        path: Option<PathBuf>,
        /// Whom they are from.
        #[serde(default = "from")]
        from: String,
    },
    /// A mail server.
    Smtp {
        /// Its name, as in its certificate.
        host: String,
        /// Its port.
        port: Option<u16>,
        /// How TLS begins.
        tls: Tls,
        /// Name to log in with.
        user: Option<String>,
        /// File of the password.
        password_file: Option<SecretFile>,
        /// Authorities (PEM) to trust beside the system's.
        ca_file: Option<PathBuf>,
        /// Whom letters are from.
        from: String,
    },
}

/// How TLS begins at a mail server.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    /// With the connection.
    Implicit,
    /// After `STARTTLS`, and nothing is said before.
    Starttls,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self::Folder { path: None, from: from() }
    }
}

impl MailSettings {
    /// Opens what carries letters; `data` is the platform's folder.
    pub(crate) fn open(&self, data: &Path, clock: &Arc<dyn Clock>) -> Result<Mailer, Failure> {
        if let Some(server) = self.server()? {
            return Ok(Mailer::Smtp(server));
        }
        let (path, from) = match self {
            Self::Folder { path, from } => (path.clone(), from.as_str()),
            Self::Smtp { from, .. } => (None, from.as_str()),
        };
        let folder = path.unwrap_or_else(|| data.join("mail"));
        let opened = MailFolder::open(&folder, from, Arc::clone(clock));
        opened.map(Mailer::Folder).map_err(|error| Failure::role("mail", &error))
    }

    /// The mail server, where there is one. Nothing is asked of it yet.
    pub(crate) fn server(&self) -> Result<Option<SmtpMailer>, Failure> {
        let Self::Smtp { host, port, tls, user, password_file, ca_file, from } = self else {
            return Ok(None);
        };
        let password = password_file.as_ref().map(SecretFile::read).transpose()?;
        let server = SmtpServer {
            host: host.clone(),
            port: *port,
            tls: match tls {
                Tls::Implicit => SmtpTls::Implicit,
                Tls::Starttls => SmtpTls::StartTls,
            },
            authorities: authorities(ca_file.as_deref())?,
            login: user.clone().zip(password),
            from: from.clone(),
        };
        SmtpMailer::new(&server).map(Some).map_err(|error| Failure::role("mail", &error))
    }

    /// What can be judged without asking a server.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Folder { path, .. } => absolute("mail.path", path.as_deref()),
            Self::Smtp { user, password_file, ca_file, .. } => {
                if user.is_some() != password_file.is_some() {
                    return Err("mail.user and mail.password_file go together".to_owned());
                }
                absolute("mail.ca_file", ca_file.as_deref())?;
                absolute("mail.password_file", password_file.as_ref().and_then(SecretFile::path))
            }
        }
    }
}

fn from() -> String {
    FROM.to_owned()
}
