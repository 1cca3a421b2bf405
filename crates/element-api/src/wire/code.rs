//! Why the element refuses: stable codes, each with its words and its HTTP status.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $status:literal, $title:literal;)+) => {
        /// The stable code of a refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
            /// A code of a later version of the element.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl Code {
            /// Every code that this version gives.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as text, as in JSON and in trace records.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                    Self::Unknown => "unknown",
                }
            }

            /// A short summary for people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                    Self::Unknown => "The element refused for a reason that this program does not know",
                }
            }

            /// The HTTP status that an API answers with.
            #[must_use]
            pub fn http_status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                    Self::Unknown => 502,
                }
            }
        }
    };
}

codes! {
    /// The request is not one.
    Malformed, "malformed", 400, "The request is malformed";
    /// A request, document or record exceeds its limit.
    TooLarge, "too_large", 413, "The request is too large";
    /// Rows of this kind are not attested yet.
    KindNotServed, "kind_not_served", 501, "This kind of row is not attested by this version";
    /// The payload is not a document of its kind.
    DocumentMalformed, "document_malformed", 422, "The document is malformed";
    /// The payload names another row than the request.
    RowMismatch, "row_mismatch", 422, "The document is of another row";
    /// `previous` is not the current version.
    StaleVersion, "stale_version", 409, "Someone else changed this first, or an old version was presented";
    /// The kind demands another type of proof.
    ProofRequired, "proof_required", 403, "This needs a signature";
    /// The proof does not verify.
    ProofInvalid, "proof_invalid", 403, "The signature does not verify";
    /// The nonce is unknown, expired or used.
    NonceInvalid, "nonce_invalid", 409, "The confirmation expired or was already used";
    /// The passkey is unknown, revoked, or of a suspended account.
    CredentialUnknown, "credential_unknown", 403, "This passkey proves nothing here";
    /// The actor's role or organisation does not allow it.
    NotAuthorised, "not_authorised", 403, "The role does not allow this";
    /// There is a platform administrator already.
    AdminExists, "admin_exists", 403, "There is a platform administrator already";
    /// No such account is enrolled.
    AccountUnknown, "account_unknown", 422, "No such account is enrolled";
    /// No such organisation is enrolled.
    OrganisationUnknown, "organisation_unknown", 422, "No such organisation is enrolled";
    /// No such scheme of the organisation is enrolled.
    SchemeUnknown, "scheme_unknown", 422, "No such scheme of this organisation is enrolled";
    /// No such dossier is attested.
    DossierUnknown, "dossier_unknown", 422, "No such dossier is attested";
    /// The organisation has stated no such key.
    KeyUnknown, "key_unknown", 422, "The organisation has stated no such key";
    /// The statement does not follow the current one.
    SerialMismatch, "serial_mismatch", 409, "The key statement does not follow the current one";
    /// The document is about another form or manifest than the current one.
    HashMismatch, "hash_mismatch", 409, "This is about another version of the document";
    /// A file of a scanned scheme has not the trusted intake's word that it is clean.
    NotScanned, "not_scanned", 409, "The intake did not say that each file is clean";
    /// A field that must not change would.
    FieldFixed, "field_fixed", 422, "A field that cannot change would change";
    /// No such application is registered, or none in use.
    ApplicationUnknown, "application_unknown", 403, "No such application is in use";
    /// More organisations protect data than the element was given keys for.
    NoTenantLeft, "no_tenant_left", 503, "The element has no keys for another organisation";
    /// The call is for another element.
    CallElsewhere, "call_elsewhere", 403, "The call is for another element";
    /// The call has ended.
    CallExpired, "call_expired", 403, "The call has ended";
    /// The call is of the future.
    CallEarly, "call_early", 403, "The call is of the future";
    /// The call came before.
    CallReplayed, "call_replayed", 409, "This call came before";
    /// No such datum is known, or it is another application's.
    DatumUnknown, "datum_unknown", 404, "There is no such datum of this application";
    /// The database brought another version of the row than the current one.
    RowAltered, "row_altered", 409, "The database has another version of this datum than the current one";
    /// The datum's keys are not given out now.
    DatumInactive, "datum_inactive", 403, "The key of this datum is deactivated";
    /// The datum was erased, for good.
    DatumErased, "datum_erased", 410, "The datum was erased";
    /// The datum's key has ended.
    DatumExpired, "datum_expired", 403, "The key of this datum has expired";
    /// The datum is outside its window of validity.
    DatumNotValid, "datum_not_valid", 403, "The datum is not valid at this time";
    /// A rule of the datum gives its key to other networks.
    NetworkNotAllowed, "network_not_allowed", 403, "The datum's rules give its key to other networks";
    /// A rule of the datum gives its key out at other hours.
    OutsideHours, "outside_hours", 403, "The datum's rules give its key out at other hours";
    /// The datum was opened as often as its rule allows.
    ReadsSpent, "reads_spent", 403, "The datum was opened as often as its rules allow";
    /// The user may not do that with the datum.
    UserNotAuthorised, "user_not_authorised", 403, "The user has no authorisation for this";
    /// There is no such authorisation.
    GrantUnknown, "grant_unknown", 404, "There is no such authorisation";
    /// A rule of the datum is not enforced by this version.
    RuleNotServed, "rule_not_served", 501, "A rule is asked for that this version does not enforce";
    /// The wrapped key is not one of this datum.
    WrappedKeyInvalid, "wrapped_key_invalid", 422, "The wrapped key is not one of this datum";
    /// Nothing can be encrypted to the session key.
    SessionKeyInvalid, "session_key_invalid", 422, "Nothing can be encrypted to the session key";
    /// The record claims what its author may not claim.
    ClaimRefused, "claim_refused", 403, "The record claims what its author may not claim";
    /// The record cannot be logged.
    RecordMalformed, "record_malformed", 422, "The record cannot be logged";
    /// There is no such entry, tile or tree.
    NotFound, "not_found", 404, "There is no such entry";
    /// More is asked than can be done now.
    Busy, "busy", 503, "The element is busy";
    /// The element is stopping, or its disk failed.
    Unavailable, "unavailable", 503, "The element is not available";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal: a stable code, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// What programs match on.
    pub code: Code,
    /// What is wrong and what to do; no secret, no personal data.
    pub detail: String,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
