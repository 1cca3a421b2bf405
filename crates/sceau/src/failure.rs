//! What the command line says when it cannot go on: what went wrong, who can mend it, and the exit code.

use std::fmt;
use std::path::Path;

use sceau_client::ClientError;
use sceau_hsm::hardening::Unbound;

/// Exit codes, stable for scripts: `sceau --help` and docs/command-line.md list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The system or another program is at fault.
    System = 1,
    /// The command was used wrongly, or would have overwritten a file.
    Usage = 2,
    /// The input is damaged, forged, or of another kind.
    Input = 3,
    /// The key at hand is not a recipient's, or its passphrase is wrong.
    Key = 4,
    /// A proof or signature does not hold.
    Proof = 5,
}

/// A failure to show, in one or two sentences.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// Stable code for scripts (`--json`).
    pub(crate) code: String,
    message: String,
}

impl Failure {
    /// A failure with its code and its words.
    pub(crate) fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into() }
    }

    /// Adds what else there is to know.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.message = format!("{}; {more}", self.message);
        self
    }

    /// The same for scripts.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"code": self.code, "exit": self.exit as u8, "message": self.message})
    }

    /// A file operation that the system refused.
    pub(crate) fn file(what: &str, path: &Path, cause: &std::io::Error) -> Self {
        Self::new(Exit::System, "file", format!("cannot {what} {}: {cause}", path.display()))
    }

    /// Another call that the system refused.
    pub(crate) fn system(what: &str, cause: &std::io::Error) -> Self {
        Self::new(Exit::System, "system", format!("cannot {what}: {cause}"))
    }

    /// An address that cannot be listened at.
    pub(crate) fn listen(address: std::net::SocketAddr, cause: &std::io::Error) -> Self {
        let failure = Self::system(&format!("listen at {address}"), cause);
        if cause.kind() == std::io::ErrorKind::AddrInUse {
            failure.and(
                "end the program that does, or choose another address (`sceau up`: another folder, --data)",
            )
        } else {
            failure
        }
    }

    /// A program that could not be started.
    pub(crate) fn start(name: &str, program: &Path, cause: &std::io::Error) -> Self {
        Self::new(Exit::System, "start", format!("cannot start the {name} ({}): {cause}", program.display()))
    }

    /// A role that ended, or stayed silent, before it was ready.
    pub(crate) fn not_ready(name: &str, logs: &Path) -> Self {
        let log = logs.join(format!("{name}.log"));
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let last = text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("nothing")
            .trim_start_matches("sceau: ");
        let words =
            format!("the {name} did not become ready; it said: {last}\n(all of it: {})", log.display());
        Self::new(Exit::System, "not_ready", words)
    }

    /// A part that does not work, in its own words.
    pub(crate) fn role(name: &str, error: &dyn std::error::Error) -> Self {
        Self::new(Exit::System, name.to_owned(), format!("the {name} does not work: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<sceau_hsm::Error> for Failure {
    /// Keystores, passphrases, and files that only their owner reads.
    fn from(error: sceau_hsm::Error) -> Self {
        use sceau_hsm::Error;
        if let Error::Token(error) = &error {
            return crate::cert::token::of_token(error);
        }
        let exit = match error {
            Error::WeakPassphrase(_) | Error::OpenToOthers(_) => Exit::Usage,
            Error::Damaged(_) | Error::LaterVersion(_) => Exit::Input,
            _ => Exit::System,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<ClientError> for Failure {
    /// A server that is away, refuses, or says what it does not prove.
    fn from(error: ClientError) -> Self {
        let (exit, code) = match &error {
            ClientError::Unproven(_) => (Exit::Proof, "unproven"),
            ClientError::Address(_) | ClientError::Clear(_) => (Exit::Usage, "address"),
            ClientError::Anchors | ClientError::Identity => (Exit::Usage, "certificate"),
            ClientError::File { .. } => (Exit::Usage, "file"),
            ClientError::Transport(_) => (Exit::System, "unreachable"),
            _ => (Exit::System, "server"),
        };
        Self::new(exit, error.code().unwrap_or(code).to_owned(), error.to_string())
    }
}

impl From<Unbound> for Failure {
    /// A role that was to end with its supervisor.
    fn from(error: Unbound) -> Self {
        Self::new(Exit::System, "orphan", error.to_string())
    }
}
