//! Who the user of a call is: in the application's word, or proven by an ID token of the provider that its document names (OpenID Connect Core 1.0
//! section 3.1.3.7). Pure: nobody is asked, and the token is forgotten once it was judged.

use sceau_crypto::jose::{KeySet, Statement, StatementError};
use sceau_element_api::documents::{UserClaim, UserProvider};
use sceau_element_api::protect::{Claims, SKEW};
use sceau_element_api::wire::{Code, Refusal};
use serde_json::Value;

/// How it is known who the user of a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserProof {
    /// The application says so.
    Asserted,
    /// A provider of identities says so, to this application and lately.
    Proven {
        /// Which one.
        issuer: String,
    },
}

/// Judges what a call brings at `now` (Unix milliseconds); without a provider every user is asserted.
///
/// # Errors
/// Where there is a provider, and the call brings no token of its that says what the call says.
pub(super) fn user_proof(
    claims: &Claims,
    provider: Option<(&UserProvider, &KeySet)>,
    now: u64,
) -> Result<UserProof, Refusal> {
    let Some((provider, keys)) = provider else { return Ok(UserProof::Asserted) };
    let words = "bring the user's ID token of the application's provider: the claim id_token";
    let token = claims.id_token.as_ref().ok_or_else(|| Refusal::new(Code::UserUnproven, words))?;
    let said = verified(token.as_str(), keys)?;
    check_parties(&said, provider)?;
    check_times(&said, provider, now / 1000)?;
    check_user(&said, provider, claims)?;
    Ok(UserProof::Proven { issuer: provider.issuer.clone() })
}

/// The claims of a token that one of the keys signed.
fn verified(token: &str, keys: &KeySet) -> Result<Value, Refusal> {
    let statement = Statement::parse(token).map_err(|error| invalid(&error.to_string()))?;
    let payload = keys.verify(&statement).map_err(|error| match error {
        StatementError::UnknownKey => Refusal::new(
            Code::ProviderKeyUnknown,
            "no key of the application's document signed the ID token: where the provider has a new one, an administrator registers it",
        ),
        error => invalid(&error.to_string()),
    })?;
    // RFC 8725 section 3.11: what was made for another use says so in its typ.
    if !matches!(statement.typ().as_deref(), None | Some("jwt")) {
        return Err(invalid("its typ says that it is no ID token"));
    }
    let said: Value = serde_json::from_slice(&payload).map_err(|_| invalid("its claims are not JSON"))?;
    // Keycloak and Cognito name the use in a claim, a logout token (Back-Channel Logout section 2.4) has events, and what an access token allows is in scope (RFC 9068
    // section 2.2.3) or scp: so it is of Entra ID's whose audience is the client itself, which have no typ of their own.
    let named = |name: &str, use_of: &str| said.get(name).is_some_and(|said| said != use_of);
    let has = |name: &str| said.get(name).is_some();
    let other_use =
        named("typ", "ID") || named("token_use", "id") || has("events") || has("scp") || has("scope");
    if other_use { Err(invalid("it says that it is no ID token")) } else { Ok(said) }
}

/// Made by the provider, for the application: whoever else is named beside it is the application's as well, by `azp`.
fn check_parties(said: &Value, provider: &UserProvider) -> Result<(), Refusal> {
    if said.get("iss").and_then(Value::as_str) != Some(&provider.issuer) {
        return Err(invalid("another issuer made it than the application's document names"));
    }
    let client = Value::from(provider.client_id.as_str());
    let (alone, among) = match said.get("aud") {
        Some(Value::Array(all)) => (all.len() == 1, all.contains(&client)),
        Some(one) => (true, *one == client),
        None => (true, false),
    };
    let party = said.get("azp");
    if !among || party.is_some_and(|party| *party != client) || (!alone && party.is_none()) {
        return Err(invalid("it was made for another client than the application's document names"));
    }
    Ok(())
}

/// In force, and no older than the document takes, at `now` (Unix seconds).
fn check_times(said: &Value, provider: &UserProvider, now: u64) -> Result<(), Refusal> {
    let required = |name| seconds(said, name)?.ok_or_else(|| invalid(&format!("it has no {name}")));
    let (expires, made) = (required("exp")?, required("iat")?);
    let begins = seconds(said, "nbf")?.unwrap_or(0).max(made);
    if begins > now.saturating_add(SKEW) {
        return Err(invalid("it is of the future: look at the clocks"));
    }
    let over = |since: u64, age: u64| since.saturating_add(age).saturating_add(SKEW) <= now;
    let expired = |words: &str| Err(Refusal::new(Code::IdTokenExpired, words));
    if over(expires, 0) {
        return expired("the ID token has ended: have the user's renewed");
    }
    if over(made, provider.token_age()) {
        return expired("the ID token was made too long ago for this application: have the user's renewed");
    }
    let Some(age) = provider.sign_in_age else { return Ok(()) };
    if over(required("auth_time")?, age) {
        return expired("the user signed in too long ago for this application: have them sign in again");
    }
    Ok(())
}

/// A time of a token, in seconds, which may have a fraction (RFC 7519 section 2).
fn seconds(said: &Value, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(value) = said.get(name) else { return Ok(None) };
    let whole = value.as_u64().or_else(|| value.as_f64().and_then(floor));
    // Beyond 2^53 nobody means a time.
    whole.filter(|time| *time < 1 << 53).map(Some).ok_or_else(|| invalid(&format!("its {name} is no time")))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn floor(seconds: f64) -> Option<u64> {
    (0.0..9_007_199_254_740_992.0).contains(&seconds).then_some(seconds as u64)
}

/// The call names the user that the token names, and no group that it does not list, unless the document takes the application's word for these.
fn check_user(said: &Value, provider: &UserProvider, claims: &Claims) -> Result<(), Refusal> {
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let user = match provider.user {
        UserClaim::Sub => text("sub").ok_or_else(|| invalid("it has no sub"))?,
        UserClaim::Email => {
            let verified = said.get("email_verified") == Some(&Value::Bool(true));
            text("email").filter(|_| verified).ok_or_else(|| {
                invalid("it has no email that its provider verified, which names users here")
            })?
        }
    };
    let mismatch = |words: &str| Err(Refusal::new(Code::UserMismatch, words));
    if user != claims.sub.as_str() {
        return mismatch("the call's sub is not the user that the ID token names");
    }
    let Some(claim) = &provider.groups else {
        // The application's word opens nothing beside a proof, unless an administrator signed that it does.
        let none = provider.groups_asserted || claims.groups.is_empty();
        let words = "the call names a group, and the application's document names no claim that proves it";
        return if none { Ok(()) } else { mismatch(words) };
    };
    let listed = |group: &str| match said.get(claim) {
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(group)),
        Some(Value::String(one)) => one == group,
        _ => false,
    };
    if claims.groups.iter().all(|group| listed(group.as_str())) {
        Ok(())
    } else {
        mismatch("the call names a group that the ID token does not list")
    }
}

/// No part of the token is in it.
fn invalid(words: &str) -> Refusal {
    Refusal::new(Code::IdTokenInvalid, format!("the ID token: {words}"))
}
