//! What can go wrong on the owner's side, and who is at fault.

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address given is not a URL.
    #[error("{0:?} is not an address; give scheme, host and port, such as https://cles.example.org")]
    Address(String),
    /// The anchors given are not PEM certificates.
    #[error("the trust anchors are not PEM certificates")]
    Anchors,
    /// The client certificate given is not PEM with its key.
    #[error("the client certificate and its key are not PEM")]
    Identity,
    /// The server cannot be reached, or the connection broke.
    #[error("the server cannot be reached: {0}{why}", why = root_cause(.0))]
    Transport(#[source] reqwest::Error),
    /// The server's answer has not the agreed form.
    #[error("the server answered with something else than agreed; are both of compatible versions?")]
    Answer,
    /// The server refused.
    #[error("refused ({status}, {code}): {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// Whoever carries messages to the element refused, in clear, or the host of a keyring what a terminal asks it: it is not the element's word, whatever code it has.
    #[error("refused ({status}, {code}): {detail}")]
    InClear {
        /// HTTP status.
        status: u16,
        /// One of the few codes that are taken from them.
        code: String,
        /// One sentence.
        detail: String,
    },
    /// The passkey could not be made, read or used.
    #[error("the passkey cannot be used")]
    Passkey,
    /// No key could be drawn for the answer to a call.
    #[error("no key can be drawn for the answer: try again")]
    Session,
    /// What the server says does not hold against the keys that the caller trusts.
    #[error("not proven: {0}")]
    Unproven(String),
    /// What is given as a fingerprint is none.
    #[error("a fingerprint is 64 hexadecimal digits")]
    Fingerprint,
    /// What is given as a scheme's form is none.
    #[error("the form is not one: title, description, form and documents are asked for")]
    Form,
    /// Plain HTTP to another machine: secrets would travel in clear.
    #[error("{0:?} is not HTTPS, and is not on this machine; give an https address")]
    Clear(String),
    /// An answer longer than any that a Sceau server gives.
    #[error("the server’s answer is longer than any that is agreed")]
    TooLong,
    /// A key did not sign.
    #[error("{0}")]
    Signs(#[from] sceau_keyring::SignsError),
    /// What came for a keyring is not to be shown or done, and why.
    #[error("{detail}")]
    Keyring {
        /// Stable code.
        code: &'static str,
        /// One sentence.
        detail: String,
    },
    /// Sealing or opening failed.
    #[error("{0}")]
    Envelope(String),
    /// A local file could not be read or written.
    #[error("cannot use {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// The system's word.
        cause: std::io::Error,
    },
}

/// What lies under a failed request: no such name, refused, a certificate of an unknown authority. The request's own
/// words only say that it failed.
fn root_cause(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl From<sceau_element_api::wire::Refusal> for ClientError {
    fn from(refusal: sceau_element_api::wire::Refusal) -> Self {
        let status = refusal.code.http_status();
        Self::Refused {
            status,
            code: refusal.code.as_str().to_owned(),
            detail: crate::name::plain(&refusal.detail),
        }
    }
}

impl From<sceau_keyring::ChannelError> for ClientError {
    fn from(error: sceau_keyring::ChannelError) -> Self {
        Self::Unproven(error.to_string())
    }
}

impl ClientError {
    /// Whether the same request may succeed a moment later: the connection broke, or the server or a proxy says that it is away.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Transport(_) => true,
            Self::Refused { status, .. } | Self::InClear { status, .. } => {
                matches!(status, 408 | 429 | 502 | 503 | 504)
            }
            _ => false,
        }
    }

    /// The stable code of a refusal, where the server or a terminal gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } | Self::InClear { code, .. } => Some(code),
            Self::Keyring { code, .. } => Some(code),
            _ => None,
        }
    }
}
