//! Why a reply is refused, as its sender reads it.

use serde::{Deserialize, Serialize};

/// What goes back with a refused reply. Names a rule and a field; holds no value of anybody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{code} {property}: {message}")]
pub struct ReplyError {
    /// The rule.
    pub message: String,
    /// The field that breaks it; empty for the whole message.
    pub property: String,
    /// As HTTP numbers them: 400, 403, 404, 409 or 422.
    pub code: u16,
}

impl ReplyError {
    /// Not a message that could be read.
    pub(super) fn malformed(message: &str) -> Self {
        Self::new(400, "", message)
    }

    /// Readable, and against a rule of the form.
    pub(super) fn rule(property: &str, message: impl Into<String>) -> Self {
        Self::new(422, property, message)
    }

    /// The date of a last payment that comes too soon.
    pub(super) fn date() -> Self {
        Self::new(400, "lastPayment", "must be more than two months ahead")
    }

    /// Of another company, or of nobody: the sender learns no difference.
    pub(super) fn unknown_subscription() -> Self {
        Self::new(404, "subscriptionId", "is not a subscription of this company")
    }

    /// The subscription is another citizen's.
    pub(super) fn citizen() -> Self {
        Self::new(403, "citizenId", "CitizenID does not match")
    }

    /// It is decided already.
    pub(super) fn status() -> Self {
        Self::new(409, "status", "subscriptions.error.bad.status")
    }

    /// The message says that another login sent it.
    pub(super) fn sender() -> Self {
        Self::new(403, "user_id", "is not the login of this company")
    }

    /// The stable code by which the log knows this refusal.
    pub(super) fn record_code(&self) -> &'static str {
        match self.code {
            403 => "reply_foreign",
            404 => "reply_unknown_subscription",
            409 => "reply_already_decided",
            422 => "reply_invalid",
            _ => "reply_malformed",
        }
    }

    fn new(code: u16, property: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), property: property.to_owned(), code }
    }
}
