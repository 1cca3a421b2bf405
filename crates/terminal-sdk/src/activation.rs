//! An activation in two steps: the holder reads whose the keyring is, then chooses a PIN.

use std::sync::Arc;

use sceau_client::terminal::{Activation as Begun, ToActivate as Shown, begin_activation};
use sceau_element_api::keyring::{KeyringUse, SecondFactor};
use sceau_keyring::{Code, Factors, Identity, Invitation, SecondCode};

use crate::error::{TerminalError, local};
use crate::keypad::Keypad;
use crate::standing::Phase;
use crate::terminal::Inner;

/// What a holder reads before choosing a PIN.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ToActivate {
    /// Whose the keyring is. If that is not who reads it, nothing is chosen, and the registration authority is told.
    pub holder: Holder,
    /// What its policy is called.
    pub policy: String,
    /// Whether it signs; it says who its holder is in any case.
    pub signs: bool,
    /// The fewest digits of its PIN.
    pub pin_least: u8,
    /// The most.
    pub pin_most: u8,
}

/// Whose a keyring is, in the registration authority's words.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Holder {
    /// Their name, as people write it.
    pub common_name: String,
    /// Given name, where the policy asks for it.
    pub given_name: Option<String>,
    /// Surname.
    pub surname: Option<String>,
    /// What tells them from others of the same name.
    pub serial_number: Option<String>,
    /// Country, two letters.
    pub country: Option<String>,
}

/// This is the keyring's terminal now.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Activated {
    /// The keyring.
    pub keyring: String,
    /// Where it stands.
    pub phase: Phase,
    /// Index of the record.
    pub index: u64,
    /// The holder's certificate, DER; none where the keyring does not sign.
    pub certificate: Option<Vec<u8>>,
}

/// An activation under way. Nobody else activates in the same storage until it is let go.
#[derive(Debug, uniffi::Object)]
pub struct Activation {
    inner: Arc<Inner>,
    invitation: Invitation,
    code: Code,
    second: Option<SecondCode>,
    begun: Begun,
}

impl Activation {
    /// Proves the factors both ways, and has the element show whose the keyring is.
    pub(crate) fn begin(
        inner: &Arc<Inner>,
        invitation: &str,
        code: &str,
        second: Option<&str>,
    ) -> Result<Self, TerminalError> {
        let invitation: Invitation = serde_json::from_str(invitation)
            .map_err(|_| local("invitation_malformed", "this is not an invitation"))?;
        let malformed =
            |what: &str, why: &dyn std::fmt::Display| local("code_malformed", format!("{what}: {why}"));
        let code = Code::parse(code).map_err(|why| malformed("the activation code", &why))?;
        match (invitation.second_factor, second) {
            (SecondFactor::None, Some(_)) => {
                return Err(local("second_unasked", "this keyring has no second factor"));
            }
            (SecondFactor::Required, None) => {
                return Err(local(
                    "second_missing",
                    "this keyring has a second factor, which came by another way",
                ));
            }
            _ => {}
        }
        let second = second.map(SecondCode::parse).transpose();
        let second = second.map_err(|why| malformed("the second factor", &why))?;
        let factors = Factors { code: &code, second: second.as_ref() };
        let begun = inner.wait(begin_activation(&inner.storage, &inner.host, &invitation, &factors))?;
        // No picture leaves through this library: what would sign with it is refused before a PIN is chosen for nothing.
        if begun.shown().policy.face.is_some() {
            let words = "this keyring asks for its holder's face, which this terminal does not take: activate it by `sceau terminal`";
            return Err(local("kind_not_served", words));
        }
        Ok(Self { inner: Arc::clone(inner), invitation, code, second, begun })
    }
}

#[uniffi::export]
impl Activation {
    /// What the holder reads.
    #[must_use]
    pub fn shown(&self) -> ToActivate {
        ToActivate::from(self.begun.shown())
    }

    /// The holder read it, it is theirs, and typed the PIN twice, on two keypads. A PIN that is not taken leaves the activation as it is. One that was sent is the last: let the
    /// activation go, and begin another where [`crate::Terminal::names`] has none.
    ///
    /// # Errors
    /// [`TerminalError::Local`] `pins_differ`, `pin_not_taken`, `terminal_exists` where one was sent before; [`TerminalError::Refused`]; [`TerminalError::Unproven`]; [`TerminalError::Away`], where the keyring may be active all the same:
    /// the first use shows it.
    pub fn choose(&self, pin: &Keypad, again: &Keypad) -> Result<Activated, TerminalError> {
        let (first, again) = (pin.take(), again.take());
        if !first.is_same(&again) {
            return Err(local("pins_differ", "the two PINs differ"));
        }
        let pin = first.pin().map_err(|why| local("pin_not_taken", why.to_string()))?;
        let Inner { storage, host, .. } = &*self.inner;
        let factors = Factors { code: &self.code, second: self.second.as_ref() };
        let chosen = self.begun.choose(storage, host, (&self.invitation, &factors), &pin);
        let activated = self.inner.wait(chosen)?;
        Ok(Activated {
            keyring: self.invitation.keyring.to_string(),
            phase: activated.phase.into(),
            index: activated.index,
            certificate: activated.certificate.map(|der| der.0),
        })
    }
}

impl From<&Shown> for ToActivate {
    fn from(shown: &Shown) -> Self {
        Self {
            holder: Holder::from(&shown.identity),
            policy: shown.policy.name.clone(),
            signs: shown.policy.r#use == KeyringUse::Sign,
            pin_least: shown.policy.pin.least,
            pin_most: shown.policy.pin.most,
        }
    }
}

impl From<&Identity> for Holder {
    fn from(identity: &Identity) -> Self {
        let Identity { common_name, given_name, surname, serial_number, country } = identity.clone();
        Self { common_name, given_name, surname, serial_number, country }
    }
}
