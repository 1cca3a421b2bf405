//! ID tokens: who signed in at a provider, just now, for us (OpenID Connect Core 1.0, section 3.1.3.7).

use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::access::{Audience, name, times};
use super::{IssuerUrl, TokenError};

/// What an ID token must say.
#[derive(Debug)]
pub struct IdTokenPolicy<'a> {
    /// The provider.
    pub issuer: &'a IssuerUrl,
    /// Us: the one audience.
    pub client_id: &'a str,
    /// What we sent along, and nobody else knows.
    pub nonce: &'a str,
    /// Levels, of which one must be said; none where any will do.
    pub levels: &'a [String],
    /// Means, of which one must have been used; none where any will do.
    pub means: &'a [String],
}

/// What a verified ID token says.
#[derive(Clone, PartialEq, Eq)]
pub struct IdClaims {
    /// What the provider calls the person.
    pub subject: String,
    /// How sure it is (`acr`).
    pub level: Option<String>,
    /// All its claims: some providers say here what others say at the userinfo endpoint.
    pub(super) claims: Value,
}

/// Shows nothing of the person.
impl std::fmt::Debug for IdClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdClaims").field("level", &self.level).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct WireId {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    typ: Option<String>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    iat: Option<Value>,
}

impl IdTokenPolicy<'_> {
    /// What the payload says of an ID token that came from the token endpoint just now, its signature verified under the provider's keys.
    /// `typ` is of its header.
    ///
    /// # Errors
    /// [`TokenError`], with the first reason.
    pub fn read(&self, typ: Option<&str>, payload: &[u8], now_ms: u64) -> Result<IdClaims, TokenError> {
        let claims: Value = serde_json::from_slice(payload).map_err(|_| TokenError::Claim("set"))?;
        let wire = WireId::deserialize(&claims).map_err(|_| TokenError::Claim("iss, sub or aud"))?;
        if wire.iss != self.issuer.as_str() {
            return Err(TokenError::Issuer);
        }
        // Nobody else is trusted, so none may be named beside us.
        let alone = wire.aud.names() == [self.client_id];
        if !alone || wire.azp.is_some_and(|party| party != self.client_id) {
            return Err(TokenError::Audience);
        }
        if !matches!(typ, None | Some("jwt")) || !matches!(wire.typ.as_deref(), None | Some("ID")) {
            return Err(TokenError::Use);
        }
        if wire.iat.is_none() {
            return Err(TokenError::Claim("iat"));
        }
        times(&claims)?.check_fresh(now_ms)?;
        let nonce = wire.nonce.unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(self.nonce.as_bytes())) {
            return Err(TokenError::Nonce);
        }
        let reached = |level: &String| self.levels.contains(level);
        if !self.levels.is_empty() && !wire.acr.as_ref().is_some_and(reached) {
            return Err(TokenError::Level);
        }
        if !self.means.is_empty() && !wire.amr.iter().any(|means| self.means.contains(means)) {
            return Err(TokenError::Level);
        }
        Ok(IdClaims { subject: name(wire.sub).ok_or(TokenError::Claim("sub"))?, level: wire.acr, claims })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    const NOW: u64 = 1_800_000_000;

    fn read(
        levels: &[&str],
        typ: Option<&str>,
        change: impl FnOnce(&mut Value),
    ) -> Result<IdClaims, TokenError> {
        let issuer = IssuerUrl::try_from("https://id.example.org".to_owned()).unwrap();
        let mut claims = json!({"iss": "https://id.example.org", "sub": "248289761001", "aud": "sceau", "nonce": "n-0S6",
            "exp": NOW + 60, "iat": NOW, "acr": "eidas2", "amr": ["pwd", "mfa"]});
        change(&mut claims);
        let levels: Vec<String> = levels.iter().map(|level| (*level).to_owned()).collect();
        let policy = IdTokenPolicy {
            issuer: &issuer,
            client_id: "sceau",
            nonce: "n-0S6",
            levels: &levels,
            means: &[],
        };
        policy.read(typ, claims.to_string().as_bytes(), NOW * 1000)
    }

    #[test]
    fn what_we_asked_for_is_read() {
        let read = read(&["eidas2", "eidas3"], Some("jwt"), |claims| claims["azp"] = "sceau".into()).unwrap();
        assert_eq!((read.subject.as_str(), read.level.as_deref()), ("248289761001", Some("eidas2")));
        assert!(!format!("{read:?}").contains("248289761001"));
    }

    #[test]
    fn each_thing_that_is_wrong_is_named() {
        let refused = |change: fn(&mut Value)| read(&["eidas2"], None, change).unwrap_err();
        assert!(matches!(refused(|c| c["iss"] = "https://evil.example.org".into()), TokenError::Issuer));
        assert!(matches!(refused(|c| c["aud"] = "other".into()), TokenError::Audience));
        assert!(matches!(refused(|c| c["aud"] = json!(["sceau", "other"])), TokenError::Audience));
        assert!(matches!(refused(|c| c["azp"] = "other".into()), TokenError::Audience));
        assert!(matches!(refused(|c| c["nonce"] = "another".into()), TokenError::Nonce));
        assert!(matches!(refused(|c| drop(c.as_object_mut().unwrap().remove("nonce"))), TokenError::Nonce));
        assert!(matches!(refused(|c| c["acr"] = "eidas1".into()), TokenError::Level));
        assert!(matches!(refused(|c| drop(c.as_object_mut().unwrap().remove("acr"))), TokenError::Level));
        assert!(matches!(refused(|c| c["typ"] = "Bearer".into()), TokenError::Use));
        assert!(matches!(
            refused(|c| drop(c.as_object_mut().unwrap().remove("iat"))),
            TokenError::Claim("iat")
        ));
        assert!(matches!(refused(|c| c["sub"] = "a".repeat(256).into()), TokenError::Claim("sub")));
        assert!(matches!(refused(|c| c["exp"] = (NOW - 60).into()), TokenError::Time(_)));
        assert!(matches!(read(&[], Some("at+jwt"), |_| {}), Err(TokenError::Use)));
        let said = refused(|c| {
            c["iat"] = (NOW - 300).into();
            c["exp"] = (NOW - 240).into();
        });
        assert!(said.to_string().contains("this machine's clock is 300 s ahead of the provider's"), "{said}");
    }
}
