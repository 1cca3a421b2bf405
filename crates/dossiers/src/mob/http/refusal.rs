//! Refusals as MOB words them: its error object, its messages, and beside them a stable code and what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use sceau_accounts::AccountsError;
use sceau_element_api::CallError;
use sceau_store::StoreError;
use serde_json::{Value, json};

use crate::Fault;
use sceau_accounts::callers::CallerCode;

sceau_element_api::problem_codes! {
    Unauthenticated, "mob_unauthenticated", 401, Caller,
        "Error verifying token", "Send `Authorization: Bearer` with a live access token.";
    Denied, "mob_access_denied", 403, Caller,
        "Access denied", "Ask with the credentials of whom it belongs to, while it can still be read or decided.";
    NoSubscription, "mob_subscription_unknown", 404, Caller,
        "Subscription not found", "Check the identifier.";
    NoIncentive, "mob_incentive_unknown", 404, Caller,
        "Incentive not found", "Check the identifier: it is a scheme of a funder that this host serves.";
    NoAttachment, "mob_attachment_unknown", 404, Caller,
        "Filename does not exist", "Use the names that the subscription lists.";
    NoMetadata, "mob_metadata_unknown", 404, Caller,
        "Metadata not found", "Send the metadata again: they go with the first subscription that uses them.";
    NoFunder, "mob_funder_unknown", 400, Caller,
        "Funder not found", "The operator lists the funders that use this profile; see docs/mob-2022.md.";
    NoTimestamps, "mob_timestamps_not_kept", 404, Caller,
        "No time-stamp tokens are kept here", "Ask for the evidence of the log: it is verified, a token that nobody checks is not.";
    NotJson, "mob_body_malformed", 400, Caller,
        "The request body is not JSON", "Send JSON.";
    Invalid, "mob_body_invalid", 422, Caller,
        "The request body is invalid. See error object `details` property for more info.", "Correct what the details name.";
    BadStatus, "mob_bad_status", 409, Caller,
        "subscriptions.error.bad.status", "The subscription is past this step, or has not reached it.";
    NoKeyAccess, "mob_key_access_missing", 400, Caller,
        "encryptionKey.error.privateKeyAccess.missing", "Say where people fetch the private key; only a funder whose own system decides over the bus may leave it out.";
    NotAKey, "mob_key_unusable", 422, Caller,
        "Encryption Key is not a usable public key", "Send an RSA key of 2,048 bits as SubjectPublicKeyInfo in PEM.";
    NoKey, "mob_key_missing", 422, Organisation,
        "Encryption Key not found", "The funder publishes its key first.";
    KeyExpired, "mob_key_expired", 422, Organisation,
        "Encryption Key Expired", "The funder publishes its next key.";
    Communities, "mob_communities", 422, Caller,
        "subscriptions.error.communities.mismatch", "Funders have no communities here: leave communityId out.";
    NoConsent, "mob_consent_missing", 422, Caller,
        "consent is required", "The citizen agrees to the funder having the data: send `\"consent\": true`.";
    NoPerson, "mob_person_missing", 422, Caller,
        "The citizen is not named", "A machine says for whom it subscribes; see docs/mob-2022.md.";
    Sensitive, "mob_scheme_sensitive", 422, Organisation,
        "This incentive asks for answers that must be sealed", "MOB carries answers in clear: its funder offers another scheme for it, without sensitive questions.";
    Drafts, "mob_drafts_too_many", 429, Caller,
        "Too many subscriptions were begun and never sent", "Send one, or use it again: what nobody touches is forgotten after thirty days.";
    NoFields, "mob_fields_missing", 422, Caller,
        "At least one specific field must be provided", "Send the fields to change.";
    Provided, "mob_files_provided", 422, Caller,
        "You already provided files to this subscription", "All files of a subscription go in one request.";
    NoFiles, "mob_files_missing", 400, Caller,
        "You need the provide at least one file or valid metadata", "Send at least one file, or metadata.";
    TooManyFiles, "mob_files_too_many", 400, Caller,
        "Too many files to upload", "Send at most 10 files.";
    FileSize, "mob_file_too_large", 400, Caller,
        "Uploaded files do not have a valid file size", "Send files of at most 10 MB each.";
    FileType, "mob_file_type", 415, Caller,
        "Uploaded files do not have valid content type", "Send JPEG, PNG or PDF files that are what their type says.";
    FileName, "mob_file_name", 422, Caller,
        "Uploaded files do not have a valid name", "Name each file in plain characters, without / or \\, in at most 200 bytes.";
    Multipart, "mob_form_malformed", 400, Caller,
        "The form is not multipart/form-data", "Send each file as a part with a name and a type.";
    Infected, "mob_file_infected", 422, Caller,
        "A corrupted file has been found", "Scan your device, then send another copy. Nothing of this upload was kept.";
    Encrypted, "mob_file_encrypted", 422, Caller,
        "A protected file cannot be checked", "Send a copy without a password.";
    AntivirusAway, "mob_antivirus_away", 503, Platform,
        "The antivirus does not answer: nothing was kept", "Send the files again in a moment.";
    TooSlow, "mob_too_slow", 408, Caller,
        "The files arrive too slowly", "Send them again over a better connection. Nothing of this upload was kept.";
    Busy, "mob_busy", 503, Platform,
        "Too many uploads are under way", "Send the files again in a moment.";
    MetadataMismatch, "mob_metadata_mismatch", 409, Caller,
        "Metadata does not match this subscription", "Use the metadata that were made for this incentive.";
    Invoices, "mob_invoices", 422, Caller,
        "Metadata invoices or products length invalid", "Send at least one invoice, each with a product.";
    InvoiceCount, "mob_invoice_count", 422, Caller,
        "Metadata invoices length must be equal to totalElements", "Count the invoices.";
    TooMany, "mob_too_many_requests", 429, Caller,
        "Too many requests in a short time", "Ask again in a moment.";
    Tampered, "mob_tampered", 500, Platform,
        "What is stored is not what was kept", "The operator looks into the incident: it is on record.";
    Down, "mob_unavailable", 503, Platform,
        "The service is not available now", "Try again in a moment.";
    Internal, "mob_internal", 500, Platform,
        "Internal Server Error", "The operator finds the cause in the log.";
}

impl Code {
    /// What MOB says of where it is.
    fn place(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Unauthenticated | Self::Denied => ("/authorization", "User"),
            Self::NoSubscription | Self::BadStatus => ("/subscription", "Subscription"),
            Self::Communities
            | Self::NoConsent
            | Self::NoFields
            | Self::Sensitive
            | Self::NoPerson
            | Self::Drafts => ("/subscriptions", "Subscription"),
            Self::NoIncentive => ("/incentiveNotFound", "Incentive"),
            Self::NoFunder => ("/Funder", "Funder"),
            Self::NoKeyAccess => ("/EncryptionKey", "Funder"),
            Self::NoKey | Self::KeyExpired | Self::NotAKey => ("/EncryptionKey", "Encryption Key"),
            Self::Provided | Self::NoFiles | Self::TooManyFiles | Self::FileSize | Self::FileName => {
                ("/attachments", "Subscription Attachments")
            }
            Self::NoAttachment | Self::MetadataMismatch | Self::Multipart | Self::TooSlow => {
                ("/attachments", "Subscription Attachments")
            }
            Self::FileType => ("/attachments", "Type of subscription Attachments"),
            Self::Infected | Self::Encrypted | Self::AntivirusAway => ("/antivirus", "Antivirus"),
            Self::NoMetadata => ("/metadataNotFound", "Metadata"),
            Self::Invoices | Self::InvoiceCount => ("/metadata", "Metadata"),
            _ => return None,
        })
    }
}

/// What MOB calls an error of this status.
fn name_of(status: u16) -> &'static str {
    match status {
        400 => "BadRequestError",
        401 => "UnauthorizedError",
        403 => "ForbiddenError",
        404 => "NotFoundError",
        408 => "RequestTimeoutError",
        429 => "TooManyRequestsError",
        409 => "ConflictError",
        415 => "UnsupportedMediaTypeError",
        422 => "UnprocessableEntityError",
        503 => "ServiceUnavailableError",
        _ => "InternalServerError",
    }
}

/// A caller that is turned away by its certificate, in MOB's form and under the verdict's own code.
pub(super) fn worded(code: CallerCode, detail: String) -> Response {
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::FORBIDDEN);
    let error = json!({
        "statusCode": code.http_status(), "name": name_of(code.http_status()), "message": code.title(),
        "code": code.as_str(), "details": detail, "path": "/authorization", "resourceName": "Certificate",
    });
    let mut response = (status, Json(json!({ "error": error }))).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal on its way out, with what it says about this occurrence.
#[derive(Debug)]
pub(super) struct Refusal {
    code: Code,
    detail: Option<String>,
    /// When to ask again, in seconds.
    again_s: u64,
}

/// When to ask again, in seconds, where nothing says it better.
const AGAIN_S: u64 = 5;

pub(super) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    /// With more exact words. They hold no value that somebody sent.
    pub(super) fn because(code: Code, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::from(code) }
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, detail: None, again_s: AGAIN_S }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let code = match &fault {
            Fault::Store(error) if error.is_away() => Code::Down,
            Fault::Element(_) => Code::Down,
            Fault::Tampered { .. } => Code::Tampered,
            Fault::TooMany { retry_ms } => {
                return Self { again_s: retry_ms.div_ceil(1000), ..Code::TooMany.into() };
            }
            _ => Code::Internal,
        };
        tracing::error!(%fault, "a request failed");
        code.into()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Fault::from(error).into()
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        Fault::from(error).into()
    }
}

impl From<AccountsError> for Refusal {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::NoAccessToken => Code::Unauthenticated.into(),
            error => Fault::from(error).into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { code, detail, again_s } = self;
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let detail = detail.unwrap_or_else(|| code.remedy().to_owned());
        let mut error = json!({
            "statusCode": code.http_status(), "name": name_of(code.http_status()), "message": code.title(),
            "code": code.as_str(), "details": detail,
        });
        if let (Some((path, resource)), Value::Object(error)) = (code.place(), &mut error) {
            error.insert("path".to_owned(), path.into());
            error.insert("resourceName".to_owned(), resource.into());
        }
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match code.http_status() {
            401 => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            429 | 503 => drop(headers.insert(RETRY_AFTER, HeaderValue::from(again_s))),
            _ => {}
        }
        response
    }
}
