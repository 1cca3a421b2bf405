//! Access tokens of a provider (RFC 9068, and Keycloak's) as bearers' tokens of machines and people.

use std::collections::BTreeSet;

use sceau_crypto::jose::Statement;
use serde::Deserialize;
use serde_json::Value;

use super::times::WireTimes;
use super::{Clocks, IssuerUrl, Provider, Times, TokenError};

/// The longest claim that names somebody, in bytes (OpenID Connect Core section 2: a `sub` is at most 255).
const LONGEST_NAME: usize = 255;
/// How many roles or scopes are read.
const MOST_ROLES: usize = 200;

/// Which access tokens are taken, and where their claims are.
#[derive(Debug, Clone)]
pub struct AccessPolicy {
    /// Who must have made it.
    pub issuer: IssuerUrl,
    /// For whom: one of these must be in `aud`. Tokens for anybody else are refused, however well signed.
    pub audiences: Vec<String>,
    /// Where roles are, as JSON pointers (RFC 6901): `/realm_access/roles`, `/resource_access/sceau/roles`.
    pub roles: Vec<String>,
}

/// What a verified access token says.
#[derive(Clone)]
pub struct AccessClaims {
    /// Who made it.
    pub issuer: IssuerUrl,
    /// For whom it speaks; of a machine, its own account at the provider.
    pub subject: String,
    /// The client that asked for it (`client_id`, or `azp` as Keycloak writes it).
    pub client: Option<String>,
    /// Its scopes (`scope`, separated by spaces).
    pub scopes: BTreeSet<String>,
    /// Its roles, from wherever the policy says.
    pub roles: BTreeSet<String>,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
    claims: Value,
}

/// Shows nothing of the person.
impl std::fmt::Debug for AccessClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessClaims").field("client", &self.client).finish_non_exhaustive()
    }
}

impl AccessClaims {
    /// Whether it is a machine's own token: a client that speaks for itself (client credentials), not for a person.
    ///
    /// RFC 9068 has `sub` equal to the client's id then; Keycloak names its service accounts in `preferred_username`.
    pub fn is_machine(&self) -> bool {
        let Some(client) = &self.client else { return false };
        let service = format!("service-account-{}", client.to_lowercase());
        self.subject == *client || self.text("/preferred_username") == Some(service.as_str())
    }

    /// A further claim that is text, by its JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.claims.pointer(pointer)?.as_str()
    }

    /// A further claim that is text or a list of texts, by its JSON pointer.
    pub fn texts(&self, pointer: &str) -> Vec<&str> {
        match self.claims.pointer(pointer) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().take(MOST_ROLES).filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct WireAccess {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    typ: Option<String>,
    cnf: Option<Value>,
    nonce: Option<Value>,
    at_hash: Option<Value>,
    events: Option<Value>,
}

/// One, or several (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl AccessPolicy {
    /// What the payload of a token says, whose signature was verified under the issuer's keys. `typ` is of its header.
    ///
    /// # Errors
    /// [`TokenError`], with the first reason.
    pub fn read(
        &self,
        typ: Option<&str>,
        payload: &[u8],
        clocks: Clocks,
    ) -> Result<AccessClaims, TokenError> {
        let claims: Value = serde_json::from_slice(payload).map_err(|_| TokenError::Claim("set"))?;
        let wire = WireAccess::deserialize(&claims).map_err(|_| TokenError::Claim("iss, sub or aud"))?;
        if wire.iss != self.issuer.as_str() {
            return Err(TokenError::Issuer);
        }
        if !wire.aud.names().iter().any(|name| self.audiences.contains(name)) {
            return Err(TokenError::Audience);
        }
        wire.check_use(typ)?;
        let times = times(&claims)?;
        times.check(clocks)?;
        let subject = name(wire.sub).ok_or(TokenError::Claim("sub"))?;
        let client =
            wire.client_id.or(wire.azp).map(|client| name(client).ok_or(TokenError::Claim("client_id")));
        let mut read = AccessClaims {
            issuer: self.issuer.clone(),
            subject,
            client: client.transpose()?,
            scopes: words(wire.scope.as_deref().unwrap_or_default()),
            roles: BTreeSet::new(),
            expires_ms: times.expires_ms,
            claims,
        };
        read.roles = self.roles.iter().flat_map(|pointer| read.texts(pointer)).map(str::to_owned).collect();
        Ok(read)
    }
}

impl WireAccess {
    /// It is an access token of a bearer: it says so in its header (RFC 9068 section 2.1) or, as Keycloak's, in a claim; where it says
    /// nothing, it has nothing that only other tokens have.
    fn check_use(&self, typ: Option<&str>) -> Result<(), TokenError> {
        let said = match (typ, self.typ.as_deref()) {
            (Some("at+jwt"), None | Some("Bearer")) => true,
            (None | Some("jwt"), Some("Bearer")) => true,
            (None | Some("jwt"), None) => {
                self.nonce.is_none() && self.at_hash.is_none() && self.events.is_none()
            }
            _ => false,
        };
        match (said, &self.cnf) {
            (false, _) => Err(TokenError::Use),
            (true, Some(_)) => Err(TokenError::Bound),
            (true, None) => Ok(()),
        }
    }
}

pub(super) fn times(claims: &Value) -> Result<Times, TokenError> {
    let wire = WireTimes::deserialize(claims).map_err(|_| TokenError::Claim("exp, nbf or iat"))?;
    wire.times().ok_or(TokenError::Claim("exp, nbf or iat"))
}

/// A name of somebody: not empty, bounded, printable.
pub(super) fn name(text: String) -> Option<String> {
    let good = !text.is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control);
    good.then_some(text)
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(' ').filter(|word| !word.is_empty()).take(MOST_ROLES).map(str::to_owned).collect()
}

/// Verifies the access tokens of one provider. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccessTokens {
    provider: Provider,
    policy: std::sync::Arc<AccessPolicy>,
}

impl AccessTokens {
    /// Tokens of `provider` for one of `audiences`, their roles at the JSON pointers `roles`.
    pub fn new(provider: Provider, audiences: Vec<String>, roles: Vec<String>) -> Self {
        let issuer = provider.issuer().clone();
        Self { provider, policy: AccessPolicy { issuer, audiences, roles }.into() }
    }

    /// Whether a bearer's token has the form of one of these: then [`AccessTokens::verify`] has the last word on it. Our own have none.
    pub fn is_candidate(token: &str) -> bool {
        token.split('.').count() == 3
    }

    /// What `token` says, if the provider made it for us and it is in force.
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::Provider`] where it could not be asked, which is nobody's fault who shows a token.
    pub async fn verify(&self, token: &str) -> Result<AccessClaims, TokenError> {
        let statement = Statement::parse(token)?;
        let (payload, clocks) = self.provider.verify(&statement).await?;
        self.policy.read(statement.typ().as_deref(), &payload, clocks)
    }
}
