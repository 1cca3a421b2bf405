//! What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414).

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Who a provider is: an address without query or fragment, compared to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssuerUrl(String);

/// A provider's word about itself is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not JSON of the form.
    #[error("its configuration is not that of an OpenID provider")]
    Malformed,
    /// It says that it is another.
    #[error("it says that it is another issuer than the one configured")]
    Issuer,
    /// An address that we would not go to.
    #[error("its {0} is not an https address (plain http goes to this machine only)")]
    Address(&'static str),
    /// It does not do what we need.
    #[error("it does not offer {0}")]
    Lacks(&'static str),
}

/// An address over TLS, or one of this very machine.
fn is_guarded(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

impl TryFrom<String> for IssuerUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url: Url = text.parse().map_err(|_| format!("{text} is not an address"))?;
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if bare && is_guarded(&url) {
            Ok(Self(text))
        } else {
            Err(format!("{text} is not an https address without query and fragment"))
        }
    }
}

impl From<IssuerUrl> for String {
    fn from(issuer: IssuerUrl) -> Self {
        issuer.0
    }
}

impl IssuerUrl {
    /// As tokens name it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it describes itself (Discovery section 4).
    pub fn configuration(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.trim_end_matches('/'))
    }
}

/// What a provider says of itself, its addresses judged.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// Where people sign in.
    pub authorization: Url,
    /// Where a code is exchanged.
    pub token: Url,
    /// Where it tells about a person.
    pub userinfo: Option<Url>,
    /// Where its keys are.
    pub keys: Url,
    /// Where people sign out.
    pub end_session: Option<Url>,
    /// Whether its answers name it (RFC 9207 section 3): then one that does not is refused.
    pub names_itself: bool,
    /// How clients may show who they are; `client_secret_basic` where it says nothing (Discovery section 3).
    pub client_authentication: Vec<String>,
    /// The levels that it says it can reach.
    pub levels: Vec<String>,
}

#[derive(Deserialize)]
struct WireMetadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Option<Url>,
    userinfo_endpoint: Option<Url>,
    jwks_uri: Url,
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    acr_values_supported: Vec<String>,
}

impl Metadata {
    /// Reads what `issuer` said of itself.
    ///
    /// # Errors
    /// [`MetadataError`].
    pub fn parse(json: &[u8], issuer: &IssuerUrl) -> Result<Self, MetadataError> {
        let wire: WireMetadata = serde_json::from_slice(json).map_err(|_| MetadataError::Malformed)?;
        if wire.issuer != issuer.as_str() {
            return Err(MetadataError::Issuer);
        }
        let has = |list: &Option<Vec<String>>, word: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|entry| entry == word))
        };
        if !has(&wire.response_types_supported, "code") {
            return Err(MetadataError::Lacks("the authorization code flow"));
        }
        // Who says nothing of PKCE may ignore it; who lists methods without S256 would refuse us.
        if !has(&wire.code_challenge_methods_supported, "S256") {
            return Err(MetadataError::Lacks("PKCE with S256"));
        }
        let metadata = Self {
            authorization: wire.authorization_endpoint,
            token: wire.token_endpoint.ok_or(MetadataError::Lacks("a token endpoint"))?,
            userinfo: wire.userinfo_endpoint,
            keys: wire.jwks_uri,
            end_session: wire.end_session_endpoint,
            names_itself: wire.authorization_response_iss_parameter_supported,
            client_authentication: wire
                .token_endpoint_auth_methods_supported
                .unwrap_or_else(|| vec!["client_secret_basic".into()]),
            levels: wire.acr_values_supported,
        };
        metadata.guarded()
    }

    fn guarded(self) -> Result<Self, MetadataError> {
        let addresses = [
            ("authorization_endpoint", Some(&self.authorization)),
            ("token_endpoint", Some(&self.token)),
            ("userinfo_endpoint", self.userinfo.as_ref()),
            ("jwks_uri", Some(&self.keys)),
            ("end_session_endpoint", self.end_session.as_ref()),
        ];
        for (name, address) in addresses {
            if address.is_some_and(|address| !is_guarded(address)) {
                return Err(MetadataError::Address(name));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::{Value, json};

    fn parse(change: impl FnOnce(&mut Value)) -> Result<Metadata, MetadataError> {
        let issuer = IssuerUrl::try_from("https://id.example.org/realms/a".to_owned()).unwrap();
        let mut json = json!({
            "issuer": "https://id.example.org/realms/a", "jwks_uri": "https://id.example.org/keys",
            "authorization_endpoint": "https://id.example.org/auth", "token_endpoint": "https://id.example.org/token",
        });
        change(&mut json);
        Metadata::parse(json.to_string().as_bytes(), &issuer)
    }

    #[test]
    fn a_provider_that_says_it_is_another_is_not_believed() {
        assert!(parse(|_| {}).is_ok());
        for other in ["https://id.example.org/realms/a/", "https://id.example.org/realms/b"] {
            assert_eq!(parse(|json| json["issuer"] = other.into()).unwrap_err(), MetadataError::Issuer);
        }
    }

    #[test]
    fn addresses_in_clear_and_old_flows_are_refused() {
        let refused = |member: &str, value: Value| parse(|json| json[member] = value).unwrap_err();
        assert_eq!(refused("jwks_uri", json!("http://id.example.org/k")), MetadataError::Address("jwks_uri"));
        assert_eq!(refused("token_endpoint", json!("file:///etc")), MetadataError::Address("token_endpoint"));
        assert!(matches!(refused("token_endpoint", Value::Null), MetadataError::Lacks(_)));
        assert!(matches!(refused("response_types_supported", json!(["id_token"])), MetadataError::Lacks(_)));
        assert!(matches!(
            refused("code_challenge_methods_supported", json!(["plain"])),
            MetadataError::Lacks(_)
        ));
        assert_eq!(refused("jwks_uri", json!(7)), MetadataError::Malformed);
    }

    #[test]
    fn an_issuer_is_an_https_address_or_one_of_this_machine() {
        for good in ["https://a.fr", "http://localhost:3000", "http://127.0.0.1:1/x", "http://id.localhost"] {
            assert!(IssuerUrl::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in
            ["http://a.fr", "a.fr", "https://a.fr?x", "https://a.fr/#x", "https://me@a.fr", "ftp://a.fr"]
        {
            assert!(IssuerUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        let issuer = IssuerUrl::try_from("https://a.fr/x/".to_owned()).unwrap();
        assert_eq!(issuer.configuration(), "https://a.fr/x/.well-known/openid-configuration");
    }
}
