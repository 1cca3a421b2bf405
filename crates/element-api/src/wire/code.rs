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
    /// Administrators or data officers of the organisation hold the datum.
    DatumHeld, "datum_held", 403, "The key of this datum is held";
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
    /// A rule of the datum asks for the agreement of another user.
    SecondPersonNeeded, "second_person_needed", 403, "The datum's rules ask for the agreement of another user";
    /// The user may not do that with the datum.
    UserNotAuthorised, "user_not_authorised", 403, "The user has no authorisation for this";
    /// The application's users are proven by a provider of identities, and the call brings no ID token.
    UserUnproven, "user_unproven", 403, "The call does not prove who its user is";
    /// The ID token is not one of the application's provider for it.
    IdTokenInvalid, "id_token_invalid", 403, "The ID token proves nothing here";
    /// The ID token has ended, or is older than the application takes.
    IdTokenExpired, "id_token_expired", 403, "The ID token has ended, or is too old";
    /// The ID token is signed by a key that the application's document does not have.
    ProviderKeyUnknown, "provider_key_unknown", 403, "The ID token's key is not registered for this application";
    /// The call names another user, or groups, than the ID token.
    UserMismatch, "user_mismatch", 403, "The ID token is another user's";
    /// There is no such authorisation.
    GrantUnknown, "grant_unknown", 404, "There is no such authorisation";
    /// The wrapped key is not one of this datum.
    WrappedKeyInvalid, "wrapped_key_invalid", 422, "The wrapped key is not one of this datum";
    /// It is not the content that the element signed.
    ContentInvalid, "content_invalid", 422, "The content is not the one that was signed";
    /// Nothing can be encrypted to the session key.
    SessionKeyInvalid, "session_key_invalid", 422, "Nothing can be encrypted to the session key";
    /// A request to erase was decided, or has ended.
    ActEnded, "act_ended", 409, "This request was decided, or its days are over";
    /// Who approves a request must be another person than who made it.
    SamePerson, "same_person", 403, "Another person must approve this";
    /// Nobody else of the organisation could approve a request.
    ApproverMissing, "approver_missing", 409, "Nobody else of the organisation could approve this";
    /// There is no such keyring.
    KeyringUnknown, "keyring_unknown", 404, "There is no such keyring";
    /// The keyring stands elsewhere in its life.
    KeyringPhase, "keyring_phase", 409, "The keyring does not stand where this can be done";
    /// Wrong attempts blocked the keyring.
    KeyringBlocked, "keyring_blocked", 403, "Wrong attempts blocked this keyring";
    /// The keyring was stopped.
    KeyringSuspended, "keyring_suspended", 403, "The keyring is suspended";
    /// The keyring was ended, for good.
    KeyringDestroyed, "keyring_destroyed", 410, "The keyring was destroyed";
    /// The terminal's environment is not the one that it was bound in.
    TerminalAltered, "terminal_altered", 403, "The terminal is not where it was activated";
    /// An attempt before was not ended.
    KeyringCooling, "keyring_cooling", 429, "An attempt before was not ended: wait";
    /// The terminal was taken off its keyring.
    TerminalDissociated, "terminal_dissociated", 410, "The terminal was taken off the keyring";
    /// The roaming code is not one, or of no use any more.
    RoamingInvalid, "roaming_invalid", 403, "The roaming code is not one, or is of no use any more";
    /// Another terminal came with the same roaming code.
    RoamingTaken, "roaming_taken", 409, "Another terminal came with this roaming code";
    /// What an authority outside answered is no certificate of this keyring.
    CertificateInvalid, "certificate_invalid", 422, "This is not a certificate of this keyring";
    /// The activation code or the second factor is wrong.
    FactorInvalid, "factor_invalid", 403, "The activation code or the second factor is wrong";
    /// The PIN is wrong.
    PinInvalid, "pin_invalid", 403, "The PIN is wrong";
    /// The policy asks for the face, and none is enrolled, or none came.
    FaceMissing, "face_missing", 409, "The policy of this keyring asks for the face";
    /// A face is enrolled, and was used.
    FaceEnrolled, "face_enrolled", 409, "A face is enrolled for this keyring";
    /// The face is another one than was enrolled.
    FaceNotMatched, "face_not_matched", 403, "The face is not the one that was enrolled";
    /// The picture or the template of a face is none of this use.
    FaceInvalid, "face_invalid", 422, "The picture or the template is not one of this keyring";
    /// The process that compares faces does not answer.
    FaceUnavailable, "face_unavailable", 503, "Faces cannot be compared now";
    /// What the holder agreed to is not what is asked.
    SadInvalid, "sad_invalid", 403, "What the holder agreed to is not what is asked";
    /// The provider's request is not one that may be asked.
    RequestInvalid, "request_invalid", 422, "The request of the service provider is not one that may be asked";
    /// The provider's request was used.
    RequestSpent, "request_spent", 409, "This request was used";
    /// There is no such context of messages, or it has ended.
    ContextUnknown, "context_unknown", 410, "The exchange of messages has ended: begin another";
    /// The terminal's secret is not the current one.
    SecretStale, "secret_stale", 403, "The terminal's secret was used since: there may be a copy of it";
    /// Nobody known signed the message.
    ActorUnknown, "actor_unknown", 403, "Nobody who may do this signed it";
    /// There is no such policy of keyrings in use.
    PolicyUnknown, "policy_unknown", 422, "There is no such policy of keyrings in use";
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
