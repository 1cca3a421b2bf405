//! By whom the user of a call was proven, as long as a data key is used for them.

use sceau_crypto::jose::Statement;
use sceau_element_api::documents::{ProviderKey, UserClaim, UserProvider};
use sceau_element_api::protect::{Claims, IdToken};
use serde_json::Value;

/// How it is known who the user is, which the element judged once.
pub(super) enum UserProof {
    /// What the call brought, until the application's document is looked at first. It is a bearer's, and kept no longer.
    Brought {
        token: Option<IdToken>,
        /// Whether the element granted it in the word of a provider: then it is nobody else's.
        was_proven: bool,
    },
    /// The application's word.
    Asserted,
    /// The word of this provider, whose only key here is the one that vouched.
    Proven(UserProvider),
}

impl UserProof {
    pub(super) fn of(token: Option<IdToken>, was_proven: bool) -> Self {
        Self::Brought { token, was_proven }
    }

    /// Whether it counts still, where this is the provider of the application's document.
    pub(super) fn holds(&mut self, provider: Option<&UserProvider>, claims: &Claims) -> bool {
        if let Self::Brought { token, was_proven } = self {
            *self = match (provider, token) {
                (None, _) if *was_proven => return false,
                (None, _) => Self::Asserted,
                (Some(provider), Some(token)) => match vouched(token, provider, claims) {
                    Some(by) => Self::Proven(by),
                    None => return false,
                },
                (Some(_), None) => return false,
            };
        }
        match (self, provider) {
            (Self::Asserted, None) => true,
            (Self::Proven(by), Some(now)) => is_still(by, now),
            _ => false,
        }
    }
}

/// The provider, with the key alone that a token verifies under. The element judged the token by the document of that moment; this one may be the next.
fn vouched(token: &IdToken, provider: &UserProvider, claims: &Claims) -> Option<UserProvider> {
    let statement = Statement::parse(token.as_str()).ok()?;
    let by = |key: &ProviderKey| {
        let alone = UserProvider { keys: vec![key.clone()], ..provider.clone() };
        let said = alone.key_set()?.verify(&statement).ok()?;
        Some((alone, serde_json::from_slice::<Value>(&said).ok()?))
    };
    let (alone, said) = provider.keys.iter().find_map(by)?;
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let client = Value::from(provider.client_id.as_str());
    let made_for = match said.get("aud") {
        Some(Value::Array(all)) => all.contains(&client),
        one => one == Some(&client),
    };
    let user = text(match provider.user {
        UserClaim::Sub => "sub",
        UserClaim::Email => "email",
    });
    let ours = text("iss") == Some(&provider.issuer) && made_for && user == Some(claims.sub.as_str());
    ours.then_some(alone)
}

/// Whether all but keys and ages is as it was, and the key that vouched is still listed, as it was.
fn is_still(by: &UserProvider, now: &UserProvider) -> bool {
    let but_keys = UserProvider {
        keys: by.keys.clone(),
        token_age: by.token_age,
        sign_in_age: by.sign_in_age,
        ..now.clone()
    };
    but_keys == *by && by.keys.iter().all(|key| now.keys.contains(key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    fn claims() -> Claims {
        let application = "9d3c1f0e-5d0e-4b43-9d39-6d2f3a0c1e77";
        let op = json!({"describe": {"datum": "nV85gXBBn2sWqSBtpYI5nNgVzPnhAKPOMvVYk2aT1Zg"}});
        let claims = json!({
            "iss": application, "aud": "log", "iat": 1, "exp": 2, "jti": "0123456789abcdef", "sub": "alice", "op": op,
        });
        serde_json::from_value(claims).unwrap()
    }

    fn provider() -> UserProvider {
        let provider = json!({"issuer": "https://id.example.org", "client_id": "dossiers", "keys": []});
        serde_json::from_value(provider).unwrap()
    }

    #[test]
    fn whom_a_provider_proved_is_asserted_by_nobody_also_where_it_is_taken_out_before_the_first_look() {
        assert!(!UserProof::of(None, true).holds(None, &claims()));
        assert!(!UserProof::of(None, true).holds(Some(&provider()), &claims()));
        assert!(UserProof::of(None, false).holds(None, &claims()));
    }

    #[test]
    fn whom_the_application_asserted_is_not_proven_once_it_names_a_provider() {
        let mut asserted = UserProof::of(None, false);
        assert!(asserted.holds(None, &claims()));
        assert!(!asserted.holds(Some(&provider()), &claims()));
        assert!(!UserProof::of(None, false).holds(Some(&provider()), &claims()));
    }

    #[test]
    fn who_says_which_groups_ends_a_body_and_ages_do_not() {
        let mut proven = UserProof::Proven(provider());
        let ages = UserProvider { token_age: Some(900), sign_in_age: Some(900), ..provider() };
        assert!(proven.holds(Some(&provider()), &claims()) && proven.holds(Some(&ages), &claims()));
        let by_claim = UserProvider { groups: Some("groups".into()), ..provider() };
        let by_word = UserProvider { groups_asserted: true, ..provider() };
        assert!(!proven.holds(Some(&by_claim), &claims()) && !proven.holds(Some(&by_word), &claims()));
        assert!(!proven.holds(None, &claims()));
    }
}
