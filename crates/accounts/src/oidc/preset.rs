//! What is particular to the providers that we know.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A provider that we know the ways of. Facts: their own documents, named in docs/deploy/openid-connect.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Any that keeps to the standard.
    #[default]
    Standard,
    /// Keycloak.
    Keycloak,
    /// ProConnect: people at work in French administrations and companies.
    ProConnect,
    /// FranceConnect: everybody with a French public identity.
    FranceConnect,
}

/// How a client shows its secret (OpenID Connect Core section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic.
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
}

/// How levels are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskLevels {
    /// `acr_values` (OpenID Connect Core section 3.1.2.1).
    AcrValues,
    /// An essential claim of the ID token (section 5.5.1.1).
    Claims,
}

impl Preset {
    /// What the button says, where the operator says nothing.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::ProConnect => Some("ProConnect"),
            Self::FranceConnect => Some("FranceConnect"),
            Self::Standard | Self::Keycloak => None,
        }
    }

    /// The scopes that give an address and a name.
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Standard | Self::Keycloak => &["openid", "profile", "email"],
            Self::ProConnect => &["openid", "given_name", "usual_name", "email"],
            Self::FranceConnect => &["openid", "given_name", "family_name", "email"],
        }
    }

    /// The levels that are asked for where the operator names none: FranceConnect demands that one is.
    pub fn levels(self) -> &'static [&'static str] {
        match self {
            Self::FranceConnect => &["eidas1"],
            _ => &[],
        }
    }

    /// How the client shows its secret.
    pub fn client_authentication(self) -> ClientAuthentication {
        match self {
            Self::Standard | Self::Keycloak => ClientAuthentication::ClientSecretBasic,
            Self::ProConnect | Self::FranceConnect => ClientAuthentication::ClientSecretPost,
        }
    }

    /// Whether PKCE is used. The two of the French State refuse every parameter that they do not list, and do not list its; there the nonce,
    /// which is bound to the browser as the verifier would be, keeps a stolen code from use (RFC 9700 section 2.1.1).
    pub fn pkce(self) -> bool {
        matches!(self, Self::Standard | Self::Keycloak)
    }

    /// Whether what it tells about a person is signed, so that anything else is refused.
    pub fn signs_userinfo(self) -> bool {
        matches!(self, Self::ProConnect | Self::FranceConnect)
    }

    /// Whether it demands the ID token when somebody signs out.
    pub fn wants_id_token_hint(self) -> bool {
        matches!(self, Self::ProConnect | Self::FranceConnect)
    }

    pub(super) fn asks_levels_by(self) -> AskLevels {
        match self {
            Self::ProConnect => AskLevels::Claims,
            _ => AskLevels::AcrValues,
        }
    }
}

/// What a provider is called in addresses and in the trace: 1 to 32 of `a-z`, `0-9`, `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ProviderName(String);

impl ProviderName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProviderName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if (1..=32).contains(&text.len()) && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("the name of a provider is 1 to 32 of a-z, 0-9 and -")
        }
    }
}

impl TryFrom<String> for ProviderName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse()
    }
}
