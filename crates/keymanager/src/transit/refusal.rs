//! Why a request is refused, as a Vault's client hears it: a status and a sentence. The code is for the trace.

use std::borrow::Cow;

use sceau_crypto::transit::TransitError;

use crate::error::Error;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) why: Cow<'static, str>,
}

impl Refusal {
    /// 400: the request cannot be done as it stands.
    pub(crate) fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        Self { status: 400, code: "invalid_request", why: why.into() }
    }

    /// 403, with no word on why.
    pub(crate) fn forbidden() -> Self {
        Self { status: 403, code: "permission_denied", why: "permission denied".into() }
    }

    /// 403: the organisation did not opt in.
    pub(crate) fn no_export() -> Self {
        let why = "this organisation does not let keys leave its key manager: its policy has no export = true in [transit]";
        Self { status: 403, code: "export_not_allowed", why: why.into() }
    }

    /// 400: documents at MOB may still be sealed to it.
    pub(crate) fn needed() -> Self {
        let why = "the key is published to MOB: a version is given up when the documents sealed to it are past their retention (retention_days in [mob])";
        Self { code: "key_needed", ..Self::invalid(why) }
    }

    /// 503: an old folder would let in whoever was shut out since.
    pub(crate) fn outdated() -> Self {
        let why = "the platform's log holds records of this key manager that its folder lacks: nothing leaves an old copy; its administrator puts the newest in place, or goes on with it by sceau keymanager take-up";
        Self { status: 503, code: "folder_outdated", why: why.into() }
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self { status: 404, code: "not_found", why: "".into() }
    }

    /// 429.
    pub(crate) fn quota() -> Self {
        Self { status: 429, code: "quota_exceeded", why: "request path is rate limited".into() }
    }
}

impl From<Error> for Refusal {
    /// The cause stays in the log of the program.
    fn from(error: Error) -> Self {
        tracing::error!(%error, code = error.code(), "a request failed");
        Self { status: 500, code: "internal", why: "internal error".into() }
    }
}

impl From<TransitError> for Refusal {
    fn from(error: TransitError) -> Self {
        match error {
            TransitError::Damaged => {
                tracing::error!("a Transit key is damaged");
                Self { status: 500, code: "internal", why: "internal error".into() }
            }
            error => Self::invalid(error.to_string()),
        }
    }
}
