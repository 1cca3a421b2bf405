//! What people say of themselves: an address and a name. Parsed once, then trusted to be of one line and bounded.

use std::fmt;
use std::str::FromStr;

use sceau_store::Value;
use serde::{Deserialize, Serialize};

use crate::AccountsError;

/// An e-mail address in the one form that is compared: trimmed, lower case. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl TryFrom<String> for Email {
    type Error = AccountsError;

    fn try_from(text: String) -> Result<Self, AccountsError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(it: Email) -> Self {
        it.0
    }
}

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = AccountsError;

    /// Whether mail arrives there is not known; what is refused here could not be written in a header.
    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let address = text.trim().to_lowercase();
        let allowed = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
        let shaped = address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
        });
        if shaped && address.len() <= 254 && address.chars().all(allowed) {
            Ok(Self(address))
        } else {
            Err(AccountsError::Field { field: "email", rule: "an e-mail address" })
        }
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

impl From<&Email> for Value {
    fn from(email: &Email) -> Self {
        email.as_str().into()
    }
}

/// The name that a person goes by, 1 to 200 characters on one line. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl TryFrom<String> for PersonName {
    type Error = AccountsError;

    fn try_from(text: String) -> Result<Self, AccountsError> {
        text.parse()
    }
}

impl From<PersonName> for String {
    fn from(it: PersonName) -> Self {
        it.0
    }
}

impl PersonName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonName {
    type Err = AccountsError;

    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let name = text.trim();
        if (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(AccountsError::Field { field: "name", rule: "1 to 200 characters on one line" })
        }
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(..)")
    }
}

impl From<&PersonName> for Value {
    fn from(name: &PersonName) -> Self {
        name.as_str().into()
    }
}

/// A password as it comes in: zeroized, never shown, never kept.
pub(crate) struct Password(zeroize::Zeroizing<String>);

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl Password {
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Twelve characters or more (NIST SP 800-63B: length, not classes), at most 256 bytes, and not the address or name.
    pub(crate) fn check(&self, email: &Email, name: &PersonName) -> Result<(), AccountsError> {
        let lower = zeroize::Zeroizing::new(self.0.to_lowercase());
        let long = self.0.chars().count() >= 12 && self.0.len() <= 256;
        let varied = self.0.chars().collect::<std::collections::HashSet<_>>().len() >= 5;
        let own = lower.as_str() == email.as_str() || *lower == name.as_str().to_lowercase();
        if long && varied && !own { Ok(()) } else { Err(AccountsError::PasswordUnacceptable) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn an_address_has_one_form_and_no_room_for_a_header() {
        assert_eq!(
            " Marie.Dupont@Example.ORG ".parse::<Email>().unwrap().as_str(),
            "marie.dupont@example.org"
        );
        for wrong in ["", "a", "@b", "a@", "a b@c", "a@b\r\nBcc: c@d", "a@b,c@d", "A <a@b>", "a@b@c", "a@.b"]
        {
            assert!(wrong.parse::<Email>().is_err(), "{wrong}");
        }
        assert!(format!("{}@b", "a".repeat(253)).parse::<Email>().is_err());
    }

    #[test]
    fn a_password_is_long_and_not_the_address() {
        let (email, name) =
            ("somebody@example.org".parse().unwrap(), "Jeanne d'Arc Lorraine".parse().unwrap());
        let check =
            |text: &str| serde_json::from_value::<Password>(text.into()).unwrap().check(&email, &name);
        assert!(check("correct horse battery").is_ok());
        assert!(check("éèàùâêîôûëïü").is_ok(), "characters are counted, not bytes");
        let long = "abcde".repeat(52);
        for weak in [
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "Somebody@Example.org",
            "jeanne d'arc lorraine",
            &long,
        ] {
            assert!(check(weak).is_err(), "{weak}");
        }
    }
}
