//! What the certificates' room refuses, in the command line's words.

use sceau_pki::{Error, ProfileError};

use crate::failure::{Exit, Failure};

/// Something that was read, or could not be made.
pub(crate) fn pki(error: &Error) -> Failure {
    let exit = match error {
        Error::BadSubject
        | Error::BadPlace(_)
        | Error::BadExtension(_)
        | Error::ExtensionTwice(_)
        | Error::PathLength
        | Error::BadHost(_)
        | Error::NoHost
        | Error::BadValidity { .. }
        | Error::Name(_) => Exit::Usage,
        Error::KeyMismatch | Error::KeyUnderPassword { .. } => Exit::Key,
        Error::Crypto | Error::Tls(_) => Exit::System,
        _ => Exit::Input,
    };
    Failure::new(exit, error.code(), error.to_string())
}

/// A profile that is none, or a name that it does not take.
pub(super) fn profile(error: &ProfileError, from: &str) -> Failure {
    match error {
        ProfileError::Editor(_) => Failure::new(Exit::Usage, error.code(), error.to_string()),
        _ => Failure::new(Exit::Input, error.code(), format!("{from}: {error}")),
    }
}

/// A combination of options that says too little or too much.
pub(super) fn usage(code: &str, words: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, code, words)
}
