//! Who somebody is, as a provider tells it: an address and a name for letters and pages. Nothing is decided by either.

use serde_json::Value;

use crate::{Email, PersonName};

/// The claim that is missing or cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MissingClaim(pub(crate) &'static str);

/// Address and name out of claims.
///
/// The name is `given_name` with what the person goes by beside it: `usual_name` (ProConnect), else `family_name`, else `name` alone.
pub(crate) fn person(claims: &Value) -> Result<(Email, PersonName), MissingClaim> {
    let text =
        |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::trim).filter(|it| !it.is_empty());
    let email = text("email").and_then(|email| email.parse().ok()).ok_or(MissingClaim("email"))?;
    let family = text("usual_name").or_else(|| text("family_name"));
    let whole = match (text("given_name"), family) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        _ => text("name").map(str::to_owned),
    };
    let name = whole.and_then(|name| name.parse().ok()).ok_or(MissingClaim("name"))?;
    Ok((email, name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_what_the_person_goes_by() {
        let name = |claims: Value| person(&claims).map(|(_, name)| name.as_str().to_owned());
        let france = json!({"email": "A@b.fr", "given_name": "Angela Claire", "family_name": "DUBOIS"});
        assert_eq!(name(france).unwrap(), "Angela Claire DUBOIS");
        let work =
            json!({"email": "a@b.fr", "given_name": "Jean", "usual_name": "Martin", "family_name": "x"});
        assert_eq!(name(work).unwrap(), "Jean Martin");
        assert_eq!(name(json!({"email": "a@b.fr", "name": "Léa Durand"})).unwrap(), "Léa Durand");
        assert_eq!(name(json!({"email": "a@b.fr"})).unwrap_err(), MissingClaim("name"));
        assert_eq!(name(json!({"name": "Léa"})).unwrap_err(), MissingClaim("email"));
        assert_eq!(
            name(json!({"name": "Léa", "email": "a\r\nBcc: b@c.fr"})).unwrap_err(),
            MissingClaim("email")
        );
    }
}
