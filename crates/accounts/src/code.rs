//! The stable codes of this room's problems. Its neighbours on the platform answer with these too, where they mean the same.

use sceau_element_api::CallError;
use sceau_element_api::problem::Problem;
use sceau_element_api::wire;
use sceau_store::StoreError;

sceau_element_api::problem_codes! {
    NotSignedIn, "not_signed_in", 401, Caller,
        "Sign in first", "Sign in, then ask again: what was sent before is kept.";
    AccessTokenRefused, "access_token_refused", 401, Caller,
        "This needs a valid access token", "Ask for a new one at /v1/oauth/token, of the scope that this call needs.";
    NotAuthorised, "not_authorised", 403, Caller,
        "The role does not allow this", "Ask whoever administers the platform, or your organisation.";
    ForeignOrigin, "foreign_origin", 403, Caller,
        "This must be asked from the platform's own pages",
        "People: open the page again from its usual address. Programs: send that address in the header `Origin`.";
    Tampered, "tampered", 409, Platform,
        "A record of the platform is not the one that was attested, and is refused",
        "The incident is in the trace. Tell the administrator of the platform.";
    TooManyRequests, "too_many_requests", 429, Caller,
        "Too many requests", "Wait as long as Retry-After says.";
    CredentialsRefused, "credentials_refused", 401, Caller,
        "Sign-in refused", "Check what you entered. After several failures, wait a while: sign-in is then delayed.";
    CeremonyOver, "ceremony_over", 409, Caller,
        "This step expired or was already used", "Begin again from the first step.";
    RegistrationRefused, "registration_refused", 422, Caller,
        "This account cannot be created", "If you already have an account, sign in; a passkey works too.";
    PasswordUnacceptable, "password_unacceptable", 422, Caller,
        "Choose another password", "At least 12 characters, of which 5 differ, and not your name or address.";
    PasskeyRequired, "passkey_required", 403, Caller,
        "This role signs in with a passkey", "Sign in with your passkey.";
    ProviderUnknown, "provider_unknown", 404, Caller,
        "There is no such provider of identities", "Choose one that the sign-in page offers.";
    ProviderUnavailable, "provider_unavailable", 503, Platform,
        "The provider of identities does not answer",
        "Try again in a moment, or sign in another way. Its administrator can ask `sceau doctor` what is wrong.";
    ProviderClock, "provider_clock", 503, Platform,
        "The clocks of the platform and of the provider of identities disagree",
        "Tell the administrator of the platform: the detail says which clock is ahead of which, and by how much.";
    ProviderRefused, "provider_refused", 403, Platform,
        "What the provider of identities answered is not believed",
        "Begin again from the sign-in page. If it happens again, tell the administrator of the platform.";
    ProviderDeclined, "provider_declined", 403, Caller,
        "The sign-in was not completed at the provider", "Begin again, or sign in another way.";
    ProviderLevel, "provider_level", 403, Caller,
        "The provider is not sure enough of who you are",
        "Sign in there by a means of a higher level, such as one with a second factor.";
    ProviderClaims, "provider_claims", 422, Platform,
        "The provider of identities does not tell what an account needs",
        "Allow it to pass on your name and address, or make an account here.";
    IdentityUnknown, "identity_unknown", 403, Caller,
        "This identity opens no account here", "Sign in another way, and link it in your settings.";
    IdentityTaken, "identity_taken", 409, Caller,
        "This identity opens an account already", "Sign in by it, or link another one.";
    InvitationUnknown, "invitation_unknown", 404, Caller,
        "This invitation is unknown, used or expired", "Ask whoever invited you for a new one.";
    OrganisationUnknown, "organisation_unknown", 422, Caller,
        "No such organisation is enrolled", "Check the id against the list of organisations.";
    Malformed, "malformed", 400, Caller,
        "The request is malformed", "Compare it with /v1/openapi.json.";
    TooLarge, "too_large", 413, Caller,
        "The request is too large", "Send less at once.";
    FieldInvalid, "field_invalid", 422, Caller,
        "A field is not acceptable", "Correct the field that the detail names.";
    ElementUnavailable, "element_unavailable", 503, Platform,
        "The privileged zone does not answer, and nothing is done without it", "Try again in a moment.";
    ElementAnswer, "element_answer", 502, Platform,
        "The privileged zone answered with something unexpected",
        "Tell the administrator: both programs must be of the same version.";
    DatabaseUnavailable, "database_unavailable", 503, Platform,
        "The platform's database does not answer", "Try again in a moment: nothing that was acknowledged is lost.";
    ObjectsUnavailable, "objects_unavailable", 503, Platform,
        "The platform's store of sealed files does not answer",
        "Try again in a moment: what was acknowledged is kept, and an upload goes on where it stopped.";
    StorageFull, "storage_full", 507, Platform,
        "The platform has no room left",
        "Nothing that was acknowledged is lost. Try again later; the administrator of the platform must make room.";
    Internal, "internal", 500, Platform,
        "The platform could not store or read this",
        "Nothing that was acknowledged is lost. Try again; then tell the administrator of the platform.";
}

/// What the platform answers when its database or its objects did not do what they were asked.
pub fn store_problem(error: &StoreError) -> Problem {
    match error {
        error if error.is_full() => Code::StorageFull.problem(),
        error if error.is_away() => Code::DatabaseUnavailable.problem(),
        StoreError::Objects { .. } => Code::ObjectsUnavailable.problem(),
        _ => Code::Internal.problem(),
    }
}

/// What the platform answers when a call of the element did not succeed.
pub fn element_problem(error: &CallError) -> Problem {
    match error {
        CallError::Refused(refusal) => match refusal.code {
            wire::Code::Unavailable => Code::ElementUnavailable.problem(),
            wire::Code::Unknown => Code::ElementAnswer.problem(),
            _ => Problem::from(refusal),
        },
        CallError::TooLarge => Code::TooLarge.problem(),
        CallError::Mismatch => Code::ElementAnswer.problem(),
        _ => Code::ElementUnavailable.problem(),
    }
}
