//! What a code or a token stands for here.

use std::sync::Arc;

use sceau_element_api::KeyringId;
use sceau_keyring::Identity;
use serde_json::{Value, json};

use crate::asking::Agreed;
use crate::keys::ProviderSecret;
use crate::oauth::Client;

/// The level and the means that tokens name: two factors, a terminal's key and a PIN (RFC 8176). What level of assurance that is worth is the operator's to say.
const MEANS: [&str; 3] = ["pin", "swk", "mfa"];

/// What somebody agreed to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Grant {
    /// To log in.
    Login(Arc<Login>),
}

/// Somebody logged in at a site.
#[derive(Clone)]
pub struct Login {
    /// Whose keyring it was. Sites are told no id of it.
    pub(crate) keyring: KeyringId,
    /// What they are called there.
    pub subject: String,
    /// When, Unix seconds.
    pub time: u64,
    /// Who they are, where it is told.
    pub identity: Option<Identity>,
    /// What the site wants back.
    pub nonce: Option<String>,
    /// The level that the operator names.
    pub acr: String,
}

/// Shows no person.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("time", &self.time).finish_non_exhaustive()
    }
}

impl Login {
    /// Of what was agreed, at this site.
    pub(crate) fn of(
        agreed: &Agreed,
        client: &Client,
        secret: &ProviderSecret,
        nonce: Option<&str>,
        acr: &str,
    ) -> Self {
        Self {
            keyring: agreed.keyring,
            subject: secret.subject(&client.sector, agreed.keyring),
            time: agreed.time / 1000,
            identity: agreed.identity.clone(),
            nonce: nonce.map(str::to_owned),
            acr: acr.to_owned(),
        }
    }

    /// The claims of an ID token (OpenID Connect Core section 2), for a token handed out beside it at `now` (Unix seconds).
    pub(crate) fn id_token(
        &self,
        issuer: &str,
        client: &Client,
        at_hash: String,
        now: u64,
        ends: u64,
    ) -> Value {
        let mut claims = json!({
            "iss": issuer, "sub": self.subject, "aud": client.id.as_str(), "azp": client.id.as_str(), "iat": now, "exp": ends,
            "auth_time": self.time, "acr": self.acr, "amr": MEANS, "at_hash": at_hash,
        });
        if let (Some(nonce), Some(members)) = (&self.nonce, claims.as_object_mut()) {
            members.insert("nonce".to_owned(), nonce.as_str().into());
        }
        claims
    }

    /// What the userinfo endpoint says (section 5.3): names only where `profile` was asked for, and the policy has them told.
    pub(crate) fn userinfo(&self, profile: bool) -> Value {
        let mut claims = json!({ "sub": self.subject });
        if let (Some(who), true, Some(members)) = (&self.identity, profile, claims.as_object_mut()) {
            members.insert("name".to_owned(), who.common_name.as_str().into());
            let parts = [("given_name", &who.given_name), ("family_name", &who.surname)];
            for (name, part) in parts {
                if let Some(part) = part {
                    members.insert(name.to_owned(), part.as_str().into());
                }
            }
        }
        claims
    }
}
