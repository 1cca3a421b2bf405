//! What whoever runs a machine asks of a module: which tokens there are, which keys are in one, and a token for the first time.

use std::path::Path;

use cryptoki::{
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::{Slot, TokenInfo},
};

use super::{
    error::{TokenError, words},
    key::stays,
    module::Module,
    pin::Pin,
    token::{Fault, Token},
    uri::Pkcs11Uri,
};

/// A token that a module shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenFacts {
    /// Its label; empty before it is initialised.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// The number of its slot, which may be another after a restart.
    pub slot: u64,
    /// Whether it can hold keys.
    pub is_initialised: bool,
    /// How its PIN stands.
    pub pin: PinStanding,
}

/// How a token's PIN stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinStanding {
    /// None was set.
    None,
    /// Nothing is known against it.
    Set,
    /// It was wrong at least once since it was right.
    WasWrong,
    /// One more wrong one locks it.
    LastTry,
    /// Only the security officer sets a new one.
    Locked,
}

/// A private or secret key that a token shows to whoever has its PIN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFacts {
    /// Its label (CKA_LABEL).
    pub label: String,
    /// Its id (CKA_ID).
    pub id: Vec<u8>,
    /// `RSA`, `EC`, `secret`, or what the token calls it.
    pub kind: String,
    /// Whether it never could and never can be read.
    pub stays: bool,
}

/// The tokens that a module shows, those that were never initialised too.
///
/// # Errors
/// [`TokenError::Module`].
pub fn tokens(module: &Path) -> Result<Vec<TokenFacts>, TokenError> {
    let module = Module::at(module)?;
    let _running = module.running();
    Ok(module.tokens()?.iter().map(|(slot, token)| facts(*slot, token)).collect())
}

/// The keys of the token that an address means.
///
/// # Errors
/// [`TokenError`].
pub fn keys(uri: &Pkcs11Uri) -> Result<Vec<KeyFacts>, TokenError> {
    let mut all = Token::of(uri)?.within(|session, _| {
        let mut all = Vec::new();
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
            for handle in session.find_objects(&[Attribute::Class(class)])? {
                all.push(key_facts(session, handle)?);
            }
        }
        Ok(all)
    })?;
    all.sort_by(|one, other| (&one.label, &one.id).cmp(&(&other.label, &other.id)));
    Ok(all)
}

/// Makes the first token that was never initialised, or that of this slot, one with this label and these PINs. One that is initialised is left alone.
///
/// # Errors
/// [`TokenError::BadLabel`], [`TokenError::LabelTaken`], [`TokenError::NoFreeToken`], [`TokenError::Module`], [`TokenError::Refused`];
/// [`TokenError::Away`] where it is gone after that.
pub fn initialise(
    module: &Path,
    slot: Option<u64>,
    label: &str,
    officer: &Pin,
    user: &Pin,
) -> Result<TokenFacts, TokenError> {
    // CK_TOKEN_INFO: 32 octets, padded with spaces.
    if label.is_empty() || label.len() > 32 || label.trim() != label || label.chars().any(char::is_control) {
        return Err(TokenError::BadLabel);
    }
    let path = module.to_owned();
    let module = Module::at(module)?;
    let _making = module.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let _running = module.running();
    let (all, context) = (module.tokens()?, module.context());
    if all.iter().any(|(_, token)| token.token_initialized() && token.label() == label) {
        return Err(TokenError::LabelTaken(label.to_owned()));
    }
    let is_free = |found: &Slot, token: &TokenInfo| {
        !token.token_initialized() && slot.is_none_or(|wanted| wanted == found.id())
    };
    let free = all.iter().find(|(found, token)| is_free(found, token));
    let (free, _) = free.ok_or(TokenError::NoFreeToken(path))?;
    let refused =
        |error| TokenError::Refused { address: format!("pkcs11:token={label}"), why: words(&error) };
    context.init_token(*free, &officer.auth(), label).map_err(refused)?;
    // Its slot may have another number now.
    let found = module.tokens()?.into_iter();
    let made = found.into_iter().find(|(_, token)| token.token_initialized() && token.label() == label);
    let (slot, token) = made.ok_or_else(|| TokenError::Away {
        address: format!("pkcs11:token={label}"),
        why: "it is not there after it was initialised".to_owned(),
    })?;
    let session = context.open_rw_session(slot).map_err(refused)?;
    session.login(UserType::So, Some(&officer.auth())).map_err(refused)?;
    session.init_pin(&user.auth()).map_err(refused)?;
    session.logout().map_err(refused)?;
    drop(session);
    Ok(TokenFacts { pin: PinStanding::Set, ..facts(slot, &token) })
}

fn facts(slot: Slot, token: &TokenInfo) -> TokenFacts {
    let pin = if !token.user_pin_initialized() {
        PinStanding::None
    } else if token.user_pin_locked() {
        PinStanding::Locked
    } else if token.user_pin_final_try() {
        PinStanding::LastTry
    } else if token.user_pin_count_low() {
        PinStanding::WasWrong
    } else {
        PinStanding::Set
    };
    let is_initialised = token.token_initialized();
    TokenFacts {
        label: if is_initialised { token.label().to_owned() } else { String::new() },
        manufacturer: token.manufacturer_id().to_owned(),
        model: token.model().to_owned(),
        serial: token.serial_number().to_owned(),
        slot: slot.id(),
        is_initialised,
        pin,
    }
}

fn key_facts(session: &Session, handle: ObjectHandle) -> Result<KeyFacts, Fault> {
    let asked = [AttributeType::Label, AttributeType::Id, AttributeType::KeyType];
    let (mut label, mut id, mut kind) = (String::new(), Vec::new(), String::new());
    for told in session.get_attributes(handle, &asked)? {
        match told {
            Attribute::Label(text) => label = String::from_utf8_lossy(&text).into_owned(),
            Attribute::Id(octets) => id = octets,
            Attribute::KeyType(KeyType::RSA) => kind = "RSA".to_owned(),
            Attribute::KeyType(KeyType::EC) => kind = "EC".to_owned(),
            Attribute::KeyType(KeyType::AES) => kind = "AES".to_owned(),
            Attribute::KeyType(KeyType::GENERIC_SECRET) => kind = "secret".to_owned(),
            Attribute::KeyType(other) => kind = other.to_string(),
            _ => {}
        }
    }
    Ok(KeyFacts { label, id, kind, stays: stays(session, handle)? })
}
