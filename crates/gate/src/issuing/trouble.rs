//! Why no certificate was had, and how soon another try is decent.

use sceau_pki::Unfit;

use super::{HOUR, MINUTE};

/// What went wrong. The message says who is at fault; [`Self::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the authority cannot be reached: {0}")]
    Away(String),
    #[error("the authority does not answer in time")]
    TooSlow,
    #[error("the server at the authority's address is not believed: {0}; `authority` says whom to believe")]
    Untrusted(String),
    #[error("the authority's answer is not understood: {0}")]
    Broken(String),
    #[error("the authority wants fewer requests: {0}")]
    RateLimited(String),
    #[error("the authority took a fresh number (nonce) for an old one, again and again")]
    BadNonce,
    #[error("the authority does not know the account any more; another is made next time")]
    AccountUnknown,
    #[error("the authority refuses: {0}")]
    Refused(String),
    #[error("the authority could not see that the name is ours: {0}")]
    Challenge(String),
    #[error("the authority offers no {0} for this name")]
    NotOffered(&'static str),
    #[error("{0}")]
    Unfit(#[from] Unfit),
    #[error("what must be kept cannot be: {0}")]
    State(String),
    #[error("there is no folder {0} that the gate may write to: make it, for the gate's user")]
    NoFolder(String),
    #[error("the certification authority refuses: {0}")]
    CaRefused(String),
    #[error("the request could not be made: {0}")]
    Request(#[from] sceau_pki::Error),
}

impl Trouble {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Away(_) => "acme_away",
            Self::TooSlow => "acme_too_slow",
            Self::Untrusted(_) => "acme_untrusted",
            Self::Broken(_) => "acme_broken",
            Self::RateLimited(_) => "acme_rate_limited",
            Self::BadNonce => "acme_bad_nonce",
            Self::AccountUnknown => "acme_account_unknown",
            Self::Refused(_) => "acme_refused",
            Self::Challenge(_) => "acme_challenge_failed",
            Self::NotOffered(_) => "acme_challenge_not_offered",
            Self::Unfit(unfit) => unfit.code(),
            Self::State(_) => "issuing_state",
            Self::NoFolder(_) => "ca_folder",
            Self::CaRefused(_) => "ca_refused",
            Self::Request(_) => "issuing_request",
        }
    }

    /// The first pause after it and the longest, in milliseconds. Whoever was not reached is tried again sooner than whoever said no; who says no five times
    /// an hour to a public authority is locked out for the hour.
    pub(crate) fn pauses(&self) -> (u64, u64) {
        match self {
            Self::BadNonce => (1_000, 5 * MINUTE),
            Self::Away(_) | Self::TooSlow | Self::State(_) | Self::NoFolder(_) => (MINUTE / 2, HOUR),
            _ => (5 * MINUTE, 12 * HOUR),
        }
    }

    /// What a library's error was.
    pub(crate) fn of(error: instant_acme::Error) -> Self {
        use instant_acme::Error;
        match error {
            Error::Api(problem) => Self::told(&problem),
            Error::Other(other) => match other.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => Self::Broken(other.to_string()),
            },
            Error::Timeout(_) => Self::TooSlow,
            other => Self::Broken(other.to_string()),
        }
    }

    /// RFC 8555 §6.7.
    fn told(problem: &instant_acme::Problem) -> Self {
        let kind = problem.r#type.as_deref().unwrap_or_default();
        let text = plain(&problem.to_string());
        match kind.strip_prefix("urn:ietf:params:acme:error:") {
            Some("rateLimited") => Self::RateLimited(text),
            Some("badNonce") => Self::BadNonce,
            Some("accountDoesNotExist") => Self::AccountUnknown,
            _ if problem.status == Some(429) => Self::RateLimited(text),
            _ => Self::Refused(text),
        }
    }
}

/// Of what others say: a line that fits into a log.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(500).collect()
}
