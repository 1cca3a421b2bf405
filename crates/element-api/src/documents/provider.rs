//! The provider of identities (OpenID Connect Core 1.0) that proves who the users of an application are, as an administrator names it. The element asks
//! nobody: whom it believes, and by which keys, is in this document alone.

use sceau_crypto::jose::{Algorithm, KeySet};
use serde::{Deserialize, Serialize};

use super::{DocumentError, field};
use crate::protect::KeyMembers;

/// Keys of one provider that a document takes: those in use, and those that follow.
pub const MOST_PROVIDER_KEYS: usize = 8;
/// The longest issuer, in bytes: a record has it in base64url.
const LONGEST_ISSUER: usize = 96;
/// How old an ID token may be, in seconds, unless said; and at most.
pub const TOKEN_AGE: u64 = 3600;
/// How long ago a user may have signed in at most, in seconds: thirty days.
const LONGEST_SIGN_IN: u64 = 30 * 24 * 3600;
/// The shortest of both, in seconds.
const SHORTEST_AGE: u64 = 60;

/// The provider of identities of an application's users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserProvider {
    /// Who makes the ID tokens: their `iss`, an https address of at most 96 bytes, compared to the byte.
    pub issuer: String,
    /// For whom they are made: the application, as the provider knows it.
    pub client_id: String,
    /// The keys that they verify under, 1 to 8.
    pub keys: Vec<ProviderKey>,
    /// Which claim names the user; `sub`, unless said.
    #[serde(default, skip_serializing_if = "UserClaim::is_subject")]
    pub user: UserClaim,
    /// The claim that lists the user's groups. Without it no group counts, unless the next member says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// The user's groups are what the application says, and nobody proves them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub groups_asserted: bool,
    /// How long ago a token may have been made (`iat`), in seconds: 60 to 3600, which is what is taken unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_age: Option<u64>,
    /// How long ago the user may have signed in (`auth_time`), in seconds: 60 to 30 days; not asked, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_age: Option<u64>,
}

/// A public key of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderKey {
    /// What the provider calls it: 1 to 128 printable characters without spaces.
    pub kid: String,
    /// How it signs: `RS256`, `ES256`, `PS256` or `EdDSA`, and by nothing else.
    pub alg: String,
    /// The key.
    pub jwk: KeyMembers,
}

/// The claim of an ID token that names the user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserClaim {
    /// `sub`, which no provider gives to another (OpenID Connect Core section 2).
    #[default]
    Sub,
    /// `email`, only where `email_verified` is true (section 5.7 says why `sub` is better).
    Email,
}

impl UserClaim {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_subject(&self) -> bool {
        *self == Self::Sub
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(said: &bool) -> bool {
    !said
}

impl UserProvider {
    /// The keys that ID tokens verify under; none where one of them is none.
    #[must_use]
    pub fn key_set(&self) -> Option<KeySet> {
        let keys: Vec<_> = self.keys.iter().map(ProviderKey::as_jwk).collect();
        let set = KeySet::parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).ok()?;
        (set.len() == self.keys.len()).then_some(set)
    }

    /// How old a token may be, in seconds.
    #[must_use]
    pub fn token_age(&self) -> u64 {
        self.token_age.unwrap_or(TOKEN_AGE)
    }

    pub(super) fn check(&self) -> Result<(), DocumentError> {
        field(
            is_issuer(&self.issuer),
            "provider.issuer",
            "an https address of at most 96 bytes (http on this machine alone) without query, fragment and user",
        )?;
        field(is_printed(&self.client_id, 255), "provider.client_id", "1 to 255 printable characters")?;
        field((1..=MOST_PROVIDER_KEYS).contains(&self.keys.len()), "provider.keys", "1 to 8 keys")?;
        let mut kids: Vec<&str> = self.keys.iter().map(|key| key.kid.as_str()).collect();
        kids.sort_unstable();
        kids.dedup();
        field(kids.len() == self.keys.len(), "provider.keys.kid", "each names one key")?;
        field(
            self.keys.iter().all(ProviderKey::is_taken),
            "provider.keys",
            "public keys for RS256, ES256, PS256 or EdDSA, of RSA 2,048 to 8,192 bits, each with a kid of 1 to 128 printable characters",
        )?;
        let claim = self.groups.as_deref().is_none_or(|claim| is_printed(claim, 128));
        field(claim, "provider.groups", "the name of a claim: 1 to 128 printable characters")?;
        let one = self.groups.is_none() || !self.groups_asserted;
        field(one, "provider.groups_asserted", "not beside a claim that proves the groups")?;
        let age = |age: Option<u64>, most| age.is_none_or(|age| (SHORTEST_AGE..=most).contains(&age));
        field(age(self.token_age, TOKEN_AGE), "provider.token_age", "60 to 3600 seconds")?;
        field(age(self.sign_in_age, LONGEST_SIGN_IN), "provider.sign_in_age", "60 to 2592000 seconds")
    }
}

impl ProviderKey {
    fn as_jwk(&self) -> serde_json::Value {
        let mut jwk = serde_json::to_value(&self.jwk).unwrap_or_default();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), self.kid.clone().into());
            members.insert("alg".to_owned(), self.alg.clone().into());
            members.insert("use".to_owned(), "sig".into());
        }
        jwk
    }

    /// Whether a document may have it: a public key for one of the four algorithms, long enough, under a name that can be written.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        is_printed(&self.kid, 128) && verifies(&self.alg, &self.jwk, &self.as_jwk())
    }
}

/// Whether a key verifies signatures by one of the four algorithms that are taken here.
pub(super) fn verifies(alg: &str, members: &KeyMembers, jwk: &serde_json::Value) -> bool {
    let accepted = matches!(alg, "ES256" | "EdDSA" | "PS256" | "RS256") && Algorithm::parse(alg).is_some();
    let long_enough = members.modulus_bytes().is_none_or(|bytes| (256..=1024).contains(&bytes));
    let set = serde_json::json!({ "keys": [jwk] }).to_string();
    accepted && long_enough && KeySet::parse(set.as_bytes()).is_ok()
}

/// Whether it is an issuer (OpenID Connect Discovery 1.0 section 3): over TLS, or on this very machine.
fn is_issuer(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#@\"<>\\".contains(&byte);
    if text.len() > LONGEST_ISSUER || !text.bytes().all(plain) {
        return false;
    }
    let host = |rest: &str| rest.split('/').next().map(str::to_owned).filter(|host| !host.is_empty());
    if let Some(rest) = text.strip_prefix("https://") {
        return host(rest).is_some();
    }
    let local = text.strip_prefix("http://").and_then(host);
    local.is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        matches!(name, "127.0.0.1" | "[::1]" | "localhost")
    })
}

fn is_printed(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::{Value, json};

    fn provider() -> Value {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        json!({"issuer": "https://id.example.org/realms/a", "client_id": "dossiers", "keys": [{"kid": "1", "alg": "EdDSA", "jwk": jwk}]})
    }

    fn fault(change: impl FnOnce(&mut Value)) -> Option<&'static str> {
        let mut value = provider();
        change(&mut value);
        let read: UserProvider = serde_json::from_value(value).unwrap();
        match read.check() {
            Ok(()) => None,
            Err(DocumentError::Field { field, .. }) => Some(field),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_provider_is_named_by_an_address_and_its_keys_sign() {
        assert_eq!(fault(|_| {}), None);
        assert_eq!(fault(|it| it["issuer"] = "http://127.0.0.1:4711".into()), None);
        for wrong in [
            "http://id.example.org",
            "https://",
            "https://user@id.example.org",
            "https://id.example.org?a",
            "id",
            "http://localhost.example.org",
        ] {
            assert_eq!(fault(|it| it["issuer"] = wrong.into()), Some("provider.issuer"), "{wrong}");
        }
        assert_eq!(fault(|it| it["client_id"] = "".into()), Some("provider.client_id"));
        assert_eq!(fault(|it| it["keys"] = json!([])), Some("provider.keys"));
        assert_eq!(fault(|it| it["keys"] = json!(vec![it["keys"][0].clone(); 9])), Some("provider.keys"));
        assert_eq!(fault(|it| it["keys"] = json!(vec![it["keys"][0].clone(); 2])), Some("provider.keys.kid"));
        for alg in ["HS256", "none", "ES256", "RS512", "RSA-OAEP-256"] {
            assert_eq!(fault(|it| it["keys"][0]["alg"] = alg.into()), Some("provider.keys"), "{alg}");
        }
        assert_eq!(fault(|it| it["groups_asserted"] = true.into()), None);
        let both = fault(|it| (it["groups"], it["groups_asserted"]) = ("roles".into(), true.into()));
        assert_eq!(both, Some("provider.groups_asserted"));
        assert_eq!(fault(|it| it["token_age"] = 3601.into()), Some("provider.token_age"));
        assert_eq!(fault(|it| it["sign_in_age"] = 59.into()), Some("provider.sign_in_age"));
    }

    #[test]
    fn what_is_private_or_unknown_is_not_read() {
        for change in [
            |it: &mut Value| it["keys"][0]["jwk"]["d"] = "AA".into(),
            |it: &mut Value| it["keys"][0]["jwk"] = json!({"kty": "oct", "k": "AAAA"}),
            |it: &mut Value| it["user"] = "preferred_username".into(),
            |it: &mut Value| it["jwks_uri"] = "https://id.example.org/keys".into(),
        ] {
            let mut value = provider();
            change(&mut value);
            assert!(serde_json::from_value::<UserProvider>(value).is_err());
        }
    }
}
