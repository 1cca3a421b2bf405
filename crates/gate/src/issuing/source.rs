//! Who issues a certificate, and what is asked of them whichever way that goes.

use std::{io, net::SocketAddr, path::PathBuf};

use sceau_pki::{Name, Oid, PrivateKey};

use super::{
    acme::{Acme, Challenges},
    exchange::Exchange,
    store::{Current, Store},
    trouble::Trouble,
};

/// An authority, by the way in which it is asked.
#[derive(Debug)]
pub(super) enum Source {
    Acme(Box<Acme>),
    Exchange(Exchange),
}

/// What an authority gave for a key.
pub(super) struct Answered {
    pub(super) key: PrivateKey,
    /// PEM, leaf first.
    pub(super) chain: String,
}

/// Why there is no answer, and when the authority may be asked again where it says so (Unix milliseconds).
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    pub(super) held: Option<u64>,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, held: None }
    }
}

impl Source {
    /// Asks for a certificate for these names, under a key that is made for it; `before` is the one whose place it takes.
    pub(super) async fn issue(
        &self,
        store: &Store,
        names: &[String],
        before: Option<&Current>,
    ) -> Result<Answered, Failure> {
        match self {
            Self::Acme(acme) => Box::pin(acme.issue(store, names, before)).await,
            Self::Exchange(exchange) => Box::pin(exchange.issue(store, names)).await,
        }
    }

    /// Looks whether a request could be put where it belongs, and puts none.
    ///
    /// # Errors
    /// The folder, and what the system says of it.
    pub(super) fn rehearse(&self) -> Result<(), (PathBuf, io::Error)> {
        match self {
            Self::Acme(_) => Ok(()),
            Self::Exchange(exchange) => exchange.rehearse(),
        }
    }

    pub(super) fn challenges(&self) -> Option<&Challenges> {
        match self {
            Self::Acme(acme) => Some(&acme.challenges),
            Self::Exchange(_) => None,
        }
    }

    pub(super) fn http(&self) -> Option<SocketAddr> {
        match self {
            Self::Acme(acme) => acme.http,
            Self::Exchange(_) => None,
        }
    }

    /// Its address or folder: of another, a certificate is asked for at once.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Acme(acme) => acme.directory().to_owned(),
            Self::Exchange(exchange) => exchange.folder().display().to_string(),
        }
    }
}

/// The first name.
pub(super) fn subject(names: &[String]) -> Name {
    Name::default().with(Oid::COMMON_NAME, names.first().map(String::as_str).unwrap_or_default())
}
