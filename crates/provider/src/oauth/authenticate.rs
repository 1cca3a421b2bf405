//! A client proves who it is at an endpoint of its own: by its secret, by a statement that it signed just now, or, of a public one, not at all.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_crypto::jose::Statement;
use sceau_crypto::sha256;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::{Authenticates, Client, Clients, ErrorCode, OAuthError, Params, Shelf};

/// What a statement of a client is called (RFC 7523 section 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest that a statement may be good, and how far clocks may be apart, in seconds. Authlib makes them for an hour.
const LONGEST: u64 = 3_600;
const SKEW: u64 = 60;
/// How far a client's clock may be ahead, in seconds: so long after a start, statements of before are not told from those of after it, and not taken.
const AHEAD: u64 = 10;
/// Statements that are remembered at once, and of one client: each is taken once.
const REMEMBERED: usize = 200_000;
const REMEMBERED_OF_ONE: usize = REMEMBERED / 5;

/// Where a client proves who it is: its statements name the issuer or this place.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint<'a> {
    /// The issuer, as it is published.
    pub issuer: &'a str,
    /// The path of this endpoint, and that of the token endpoint.
    pub paths: [&'a str; 2],
}

/// A client that proved who it is, or that is public and cannot: [`Client::authenticates`] says which.
#[derive(Debug, Clone)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// Who.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.0
    }
}

/// Statements that were taken, until they end.
#[derive(Debug)]
pub(super) struct Assertions {
    seen: Shelf<[u8; 32], ()>,
    /// What was taken before this process began is not remembered: statements from before are not taken, in seconds.
    since: u64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: u64,
    nbf: Option<u64>,
    iat: Option<u64>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Assertions {
    pub(super) fn since(now: u64) -> Self {
        Self { seen: Shelf::shared(REMEMBERED, REMEMBERED_OF_ONE), since: now / 1000 }
    }

    /// Who calls, by the `Authorization` header and the form. Exactly one way, the one that the client is registered with.
    pub(super) fn authenticate(
        &self,
        clients: &Clients,
        at: Endpoint<'_>,
        authorization: Option<&str>,
        form: &Params,
        now: u64,
    ) -> Result<AuthenticatedClient, OAuthError> {
        let basic = authorization.map(basic).transpose()?;
        let asserts = form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some();
        let client = match (&basic, asserts, form.get("client_secret")) {
            (_, _, Some(_)) => {
                return Err(refused("a secret goes into the Authorization header, not into the form"));
            }
            (Some(_), true, None) => return Err(refused("two ways at once to say who you are")),
            (Some((id, secret)), false, None) => by_secret(clients, id, secret)?,
            (None, true, None) => self.by_statement(clients, at, form, now)?,
            (None, false, None) => {
                let client = clients.find(form.need("client_id").map_err(|_| refused("no client_id"))?);
                let public = |client: &Arc<Client>| matches!(client.authenticates, Authenticates::Nobody);
                client.filter(public).ok_or_else(unknown)?
            }
        };
        if form.get("client_id").is_some_and(|id| id != client.id.as_str()) {
            return Err(refused("client_id is another one than the one that proved who it is"));
        }
        Ok(AuthenticatedClient(client))
    }

    fn by_statement(
        &self,
        clients: &Clients,
        at: Endpoint<'_>,
        form: &Params,
        now: u64,
    ) -> Result<Arc<Client>, OAuthError> {
        if form.get("client_assertion_type") != Some(ASSERTION) {
            return Err(refused(
                "client_assertion_type is urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ));
        }
        let statement =
            Statement::parse(form.get("client_assertion").unwrap_or_default()).map_err(|error| {
                OAuthError::new(ErrorCode::InvalidClient, format!("client_assertion: {error}"))
            })?;
        // Whose it says that it is, to find the key. Nothing of it is believed before the signature.
        let says: Claims = claims(form.get("client_assertion").unwrap_or_default()).ok_or_else(malformed)?;
        let client = clients.find(&says.sub).ok_or_else(unknown)?;
        let Authenticates::Keys(keys) = &client.authenticates else { return Err(unknown()) };
        keys.verify(&statement).map_err(|_| unknown())?;
        let now_s = now / 1000;
        let ours = |name: &str| {
            let rest = name.strip_prefix(at.issuer);
            rest.is_some_and(|rest| rest.is_empty() || at.paths.contains(&rest))
        };
        let for_us = match &says.aud {
            Audience::One(one) => ours(one),
            Audience::Several(several) => !several.is_empty() && several.iter().all(|one| ours(one)),
        };
        let early = says.nbf.is_some_and(|nbf| nbf > now_s.saturating_add(SKEW))
            || says.iat.is_some_and(|iat| iat > now_s.saturating_add(AHEAD));
        let ends = says.exp > now_s && says.exp <= now_s.saturating_add(LONGEST + SKEW);
        // After a start, until what was taken before it has ended.
        let before = now_s < self.since.saturating_add(LONGEST + SKEW)
            && says.iat.is_none_or(|iat| iat < self.since.saturating_add(AHEAD));
        if says.iss != says.sub || !for_us || early || !ends || before || !(1..=256).contains(&says.jti.len())
        {
            return Err(refused(
                "client_assertion: iss and sub are your client_id, aud is this issuer, jti is new, exp is at most an hour away, and iat is now",
            ));
        }
        let name = sha256(format!("{} {}", client.id, says.jti).as_bytes());
        let fresh = self.seen.put_once(client.id.as_str(), name, (), (says.exp + SKEW) * 1000, now);
        match fresh.map_err(|full| OAuthError::new(ErrorCode::TemporarilyUnavailable, full.to_string()))? {
            true => Ok(client),
            false => Err(refused("client_assertion: its jti was used before")),
        }
    }
}

fn claims(statement: &str) -> Option<Claims> {
    let payload = sceau_crypto::jws::unverified_payload(statement).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn by_secret(clients: &Clients, id: &str, secret: &str) -> Result<Arc<Client>, OAuthError> {
    let client = clients.find(id);
    let known = client.as_deref().map(|client| &client.authenticates);
    let hash = sha256(secret.as_bytes());
    match (known, &client) {
        (Some(Authenticates::Secret(wanted)), Some(client)) if bool::from(wanted.ct_eq(&hash)) => {
            Ok(Arc::clone(client))
        }
        _ => Err(unknown()),
    }
}

/// Id and secret (RFC 6749 section 2.3.1: each encoded as in a form).
fn basic(header: &str) -> Result<(String, String), OAuthError> {
    let malformed = || refused("the Authorization header is not Basic with an id and a secret");
    let (scheme, encoded) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let text = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(malformed)?;
    let (id, secret) = text.split_once(':').ok_or_else(malformed)?;
    // One pair without `=` is read as a name.
    let decoded = |text: &str| {
        url::form_urlencoded::parse(text.replace('=', "%3D").as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())
    };
    Ok((decoded(id).unwrap_or_default(), decoded(secret).unwrap_or_default()))
}

fn refused(why: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, why)
}

fn malformed() -> OAuthError {
    refused("client_assertion: iss, sub, aud, exp and jti are there, each of its kind")
}

fn unknown() -> OAuthError {
    refused(
        "no such client, or not its proof: compare id, secret or keys and the way to authenticate with what is registered",
    )
}
