//! Why there is no certificate yet, in words for who operates the host.

/// What went wrong. The words say who is at fault; [`Self::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The operator set nothing for the authority's address.
    #[error("the settings have no [[keyrings.est]] with this url, which the keyring's policy names")]
    NotSet,
    /// It does not answer, or is not believed in TLS.
    #[error("the authority is not reached: {0}")]
    Away(String),
    /// It does not take the host's certificate or password.
    #[error(
        "the authority does not let this host in ({0}): look at identity_file, or user and password_file, of its [[keyrings.est]]"
    )]
    NotLetIn(u16),
    /// It refuses this request.
    #[error("the authority refuses the request ({0}): its own log says why")]
    Refused(u16),
    /// It answers something else than RFC 7030 says.
    #[error("the authority's answer is not understood: {0}")]
    Broken(String),
    /// The element refuses what was issued.
    #[error("the authority issued what the element refuses, and is asked for another one later: {0}")]
    Invalid(String),
    /// The element does not answer.
    #[error("the element does not take what was issued: {0}")]
    Element(String),
}

impl Trouble {
    /// A word for logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSet => "est_not_set",
            Self::Away(_) => "est_away",
            Self::NotLetIn(_) => "est_not_let_in",
            Self::Refused(_) => "est_refused",
            Self::Broken(_) => "est_broken",
            Self::Invalid(_) => "est_certificate_invalid",
            Self::Element(_) => "est_element_away",
        }
    }

    /// Whether everybody who waits for this authority meets it.
    pub(super) fn is_of_server(&self) -> bool {
        matches!(self, Self::Away(_) | Self::NotLetIn(_))
    }
}
