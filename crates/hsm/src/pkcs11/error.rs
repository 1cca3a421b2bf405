//! What tokens, and the modules that speak for them, refuse.

use std::path::PathBuf;

use cryptoki::error::{Error as Cryptoki, RvError};

/// An error of a token. The message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The module cannot be loaded.
    #[error("the PKCS#11 module {module} cannot be used: {why}")]
    Module {
        /// Its path.
        module: PathBuf,
        /// What the system or the module says.
        why: String,
    },
    /// No such token.
    #[error(
        "there is no token {wanted}: is it plugged in, and may this user see it? The module {module} shows {shown}"
    )]
    NoToken {
        /// The address of what is looked for.
        wanted: String,
        /// The module.
        module: PathBuf,
        /// Labels of those that are there.
        shown: String,
    },
    /// More than one.
    #[error("{0} could be several tokens: add serial=… to the address")]
    SeveralTokens(String),
    /// No such key.
    #[error("there is no private key {0} in the token")]
    NoKey(String),
    /// More than one.
    #[error("{0} could be several private keys: add id=… or object=… to the address")]
    SeveralKeys(String),
    /// There is one already.
    #[error("the token has a key {0} already, and keys are not overwritten: choose another object=…")]
    Exists(String),
    /// A key without a name.
    #[error("a new key needs a name: add object=… to the address {0}")]
    NoName(String),
    /// The token asks for a PIN, and the address does not say where it is.
    #[error(
        "the token of {0} asks for a PIN: add pin-source=file:/path or pin-source=credential:name to the address"
    )]
    NoPin(String),
    /// The PIN cannot be read.
    #[error("the PIN of {address} cannot be read: {why}")]
    PinUnreadable {
        /// Whose.
        address: String,
        /// Why.
        why: String,
    },
    /// Wrong PIN.
    #[error(
        "the token of {0} refuses the PIN. It is not tried again until what pin-source names has changed, since tokens lock after a few attempts"
    )]
    PinRefused(String),
    /// Too many wrong PINs.
    #[error("the token of {0} is locked after too many wrong PINs: its security officer sets a new one")]
    PinLocked(String),
    /// It does not answer.
    #[error("the token of {address} does not answer ({why}): it is used again as soon as it is back")]
    Away {
        /// Whose.
        address: String,
        /// What the module says.
        why: String,
    },
    /// It has no session, or no room, for one more call now.
    #[error("the token of {address} is busy: {why}")]
    Busy {
        /// Whose.
        address: String,
        /// What is in use.
        why: String,
    },
    /// A key of another kind.
    #[error("the key {address} cannot be used here: {why}")]
    Unusable {
        /// Whose.
        address: String,
        /// Why.
        why: &'static str,
    },
    /// The token made a key that could leave it, and it was destroyed.
    #[error(
        "the token made a key {0} that could leave it; the key was destroyed. Use another token, or its settings for keys that stay"
    )]
    NotKept(String),
    /// A label that cannot be a token's.
    #[error("a token's label has 1 to 32 octets of text, with no space at either end")]
    BadLabel,
    /// A token has this label.
    #[error("there is a token {0:?} already: choose another label")]
    LabelTaken(String),
    /// None is free.
    #[error("the module {0} shows no token that was never initialised, and others are left alone")]
    NoFreeToken(PathBuf),
    /// Anything else.
    #[error("the token of {address} refuses: {why}")]
    Refused {
        /// Whose.
        address: String,
        /// What the module says.
        why: String,
    },
}

impl TokenError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Module { .. } => "hsm_pkcs11_module",
            Self::NoToken { .. } => "hsm_pkcs11_no_token",
            Self::SeveralTokens(_) => "hsm_pkcs11_several_tokens",
            Self::NoKey(_) => "hsm_pkcs11_no_key",
            Self::SeveralKeys(_) => "hsm_pkcs11_several_keys",
            Self::Exists(_) => "hsm_pkcs11_key_exists",
            Self::NoName(_) => "hsm_pkcs11_no_name",
            Self::NoPin(_) => "hsm_pkcs11_no_pin",
            Self::PinUnreadable { .. } => "hsm_pkcs11_pin_unreadable",
            Self::PinRefused(_) => "hsm_pkcs11_pin_refused",
            Self::PinLocked(_) => "hsm_pkcs11_pin_locked",
            Self::Away { .. } => "hsm_pkcs11_away",
            Self::Busy { .. } => "hsm_pkcs11_busy",
            Self::Unusable { .. } => "hsm_pkcs11_unusable",
            Self::NotKept(_) => "hsm_pkcs11_not_kept",
            Self::BadLabel => "hsm_pkcs11_bad_label",
            Self::LabelTaken(_) => "hsm_pkcs11_label_taken",
            Self::NoFreeToken(_) => "hsm_pkcs11_no_free_token",
            Self::Refused { .. } => "hsm_pkcs11_refused",
        }
    }

    /// Whether the same may work later without anybody changing a setting: the token is away, or busy.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Busy { .. } | Self::NoToken { .. })
    }
}

/// Words of the module's answer: its name in PKCS#11 and the function, never what was passed to it.
pub(crate) fn words(error: &Cryptoki) -> String {
    match error {
        Cryptoki::Pkcs11(code, function) => format!("C_{function:?}: {code:?}"),
        other => other.to_string(),
    }
}

/// Whether the token is short of something for a moment: of sessions, or of memory for one more call.
pub(crate) fn is_short(error: &Cryptoki) -> bool {
    matches!(error, Cryptoki::Pkcs11(RvError::SessionCount | RvError::DeviceMemory | RvError::HostMemory, _))
}

/// Whether sessions, handles or the login are gone, or the device: what new sessions may bring back.
pub(crate) fn is_lost(error: &Cryptoki) -> bool {
    matches!(
        error,
        Cryptoki::Pkcs11(
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::DeviceRemoved
                | RvError::DeviceError
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid
                | RvError::WrappingKeyHandleInvalid
                | RvError::UnwrappingKeyHandleInvalid
                | RvError::CryptokiNotInitialized
                | RvError::SlotIdInvalid
                | RvError::GeneralError
                | RvError::FunctionFailed
                | RvError::OperationActive,
            _
        )
    )
}
