//! The host that a request is for, which servers must not read in several ways.

use hyper::{Request, header::HOST};

/// A name or an address, perhaps with a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(String);

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHost {
    Missing,
    Malformed,
}

impl NoHost {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Missing => "host_missing",
            Self::Malformed => "host_malformed",
        }
    }
}

/// For which host a request is, without the port; none where that may be read in several ways. For whoever tries that.
pub fn read_host<T>(request: &Request<T>) -> Option<String> {
    Host::of(request).ok().map(|host| host.name().to_owned())
}

impl Host {
    /// That of a request: of HTTP/2 from `:authority`.
    ///
    /// # Errors
    /// [`NoHost`].
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, NoHost> {
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let mut hosts = request.headers().get_all(HOST).iter();
        let header = hosts.next();
        // Each server may choose another of two (RFC 9112 §3.2).
        if hosts.next().is_some() {
            return Err(NoHost::Malformed);
        }
        let header = header.map(|host| host.to_str().unwrap_or_default());
        Self::read(authority.or(header).ok_or(NoHost::Missing)?)
    }

    fn read(text: &str) -> Result<Self, NoHost> {
        if is_host(text) { Ok(Self(text.to_owned())) } else { Err(NoHost::Malformed) }
    }

    /// With its port, as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the port, and without the dot that may stand at a name's end and changes nothing.
    pub(crate) fn name(&self) -> &str {
        name_of(&self.0)
    }
}

/// Whether this is a name or an address, perhaps with a port, and nothing that servers read in several ways (RFC 9110 §7.2; of RFC 3986
/// §3.2.2, what DNS has).
fn is_host(text: &str) -> bool {
    let name = name_of(text);
    let port = text.get(name.len()..).unwrap_or_default().trim_start_matches('.');
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    let is_name = |name: &str| name.split('.').all(is_label);
    let is_address = name.starts_with('[') && bare(name).parse::<std::net::Ipv6Addr>().is_ok();
    (is_address || is_name(name))
        && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

/// Whether a route may be for this host: requests are for a name or an address without a port, and without a dot at its end.
pub(super) fn is_plain(host: &str) -> bool {
    Host::read(host).is_ok_and(|read| read.name() == host)
}

/// Whether two are one: capitals are none, and an address of IPv6 may be written in several ways.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let six =
        |host: &str| host.starts_with('[').then(|| bare(host).parse::<std::net::Ipv6Addr>().ok()).flatten();
    one.eq_ignore_ascii_case(other) || six(one).is_some_and(|address| six(other) == Some(address))
}

/// Without the brackets that an address of IPv6 has in a URI (RFC 3986 §3.2.2).
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn name_of(host: &str) -> &str {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(host, |(name, _)| name);
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_for_a_host_alone() {
        for host in ["localhost", "api.example.org", "API.example.org", "192.0.2.1", "[::1]", "a_b"] {
            assert!(is_plain(host), "{host}");
        }
        for host in [
            "localhost:9848",
            "localhost.",
            "*.example.org",
            "https://localhost",
            " localhost",
            "[::1]:9848",
            "::1",
            "",
        ] {
            assert!(!is_plain(host), "{host}");
        }
        for (one, other, is_one) in [
            ("[::1]", "[0:0::1]", true),
            ("[2001:DB8::1]", "[2001:db8:0::1]", true),
            ("[::1]", "[::2]", false),
            ("A.example", "a.EXAMPLE", true),
            ("a.example", "b.example", false),
        ] {
            assert_eq!(is_same(one, other), is_one, "{one} {other}");
        }
    }

    #[test]
    fn a_host_is_read_in_one_way() {
        for (host, name) in [
            ("api.example.org", "api.example.org"),
            ("api.example.org.", "api.example.org"),
            ("api.example.org.:443", "api.example.org"),
            ("a_b-c:8443", "a_b-c"),
            ("192.0.2.1:1", "192.0.2.1"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(Host::read(host).map(|host| host.name().to_owned()), Ok(name.to_owned()), "{host}");
        }
        for none in [
            "",
            ".",
            "a..",
            ".a",
            "a:",
            "a:443:443",
            "a:65536",
            "a/b",
            "a?",
            "a#",
            "a b",
            "a,b",
            "a\"b",
            "a@b",
            "é",
            "[::1",
            "::1",
            "[a]",
            "a%2e",
            "[::1]x",
            "a.:443.",
            "a;b",
        ] {
            assert_eq!(Host::read(none), Err(NoHost::Malformed), "{none}");
        }
    }
}
