//! How far webhooks reach: which addresses the platform calls for an organisation, whatever name leads there.
//!
//! An organisation's administrator writes the address, and is not the platform's friend: nothing inside the platform's network is called, and no
//! port where something else than the web listens, unless the operator's settings name the network. A name is resolved once, each of its
//! addresses is judged, and exactly these are called: what the name leads to a moment later changes nothing. No redirect is followed and no proxy
//! asked, and nothing of an answer is read but its head.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sceau_element_api::Cidr;

/// How long a receiver may take, from looking up its name to the head of its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Below, ports are those of other protocols, but for this one.
const HTTPS: u16 = 443;
const FIRST_FREE_PORT: u16 = 1024;

/// How far webhooks reach.
#[derive(Clone)]
pub struct Reach {
    allowed: Arc<[Cidr]>,
    authorities: Option<Arc<[u8]>>,
    resolver: Arc<dyn Resolver>,
    patience: Duration,
}

/// Looks names up. The system's is the default; tests have others.
pub trait Resolver: Send + Sync {
    /// The addresses of a name, with this port.
    fn resolve(&self, name: String, port: u16) -> BoxFuture<'_, std::io::Result<Vec<SocketAddr>>>;
}

struct System;

impl Resolver for System {
    fn resolve(&self, name: String, port: u16) -> BoxFuture<'_, std::io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutOfReach {
    /// Another scheme.
    #[error("A webhook goes to an https address.")]
    Scheme,
    /// A name, a password or a fragment in it.
    #[error("The address of a webhook holds no name, no password and no fragment.")]
    Adorned,
    /// No host.
    #[error("The address of a webhook names a host.")]
    Nowhere,
    /// A port of another protocol.
    #[error("The port of a webhook is 443, or 1024 and above.")]
    Port,
    /// Inside somebody's network.
    #[error("The address of a webhook is a public one.")]
    Inside,
}

/// Why a client could not be made.
#[derive(Debug)]
pub(super) enum NoClient {
    /// The name leads where nobody is called.
    Inside,
    /// The name leads nowhere now, in words.
    Unknown(String),
    /// Ours, in words.
    Broken(String),
}

impl Default for Reach {
    /// Public addresses only.
    fn default() -> Self {
        Self { allowed: Arc::default(), authorities: None, resolver: Arc::new(System), patience: PATIENCE }
    }
}

impl Reach {
    /// Reaches these networks too, although they are not public. Where this machine is among them, it is called in clear too, by its address.
    #[must_use]
    pub fn allowing(self, networks: Vec<Cidr>) -> Self {
        Self { allowed: networks.into(), ..self }
    }

    /// Trusts these authorities (PEM) beside the system's.
    #[must_use]
    pub fn trusting(self, authorities: Vec<u8>) -> Self {
        Self { authorities: Some(authorities.into()), ..self }
    }

    /// Looks names up with this.
    #[must_use]
    pub fn resolving(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// Waits so long for an answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What an address must be before anybody is asked for it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn judge(&self, url: &url::Url) -> Result<(), OutOfReach> {
        let literal = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(url::Host::Domain(_)) => None,
            None => return Err(OutOfReach::Nowhere),
        };
        let here = literal.is_some_and(|address| address.is_loopback() && self.is_allowed(address));
        if url.scheme() != "https" && !(here && url.scheme() == "http") {
            return Err(OutOfReach::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(OutOfReach::Adorned);
        }
        if url.port().is_some_and(|port| port != HTTPS && port < FIRST_FREE_PORT) {
            return Err(OutOfReach::Port);
        }
        if literal.is_some_and(|address| !self.is_within(address)) {
            return Err(OutOfReach::Inside);
        }
        Ok(())
    }

    /// A client that calls exactly the addresses that were judged here.
    pub(super) async fn client(&self, url: &url::Url) -> Result<reqwest::Client, NoClient> {
        let broken = |error: reqwest::Error| NoClient::Broken(error.to_string());
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(self.patience);
        if let Some(authorities) = &self.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(authorities).map_err(broken)?;
            builder = authorities.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        if let (Some(url::Host::Domain(name)), Some(port)) = (url.host(), url.port_or_known_default()) {
            let looking = tokio::time::timeout(self.patience, self.resolver.resolve(name.to_owned(), port));
            let found =
                looking.await.map_err(|_| NoClient::Unknown("its name is not answered for".into()))?;
            let found = found.map_err(|error| NoClient::Unknown(error.to_string()))?;
            if found.is_empty() {
                return Err(NoClient::Unknown("its name has no address".into()));
            }
            if !found.iter().all(|address| self.is_within(address.ip())) {
                return Err(NoClient::Inside);
            }
            builder = builder.resolve_to_addrs(name, &found);
        }
        builder.build().map_err(broken)
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address))
    }

    fn is_within(&self, address: IpAddr) -> bool {
        is_public(address) || self.is_allowed(address)
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

/// Whether an address is anybody's on the Internet (the special-purpose registries of IANA, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let special = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a, b, c) == (192, 0, 0)
                || (a, b, c) == (192, 88, 99);
            !special
        }
        IpAddr::V6(v6) => {
            // Only global unicast, and of it none that stands for another address or for examples (RFC 3056, 4380, 3849, 9637).
            let [first, second, ..] = v6.segments();
            let tunnelled = first == 0x2002 || (first == 0x2001 && (second < 0x200 || second == 0xdb8));
            let example = first == 0x3fff && second < 0x1000;
            (0x2000..0x4000).contains(&first) && !tunnelled && !example
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_is_inside_a_network_is_not_public() {
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fc00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["9.9.9.9", "193.0.6.139", "2001:67c:2e8::1", "2a00:1450:4007::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn each_rule_and_what_an_operator_may_allow() {
        let judge = |reach: &Reach, url: &str| reach.judge(&url.parse().unwrap());
        let public = Reach::default();
        for (url, rule) in [
            ("http://rh.example.org/", OutOfReach::Scheme),
            ("ftp://rh.example.org/", OutOfReach::Scheme),
            ("file:///etc/passwd", OutOfReach::Nowhere),
            ("https://me@rh.example.org/", OutOfReach::Adorned),
            ("https://:word@rh.example.org/", OutOfReach::Adorned),
            ("https://rh.example.org/#part", OutOfReach::Adorned),
            ("https://rh.example.org:25/", OutOfReach::Port),
            ("https://rh.example.org:22/", OutOfReach::Port),
            ("https://2130706433/", OutOfReach::Inside),
            ("https://0x7f000001/", OutOfReach::Inside),
            ("https://0177.0.0.1/", OutOfReach::Inside),
            ("https://127.1/", OutOfReach::Inside),
            ("https://[::ffff:a9fe:a9fe]/", OutOfReach::Inside),
            ("https://[fe80::1]/", OutOfReach::Inside),
        ] {
            assert_eq!(judge(&public, url), Err(rule), "{url}");
        }
        for url in ["https://rh.example.org/a?b=c", "https://rh.example.org:8443/", "https://9.9.9.9/"] {
            assert_eq!(judge(&public, url), Ok(()), "{url}");
        }
        let some =
            Reach::default().allowing(vec!["10.1.0.0/16".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
        for url in ["https://10.1.2.3/", "https://[::ffff:10.1.2.3]/", "http://127.0.0.1:9000/"] {
            assert_eq!(judge(&some, url), Ok(()), "{url}");
        }
        for (url, rule) in [
            ("https://10.2.0.1/", OutOfReach::Inside),
            ("http://10.1.2.3/", OutOfReach::Scheme),
            ("http://localhost/", OutOfReach::Scheme),
            ("https://10.1.2.3:22/", OutOfReach::Port),
        ] {
            assert_eq!(judge(&some, url), Err(rule), "{url}");
        }
    }
}
