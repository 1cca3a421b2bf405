//! The sites that may ask: who they are, where their people are sent back to, how they prove who they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sceau_crypto::jose::KeySet;
use url::{Host, Url};

/// The most addresses of a client.
const MOST_ADDRESSES: usize = 20;
/// The longest address, in characters.
const LONGEST_ADDRESS: usize = 2000;

/// What a client is called in messages: 1 to 64 of letters, digits and `-._~`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(String);

impl ClientId {
    /// Reads one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ClientId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum Authenticates {
    /// It cannot: a program on people's machines. A code is worth nothing without its verifier (PKCE).
    Nobody,
    /// By a secret of 256 bits (`client_secret_basic`), of which the SHA-256 is known here.
    Secret([u8; 32]),
    /// By statements under one of its keys (`private_key_jwt`).
    Keys(KeySet),
}

impl Authenticates {
    /// Its registered name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Secret(_) => "client_secret_basic",
            Self::Keys(_) => "private_key_jwt",
        }
    }
}

/// What a client may do at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantKind {
    /// `authorization_code`.
    Code,
    /// `urn:openid:params:grant-type:ciba`.
    Ciba,
}

impl GrantKind {
    /// Its registered name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "authorization_code",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
        }
    }

    /// By its registered name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Code, Self::Ciba].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A site.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// What people read.
    pub name: String,
    /// Where people are sent back to, compared character by character (RFC 9700 section 2.1).
    pub redirect_uris: Vec<String>,
    /// How it proves who it is.
    pub authenticates: Authenticates,
    /// What it may ask for.
    pub scopes: BTreeSet<String>,
    /// What it may do.
    pub grants: BTreeSet<GrantKind>,
    /// Whether it must push its requests (RFC 9126 section 6).
    pub pushed_only: bool,
    /// Sites of one sector are told the same `sub` of somebody (OpenID Connect Core 8.1).
    pub sector: String,
}

/// A client cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Two have one name: people could not tell them apart.
    #[error("{0}: another client has this name already")]
    Name(ClientId),
    /// Two have one id.
    #[error("{0} is there twice")]
    Twice(ClientId),
    /// Not an address that people may be sent to.
    #[error(
        "{0}: a redirect URI is an absolute https address without a fragment or a password; of this machine http://127.0.0.1, http://[::1] or \
         http://localhost; of a public client also a scheme of its own with a dot in it, such as org.example.app:/callback"
    )]
    Redirect(ClientId),
    /// None, or too many.
    #[error("{0}: 1 to {MOST_ADDRESSES} redirect URIs where it uses codes, and none where it does not")]
    Redirects(ClientId),
    /// Its sites are of several hosts.
    #[error("{0}: its redirect URIs are of several hosts: name its sector, for the pairwise sub")]
    Sector(ClientId),
    /// Back-channel requests are for who proves who it is (CIBA Core section 7.1).
    #[error("{0}: a client that cannot prove who it is uses no back channel")]
    Public(ClientId),
    /// It can do nothing.
    #[error("{0}: no grant")]
    Grants(ClientId),
}

impl Client {
    /// Checks what was read, and gives it its sector where it names none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn checked(mut self) -> Result<Self, ClientError> {
        let id = || self.id.clone();
        let public = matches!(self.authenticates, Authenticates::Nobody);
        let codes = self.grants.contains(&GrantKind::Code);
        if self.grants.is_empty() {
            return Err(ClientError::Grants(id()));
        }
        if public && self.grants.contains(&GrantKind::Ciba) {
            return Err(ClientError::Public(id()));
        }
        if codes == self.redirect_uris.is_empty() || self.redirect_uris.len() > MOST_ADDRESSES {
            return Err(ClientError::Redirects(id()));
        }
        let mut hosts: BTreeSet<Option<String>> = BTreeSet::new();
        for address in &self.redirect_uris {
            hosts.insert(host_of(address, public).ok_or_else(|| ClientError::Redirect(id()))?);
        }
        if self.sector.is_empty() {
            let mut hosts = hosts.into_iter();
            self.sector = match (hosts.next(), hosts.next()) {
                (Some(Some(host)), None) => host,
                // What is on people's own machines, and what has no address, shares nothing with others.
                (Some(None) | None, None) => format!("client:{}", self.id),
                _ => return Err(ClientError::Sector(id())),
            };
        }
        Ok(self)
    }
}

/// The host of an address that people may be sent to, where it is one of the network; none of any other address.
fn host_of(address: &str, public: bool) -> Option<Option<String>> {
    let url = Url::parse(address).ok().filter(|_| address.len() <= LONGEST_ADDRESS)?;
    let bare = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(four)) => four.is_loopback(),
        Some(Host::Ipv6(six)) => six.is_loopback(),
        None => false,
    };
    let may = match url.scheme() {
        "https" => url.has_host(),
        "http" => here,
        // A program's own scheme, by a name that it has (RFC 8252 section 7.1): `javascript` and `data` have no dot.
        scheme => public && scheme.contains('.'),
    };
    let host = url.host_str().filter(|_| !here && url.scheme() == "https");
    (bare && may).then(|| host.map(str::to_owned))
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Clients(BTreeMap<ClientId, Arc<Client>>);

impl Clients {
    /// These.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Result<Self, ClientError> {
        let (mut all, mut names) = (BTreeMap::new(), BTreeSet::new());
        for client in clients {
            let client = Arc::new(client.checked()?);
            if !names.insert(client.name.trim().to_lowercase()) && !all.contains_key(&client.id) {
                return Err(ClientError::Name(client.id.clone()));
            }
            if let Some(other) = all.insert(client.id.clone(), client) {
                return Err(ClientError::Twice(other.id.clone()));
            }
        }
        Ok(Self(all))
    }

    /// The one of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<Client>> {
        self.0.get(&ClientId::parse(id)?).cloned()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.values().map(Arc::as_ref)
    }
}
