//! Why nobody is signed in by a provider, and who can do something about it.

use sceau_element_api::problem::Problem;

use super::{ProviderError, TimeError, TokenError};
use crate::Code;

/// Why a sign-in by a provider ends without a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInFault {
    /// There is no provider of this name.
    #[error("there is no provider of this name")]
    Unknown,
    /// The provider does not answer, or not as one.
    #[error("{0}")]
    Away(ProviderError),
    /// The clocks disagree: the sentence says which is ahead.
    #[error("{0}")]
    Clock(TimeError),
    /// The answer is of another provider than the one that was asked.
    #[error("the answer is of another provider than the one that was asked")]
    Mixed,
    /// The person, or the provider, gave up.
    #[error("the sign-in was not completed at the provider")]
    Declined,
    /// What the provider says is not believed.
    #[error("{0}")]
    Refused(TokenError),
    /// The person signed in at too low a level.
    #[error("the person did not sign in at the level that is demanded")]
    Level,
    /// The provider does not tell what an account needs.
    #[error("the provider tells no {0}")]
    Claim(&'static str),
    /// The identity opens no account, and makes none.
    #[error("the identity opens no account")]
    NoAccount,
    /// The identity opens an account already.
    #[error("the identity opens an account already")]
    Taken,
}

impl From<ProviderError> for SignInFault {
    fn from(error: ProviderError) -> Self {
        Self::Away(error)
    }
}

impl From<TokenError> for SignInFault {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Provider(error) => Self::Away(error),
            TokenError::Time(error @ TimeError::Clocks { .. }) => Self::Clock(error),
            TokenError::Level => Self::Level,
            other => Self::Refused(other),
        }
    }
}

impl SignInFault {
    /// The problem document that leaves. What the provider said wrong stays in the log.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Unknown => Code::ProviderUnknown.problem(),
            Self::Away(_) => Code::ProviderUnavailable.problem(),
            Self::Clock(error) => Code::ProviderClock.problem().with_detail(error.to_string()),
            Self::Mixed | Self::Refused(_) => Code::ProviderRefused.problem(),
            Self::Declined => Code::ProviderDeclined.problem(),
            Self::Level => Code::ProviderLevel.problem(),
            Self::Claim(claim) => {
                Code::ProviderClaims.problem().with_detail(format!("The claim {claim} is missing."))
            }
            Self::NoAccount => Code::IdentityUnknown.problem(),
            Self::Taken => Code::IdentityTaken.problem(),
        }
    }
}
