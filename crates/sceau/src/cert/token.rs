//! Keys of certificates that are kept in a token (PKCS#11): named by an address where a file's path would stand.

use std::path::Path;

use sceau_hsm::pkcs11::{Pkcs11Uri, TokenError, TokenKey, UriError};
use sceau_pki::{CertificateKey, Error, KeyAlgorithm, KeyFamily, PrivateKey, Signing, key_facts};

use super::fault;
use crate::failure::{Exit, Failure};

/// A private key wherever its owner keeps it.
#[derive(Debug)]
pub(super) enum AnyKey {
    /// In memory, from a file or for one.
    Here(PrivateKey),
    /// In a token, which signs.
    InToken(TokenKey),
}

impl CertificateKey for AnyKey {
    fn family(&self) -> KeyFamily {
        match self {
            Self::Here(key) => key.family(),
            Self::InToken(key) => key.family(),
        }
    }

    fn public_key_info(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Here(key) => key.public_key_info(),
            Self::InToken(key) => key.public_key_info(),
        }
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Here(key) => key.sign(how, message),
            Self::InToken(key) => CertificateKey::sign(key, how, message),
        }
    }
}

/// The address of a key in a token, if this is meant as one and not as a path.
pub(super) fn address(given: &Path) -> Result<Option<Pkcs11Uri>, Failure> {
    match given.to_str().filter(|text| Pkcs11Uri::is_meant(text)) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|error| of_uri(&error)),
    }
}

/// An address that must be one. What was given is not said again: somebody may have put a PIN into it.
pub(crate) fn must_be_address(given: &str) -> Result<Pkcs11Uri, Failure> {
    given.parse().map_err(|error| of_uri(&error))
}

/// The key that is there.
pub(super) fn find(uri: &Pkcs11Uri) -> Result<TokenKey, Failure> {
    TokenKey::find(uri).map_err(|error| of_token(&error))
}

/// The key that is there, if it is of this kind, or a new one; and whether it was made.
pub(super) fn find_or_make(uri: &Pkcs11Uri, kind: KeyAlgorithm) -> Result<(TokenKey, bool), Failure> {
    match TokenKey::find(uri) {
        Ok(key) => {
            let found = kind_of(&key)?;
            if found != kind.as_str() {
                let words = format!(
                    "the token has a key {} already, and it is {found}, not {}: name another with object=…, or ask for its kind with --key-kind",
                    uri.short(),
                    kind.as_str()
                );
                return Err(Failure::new(Exit::Usage, "key_kind", words));
            }
            Ok((key, false))
        }
        Err(TokenError::NoKey(_)) => {
            let made = TokenKey::generate(uri, kind).map_err(|error| of_token(&error))?;
            Ok((made, true))
        }
        Err(error) => Err(of_token(&error)),
    }
}

/// A key that must be new.
pub(super) fn make(uri: &Pkcs11Uri, kind: KeyAlgorithm) -> Result<TokenKey, Failure> {
    TokenKey::generate(uri, kind).map_err(|error| of_token(&error))
}

/// Whether it can never leave the token, in words.
pub(super) fn stays(key: &TokenKey) -> Result<&'static str, Failure> {
    Ok(if key.stays().map_err(|error| of_token(&error))? {
        "it cannot leave the token"
    } else {
        "it may leave the token, or once could"
    })
}

/// In words of the options: `rsa-3072`.
fn kind_of(key: &TokenKey) -> Result<String, Failure> {
    let info = key.public_key_info().map_err(|error| fault::pki(&error))?;
    Ok(match key.family() {
        KeyFamily::P256 => "ecdsa-p256".to_owned(),
        KeyFamily::P384 => "ecdsa-p384".to_owned(),
        KeyFamily::Rsa => format!("rsa-{}", key_facts(&info).bits.unwrap_or_default()),
    })
}

fn of_uri(error: &UriError) -> Failure {
    Failure::new(Exit::Usage, error.code(), error.to_string())
}

pub(crate) fn of_token(error: &TokenError) -> Failure {
    let exit = match error {
        TokenError::NoKey(_)
        | TokenError::SeveralKeys(_)
        | TokenError::Unusable { .. }
        | TokenError::PinRefused(_)
        | TokenError::PinLocked(_) => Exit::Key,
        TokenError::Exists(_)
        | TokenError::NoName(_)
        | TokenError::NoPin(_)
        | TokenError::SeveralTokens(_)
        | TokenError::BadLabel
        | TokenError::LabelTaken(_)
        | TokenError::NoFreeToken(_)
        | TokenError::PinUnreadable { .. } => Exit::Usage,
        _ => Exit::System,
    };
    Failure::new(exit, error.code(), error.to_string())
}
