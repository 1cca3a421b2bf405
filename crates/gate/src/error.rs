//! Why a gate does not start: what the file says that cannot be done, and where.

use crate::lists::Rejection;

/// A configuration that is refused whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not TOML, or holds something that is not known.
    #[error("the configuration cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A file that it names cannot be read, or written.
    #[error("{setting}: cannot use {path}: {cause}")]
    File {
        /// Which setting names it.
        setting: String,
        /// The file.
        path: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A key cannot be read, or can be read by others.
    #[error("{setting}: {cause}")]
    Secret {
        /// Which setting names it.
        setting: String,
        /// Why.
        cause: sceau_hsm::Error,
    },
    /// A certificate, a key, a name or a list cannot be used.
    #[error("{setting}: {cause}")]
    Pki {
        /// Which setting.
        setting: String,
        /// Why.
        cause: sceau_pki::Error,
    },
    /// A certificate of an authority is not there, and this is where it is published.
    #[error(
        "{setting}: there is no {path}: it is published at {address} (compare its fingerprint by another way)"
    )]
    Published {
        /// Which setting wants it.
        setting: String,
        /// Where it is looked for.
        path: String,
        /// Where it is published.
        address: String,
    },
    /// A certificate is not of the authority that the profile names.
    #[error("{setting}: {path} is of {found}, and the profile wants {wanted}")]
    Authority {
        /// Which setting.
        setting: String,
        /// The file.
        path: String,
        /// Whose it is.
        found: String,
        /// Whose it must be.
        wanted: String,
    },
    /// A profile cannot be read.
    #[error("{setting}: {cause}")]
    Profile {
        /// Which setting names it.
        setting: String,
        /// Why.
        cause: sceau_pki::ProfileError,
    },
    /// A revocation list cannot be used, and none was kept of this source.
    #[error("{setting}: {path}: {cause}")]
    List {
        /// Which setting names it.
        setting: String,
        /// Where it comes from.
        path: String,
        /// Why.
        cause: Rejection,
    },
    /// A private key lies where others get it.
    #[error(
        "{setting}: {path} is within {tree}, which is under version control (git), and a private key must never be: keep it outside"
    )]
    InTree {
        /// Which setting names it.
        setting: String,
        /// The key, or the folder of keys.
        path: String,
        /// The work tree.
        tree: String,
    },
    /// A setting cannot be what it is.
    #[error("{setting}: {reason}")]
    Setting {
        /// Which setting.
        setting: String,
        /// What to write instead.
        reason: &'static str,
    },
    /// The system does not do what it is asked.
    #[error("cannot {what}: {cause}")]
    System {
        /// What it is asked.
        what: String,
        /// What it says.
        cause: std::io::Error,
    },
    /// Nobody is there to read it again.
    #[error("the gate has ended")]
    Ended,
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        cause: std::io::Error,
    },
}

impl Error {
    /// Whether the machine is at fault, and not what was written: a file that is there and cannot be read, an address that another program has.
    pub fn is_of_the_system(&self) -> bool {
        use std::io::ErrorKind as Kind;
        match self {
            Self::File { cause, .. } => {
                !matches!(cause.kind(), Kind::NotFound | Kind::NotADirectory | Kind::IsADirectory)
            }
            Self::Listen { cause, .. } => cause.kind() != Kind::AddrNotAvailable,
            // A token that is away comes back by itself.
            Self::Secret { cause: sceau_hsm::Error::Token(cause), .. } => cause.is_passing(),
            Self::System { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn system(what: &str) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.to_owned();
        move |cause| Self::System { what, cause }
    }

    pub(crate) fn pki(setting: &str) -> impl FnOnce(sceau_pki::Error) -> Self {
        let setting = setting.to_owned();
        move |cause| Self::Pki { setting, cause }
    }

    pub(crate) fn setting(setting: impl Into<String>, reason: &'static str) -> Self {
        Self::Setting { setting: setting.into(), reason }
    }
}
