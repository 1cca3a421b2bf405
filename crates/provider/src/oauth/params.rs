//! Parameters of a query or a form: each once (RFC 6749 section 3.1), and bounded.

use serde::{Deserialize, Serialize};

use super::{ErrorCode, OAuthError};

/// The longest query or form that is read, in bytes.
const LONGEST: usize = 16 * 1024;
/// The most parameters.
const MOST: usize = 40;

/// Parameters as they came. They may hold secrets: `Debug` shows their names.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params(Vec<(String, String)>);

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Reads `application/x-www-form-urlencoded`. Parameters without a value are as if they were not there (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// [`ErrorCode::InvalidRequest`]: too long, or one is there twice.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let wrong = |why: &'static str| OAuthError::new(ErrorCode::InvalidRequest, why);
        if text.len() > LONGEST {
            return Err(wrong("more than 16 KiB of parameters"));
        }
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if all.iter().any(|(other, _)| *other == name) {
                return Err(wrong("a parameter is there twice"));
            }
            if all.len() >= MOST {
                return Err(wrong("more than 40 parameters"));
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(all))
    }

    /// The same, with this parameter in the place of one of its name.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Those of these names, and no others.
    #[must_use]
    pub(super) fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| names.contains(&name.as_str()));
        self
    }

    /// How many bytes they have, names among them; of those but this one.
    pub(super) fn len_without(&self, name: &str) -> usize {
        let others = self.0.iter().filter(|(other, _)| other != name);
        others.map(|(name, value)| name.len() + value.len()).sum()
    }

    /// As a query has them.
    #[must_use]
    pub fn to_query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The value of a parameter, where it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The same, of what must be there.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidRequest`].
    pub fn need(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is missing")))
    }

    /// A whole number, where it is there.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidRequest`].
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, OAuthError> {
        let wrong = |_| OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is a whole number"));
        self.get(name).map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// The words of a list that blanks part.
    pub fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).unwrap_or_default().split(' ').filter(|word| !word.is_empty())
    }
}
