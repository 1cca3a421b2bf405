//! The platform as a client of a provider: where it sends people, what it exchanges, what it takes for true.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sceau_crypto::jose::Statement;
use sceau_element_api::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::id_token::{IdClaims, IdTokenPolicy};
use super::preset::AskLevels;
use super::tokens::{Tokens, oauth_error};
use super::{
    Ask, ClientAuthentication, HttpAnswer, Metadata, Preset, Provider, ProviderError, ProviderName,
    TokenError,
};

/// What an operator settles with a provider.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// What it is called in addresses.
    pub name: ProviderName,
    /// What its button says.
    pub label: String,
    /// Its ways.
    pub preset: Preset,
    /// What it calls us.
    pub client_id: String,
    /// What is asked of it.
    pub scopes: Vec<String>,
    /// The levels that are asked for; see [`accepted_levels`].
    pub levels: Vec<String>,
    /// The means, one of which must have been used (`amr`).
    pub means: Vec<String>,
    /// Whose sessions it may begin.
    pub roles: Vec<Role>,
    /// How the secret is shown.
    pub client_authentication: ClientAuthentication,
    /// Whether PKCE is used.
    pub pkce: bool,
}

impl ProviderSettings {
    /// The ways of `preset`, for citizens.
    pub fn of(preset: Preset, name: ProviderName, client_id: String) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            label: preset.label().unwrap_or(name.as_str()).to_owned(),
            name,
            preset,
            client_id,
            scopes: owned(preset.scopes()),
            levels: owned(preset.levels()),
            means: Vec::new(),
            roles: vec![Role::Citizen],
            client_authentication: preset.client_authentication(),
            pkce: preset.pkce(),
        }
    }
}

/// The levels that satisfy those that are asked for: they themselves, and the eIDAS levels above.
pub fn accepted_levels(asked: &[String]) -> Vec<String> {
    const EIDAS: [&str; 3] = ["eidas1", "eidas2", "eidas3"];
    let least = EIDAS.iter().position(|level| asked.iter().any(|asked| asked == level));
    let above = least.map_or(&[][..], |least| EIDAS.get(least..).unwrap_or_default());
    let above = above.iter().map(|level| (*level).to_owned()).filter(|level| !asked.contains(level));
    asked.iter().cloned().chain(above).collect()
}

/// One provider, and us as its client. Cheap to clone.
#[derive(Clone)]
pub struct RelyingParty(Arc<Inner>);

struct Inner {
    provider: Provider,
    settings: ProviderSettings,
    accepted: Vec<String>,
    secret: Zeroizing<String>,
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RelyingParty({})", self.0.settings.name)
    }
}

/// What is known of one sign-in only, on both of its legs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leg<'a> {
    /// Where the provider sends the person back to.
    pub(crate) redirect_uri: &'a str,
    /// What the ID token must say again.
    pub(crate) nonce: &'a str,
    /// The verifier of PKCE (RFC 7636 section 4.1).
    pub(crate) verifier: &'a str,
}

/// Who signed in, as the provider says.
pub(crate) struct SignedIn {
    pub(crate) subject: String,
    /// What it tells of the person.
    pub(crate) claims: Value,
    /// As it came, for signing out.
    pub(crate) id_token: Zeroizing<String>,
}

impl RelyingParty {
    /// A client of `provider`, which knows it by `secret`.
    pub fn new(provider: Provider, settings: ProviderSettings, secret: Zeroizing<String>) -> Self {
        let accepted = accepted_levels(&settings.levels);
        Self(Arc::new(Inner { provider, settings, accepted, secret }))
    }

    /// What was settled.
    pub fn settings(&self) -> &ProviderSettings {
        &self.0.settings
    }

    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.0.provider
    }

    /// Where to send a person who wants to sign in.
    pub(crate) async fn authorization_url(&self, leg: Leg<'_>, state: &str) -> Result<Url, ProviderError> {
        let known = self.0.provider.known().await?;
        let Inner { settings, accepted, .. } = &*self.0;
        let mut url = known.metadata.authorization.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", leg.redirect_uri)
            .append_pair("scope", &settings.scopes.join(" "))
            .append_pair("state", state)
            .append_pair("nonce", leg.nonce);
        if settings.pkce {
            let challenge = URL_SAFE_NO_PAD.encode(sceau_crypto::sha256(leg.verifier.as_bytes()));
            query.append_pair("code_challenge", &challenge).append_pair("code_challenge_method", "S256");
        }
        let by_claims = settings.preset.asks_levels_by() == AskLevels::Claims;
        if !settings.levels.is_empty() && !by_claims {
            query.append_pair("acr_values", &settings.levels.join(" "));
        }
        let mut claims = serde_json::Map::new();
        if !settings.levels.is_empty() && by_claims {
            claims.insert("acr".into(), json!({"essential": true, "values": accepted}));
        }
        if !settings.means.is_empty() {
            claims.insert("amr".into(), json!({"essential": true}));
        }
        if !claims.is_empty() {
            query.append_pair("claims", &json!({ "id_token": claims }).to_string());
        }
        drop(query);
        Ok(url)
    }

    /// Whether an answer that names `issuer` is this provider's (RFC 9207 section 2.4).
    pub(crate) async fn is_answer_of(&self, issuer: Option<&str>) -> Result<bool, ProviderError> {
        let known = self.0.provider.known().await?;
        Ok(match issuer {
            Some(issuer) => issuer == self.0.provider.issuer().as_str(),
            None => !known.metadata.names_itself,
        })
    }

    /// Exchanges a code for what it stands for, and judges that.
    pub(crate) async fn exchange(&self, code: &str, leg: Leg<'_>) -> Result<SignedIn, TokenError> {
        let Inner { provider, settings, accepted, .. } = &*self.0;
        let known = provider.known().await?;
        let tokens = self.tokens(&known.metadata, code, leg).await?;
        let statement = signed(&tokens.id_token)?;
        let (payload, _) = provider.verify(&statement).await?;
        let policy = IdTokenPolicy {
            issuer: provider.issuer(),
            client_id: &settings.client_id,
            nonce: leg.nonce,
            levels: accepted,
            means: &settings.means,
        };
        let id = policy.read(statement.typ().as_deref(), &payload, provider.now_ms())?;
        let claims = self.userinfo(&known.metadata, &tokens.access_token, &id).await?;
        Ok(SignedIn { subject: id.subject, claims, id_token: tokens.id_token })
    }

    async fn tokens(&self, metadata: &Metadata, code: &str, leg: Leg<'_>) -> Result<Tokens, TokenError> {
        let provider = &self.0.provider;
        let (authorization, form) = self.token_request(code, leg);
        let form = Some(form);
        let answer = provider.ask(Ask { url: metadata.token.clone(), authorization, form }).await?;
        if answer.status != 200 {
            return Err(TokenError::Exchange { code: oauth_error(&answer.body) });
        }
        Tokens::read(&answer.body)
    }

    /// The header and the form that exchange a code (RFC 6749 section 4.1.3).
    fn token_request(&self, code: &str, leg: Leg<'_>) -> (Option<Zeroizing<String>>, Zeroizing<String>) {
        let Inner { settings, secret, .. } = &*self.0;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", leg.redirect_uri);
        if settings.pkce {
            form.append_pair("code_verifier", leg.verifier);
        }
        let authorization = match settings.client_authentication {
            ClientAuthentication::ClientSecretPost => {
                form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret);
                None
            }
            ClientAuthentication::ClientSecretBasic => Some(basic(&settings.client_id, secret)),
        };
        (authorization, Zeroizing::new(form.finish()))
    }

    /// What the provider tells of the person: the claims of the ID token, and over them those of the userinfo endpoint, which must speak of
    /// the same person (OpenID Connect Core section 5.3.2).
    async fn userinfo(
        &self,
        metadata: &Metadata,
        access_token: &str,
        id: &IdClaims,
    ) -> Result<Value, TokenError> {
        let Some(url) = metadata.userinfo.clone() else { return Ok(id.claims.clone()) };
        let authorization = Some(Zeroizing::new(format!("Bearer {access_token}")));
        let answer = self.0.provider.ask(Ask { authorization, ..Ask::get(url) }).await?;
        if answer.status != 200 {
            return Err(ProviderError::Status(answer.status).into());
        }
        let told = match answer.media_type.as_str() {
            "application/jwt" => self.signed_userinfo(&answer).await?,
            "application/json" if !self.0.settings.preset.signs_userinfo() => answer.body,
            _ => return Err(ProviderError::Malformed("userinfo type").into()),
        };
        claims_over(id, &told)
    }

    /// The payload of a signed answer: the provider's, for us, where it says for whom (section 5.3.2).
    async fn signed_userinfo(&self, answer: &HttpAnswer) -> Result<Vec<u8>, TokenError> {
        #[derive(Deserialize)]
        struct Envelope {
            iss: Option<String>,
            aud: Option<super::access::Audience>,
        }
        let Inner { provider, settings, .. } = &*self.0;
        let text = std::str::from_utf8(&answer.body).map_err(|_| ProviderError::Malformed("userinfo"))?;
        let statement = signed(text.trim())?;
        let (payload, _) = provider.verify(&statement).await?;
        let Envelope { iss, aud } = serde_json::from_slice(&payload).map_err(|_| TokenError::Claim("set"))?;
        if iss.is_some_and(|iss| iss != provider.issuer().as_str()) {
            return Err(TokenError::Issuer);
        }
        if aud.is_some_and(|aud| !aud.names().contains(&settings.client_id)) {
            return Err(TokenError::Audience);
        }
        Ok(payload)
    }

    /// Where to send a person who signs out here, to sign out there too (OpenID Connect RP-Initiated Logout 1.0); none where the provider
    /// has no such place, or does not answer.
    pub(crate) async fn end_session_url(
        &self,
        id_token: Option<&str>,
        back: &str,
        state: &str,
    ) -> Option<Url> {
        let mut url = self.0.provider.known().await.ok()?.metadata.end_session.clone()?;
        let mut query = url.query_pairs_mut();
        match id_token.filter(|_| self.0.settings.preset.wants_id_token_hint()) {
            Some(hint) => query.append_pair("id_token_hint", hint),
            // The person is asked to confirm; in return no token is in an address.
            None => query.append_pair("client_id", &self.0.settings.client_id),
        };
        query.append_pair("post_logout_redirect_uri", back).append_pair("state", state);
        drop(query);
        Some(url)
    }
}

/// The claims of an ID token, and over them those of a userinfo answer, which must speak of the same person.
pub(super) fn claims_over(id: &IdClaims, told: &[u8]) -> Result<Value, TokenError> {
    let told: Value = serde_json::from_slice(told).map_err(|_| TokenError::Claim("set"))?;
    let Value::Object(told) = told else { return Err(TokenError::Claim("set")) };
    if told.get("sub").and_then(Value::as_str) != Some(id.subject.as_str()) {
        return Err(TokenError::Claim("sub"));
    }
    let mut claims = id.claims.clone();
    if let Some(claims) = claims.as_object_mut() {
        claims.extend(told);
    }
    Ok(claims)
}

/// Takes a token apart. One of five parts is encrypted (RFC 7516 section 7.1).
fn signed(token: &str) -> Result<Statement, TokenError> {
    if token.matches('.').count() == 4 { Err(TokenError::Encrypted) } else { Ok(Statement::parse(token)?) }
}

/// HTTP Basic; both parts are encoded as in a form first (RFC 6749 section 2.3.1).
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encode(client_id), *Zeroizing::new(encode(secret))));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

/// The providers by which people sign in. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Providers(Arc<Vec<RelyingParty>>);

impl Providers {
    /// These, in the order of their buttons.
    pub fn new(parties: Vec<RelyingParty>) -> Self {
        Self(Arc::new(parties))
    }

    /// All of them.
    pub fn all(&self) -> &[RelyingParty] {
        &self.0
    }

    /// The one of a name.
    pub fn find(&self, name: &str) -> Option<&RelyingParty> {
        self.0.iter().find(|party| party.settings().name.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_eidas_level_satisfies_a_lower_one() {
        let accepted = |asked: &[&str]| {
            accepted_levels(&asked.iter().map(|level| (*level).to_owned()).collect::<Vec<_>>()).join(" ")
        };
        assert_eq!(accepted(&["eidas1"]), "eidas1 eidas2 eidas3");
        assert_eq!(accepted(&["eidas3"]), "eidas3");
        assert_eq!(accepted(&["urn:mfa"]), "urn:mfa");
        assert_eq!(accepted(&[]), "");
    }

    #[test]
    fn an_encrypted_token_is_called_so() {
        assert!(matches!(signed("eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d"), Err(TokenError::Encrypted)));
        assert!(matches!(signed("eyJhbGciOiJub25lIn0.e30."), Err(TokenError::Statement(_))));
    }

    #[test]
    fn a_secret_with_signs_in_it_is_encoded() {
        let header = basic("a b", "p:%").to_string();
        assert_eq!(header, format!("Basic {}", STANDARD.encode("a+b:p%3A%25")));
    }
}
