//! Errors as clients read them.

use std::borrow::Cow;

use serde::Serialize;

/// Which error it is, by its registered name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// RFC 6749: something is missing, twice there, or malformed.
    InvalidRequest,
    /// RFC 6749: the client did not prove who it is.
    InvalidClient,
    /// RFC 6749: code, verifier or address do not belong together, or are over.
    InvalidGrant,
    /// RFC 6749: the client is not registered for this.
    UnauthorizedClient,
    /// RFC 6749.
    UnsupportedGrantType,
    /// RFC 6749.
    UnsupportedResponseType,
    /// RFC 6749.
    InvalidScope,
    /// RFC 6749: the holder said no, or did not answer.
    AccessDenied,
    /// RFC 6749.
    ServerError,
    /// RFC 6749: too much at once, or what is needed is away.
    TemporarilyUnavailable,
    /// RFC 6750.
    InvalidToken,
    /// RFC 6750: the token is good for something else.
    InsufficientScope,
    /// RFC 9396: details of a type that is not known, or malformed.
    InvalidAuthorizationDetails,
    /// OpenID Connect Core 3.1.2.6: it cannot be answered without the person.
    LoginRequired,
    /// OpenID Connect Core 3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core 3.1.2.6.
    RequestUriNotSupported,
    /// OpenID Connect Core 3.1.2.6.
    RegistrationNotSupported,
    /// CIBA Core 11: nobody answered yet.
    AuthorizationPending,
    /// CIBA Core 11: asked too often.
    SlowDown,
    /// CIBA Core 11: nobody answered in time.
    ExpiredToken,
    /// CIBA Core 13: the message cannot be shown.
    InvalidBindingMessage,
}

impl ErrorCode {
    /// Its registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidBindingMessage => "invalid_binding_message",
        }
    }
}

/// An error for a client, with what to do about it. Its words never repeat what the client sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}: {description}", error.as_str())]
pub struct OAuthError {
    /// Which.
    pub error: ErrorCode,
    /// One sentence, in ASCII without quotes or backslashes (RFC 6749 section 5.2).
    #[serde(rename = "error_description")]
    pub description: Cow<'static, str>,
}

impl OAuthError {
    /// An error and its sentence.
    pub fn new(error: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { error, description: description.into() }
    }

    /// The HTTP status that it is answered with at an endpoint for clients.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.error {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => 401,
            ErrorCode::InsufficientScope => 403,
            ErrorCode::ServerError => 500,
            ErrorCode::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}
