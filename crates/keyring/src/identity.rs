//! Who holds a keyring, in the registration authority's words: what a certificate's subject is made of.

use sceau_element_api::keyring::SubjectField;
use sceau_element_api::protect::is_plain;
use sceau_trace::{Hash, sha256};
use serde::{Deserialize, Serialize};

use crate::Illegible;
use crate::json::json_of;

/// The longest part of a name, in characters (RFC 5280 appendix A.1, ub-common-name).
const LONGEST: usize = 64;

/// A holder. It is personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Their name, as people write it.
    pub common_name: String,
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Surname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// What tells them from others of the same name (ETSI EN 319 412-1 section 5.1.3), in letters, digits and `:-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Country, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Identity {
    /// SHA-256 of its JSON, in the one form that both sides write.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&json_of(self))
    }

    /// Whether it has the fields that a policy asks for and no other, each of them legible.
    ///
    /// # Errors
    /// [`Illegible`], naming none of the words.
    pub fn check(&self, fields: &[SubjectField]) -> Result<(), Illegible> {
        let parts = [
            (SubjectField::CommonName, Some(&self.common_name)),
            (SubjectField::GivenName, self.given_name.as_ref()),
            (SubjectField::Surname, self.surname.as_ref()),
            (SubjectField::SerialNumber, self.serial_number.as_ref()),
            (SubjectField::Country, self.country.as_ref()),
        ];
        for (field, value) in parts {
            // A certificate's subject always has a name.
            let wanted = fields.contains(&field) || field == SubjectField::CommonName;
            if wanted != value.is_some() {
                return Err(Illegible::Fields);
            }
            if let Some(value) = value {
                check_part(field, value)?;
            }
        }
        Ok(())
    }
}

fn check_part(field: SubjectField, value: &str) -> Result<(), Illegible> {
    let printable = |c: char| c.is_ascii_alphanumeric() || ":-".contains(c);
    let fits = match field {
        SubjectField::Country => value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
        SubjectField::SerialNumber => value.chars().all(printable),
        _ => is_plain(value) && value.trim() == value && crate::legible::one_script(value),
    };
    let length = (1..=LONGEST).contains(&value.chars().count());
    if !length {
        return Err(Illegible::Length);
    }
    if fits { Ok(()) } else { Err(Illegible::Unseen) }
}

/// Shows nobody.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(redacted)")
    }
}
