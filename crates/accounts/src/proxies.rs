//! Which machine a request comes from, when proxies stand in between: decided from the peer's address and what the proxies say.
//!
//! A header is believed only as far as trusted proxies wrote it. Each proxy adds, on the right, the address that it was called from
//! (RFC 7239 section 5.2); the machine is the rightmost one that is not itself a trusted proxy. What stands left of it is whatever
//! that machine liked to send.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use sceau_element_api::Cidr;

/// The proxies that the operator put before the platform. With none, no header is read.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Cidr>);

impl TrustedProxies {
    /// Proxies of these networks.
    pub fn new(networks: Vec<Cidr>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The machine that sent a request which came in from `peer` with `headers`.
    ///
    /// `Forwarded` (RFC 7239) is read, and `X-Forwarded-For` where only that is given. Given both, they must say the same: a proxy
    /// writes one of them, and the other may be the sender's own. Where they differ or cannot be read, it is the proxy itself.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let standard = chain(headers, "forwarded", forwarded_for);
        let customary = chain(headers, "x-forwarded-for", |list| list.split(',').map(node).collect());
        match (standard, customary) {
            (Some(chain), None) | (None, Some(chain)) => self.rightmost(peer, &chain),
            (Some(one), Some(other)) => {
                let (one, other) = (self.rightmost(peer, &one), self.rightmost(peer, &other));
                if one == other { one } else { peer }
            }
            (None, None) => peer,
        }
    }

    /// The rightmost address that is no trusted proxy; the last proxy that is known where there is none.
    fn rightmost(&self, peer: IpAddr, chain: &[Option<IpAddr>]) -> IpAddr {
        let mut nearest = peer;
        for hop in chain.iter().rev() {
            match hop {
                Some(address) if self.trusts(*address) => nearest = *address,
                Some(address) => return *address,
                // Hidden on purpose (RFC 7239 section 6.2, 6.3) or unreadable: the proxy that wrote it answers for it.
                None => return nearest,
            }
        }
        nearest
    }
}

/// The hops that all lines of a header list, leftmost first; none if there is no such header.
fn chain(
    headers: &HeaderMap,
    name: &str,
    read: impl Fn(&str) -> Vec<Option<IpAddr>>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    Some(lines.flat_map(|line| line.to_str().map_or_else(|_| vec![None], &read)).collect())
}

/// The `for` of each element of a `Forwarded` header; an element without one, or with two, says nothing.
///
/// A sender who leaves a quoted string open takes what the proxies add for a part of it, up to the end of the line: nobody knows then where
/// the proxies' own words begin, and the line says nothing.
fn forwarded_for(list: &str) -> Vec<Option<IpAddr>> {
    match outside_quotes(list, ',') {
        Some(elements) => elements.into_iter().map(element_for).collect(),
        None => vec![None],
    }
}

fn element_for(element: &str) -> Option<IpAddr> {
    let pairs = outside_quotes(element, ';')?;
    let mut named = pairs.iter().filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let value = named.next().filter(|_| named.next().is_none())?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    node(value)
}

/// A node: an address with or without a port, IPv6 in brackets where there is one (RFC 7239 section 6).
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// Splits at `separator` where it is not inside a quoted string (RFC 9110 section 5.6.4); none where such a string does not end.
fn outside_quotes(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let split = |character: char| {
        let here = character == separator && !quoted;
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        here
    };
    let pieces = text.split(split).collect();
    (!quoted).then_some(pieces)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const PEER: &str = "10.0.0.1";

    fn client(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "2001:db8:5::/48"].map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        TrustedProxies::new(trusted.into()).client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_counts() {
        for (header, expected) in [
            ("for=192.0.2.7", "192.0.2.7"),
            ("For=\"192.0.2.7:4711\";proto=https;by=10.0.0.1", "192.0.2.7"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=198.51.100.1, for=192.0.2.7, for=10.3.0.9", "192.0.2.7"),
            ("for=192.0.2.7, for=\"[2001:db8:5::2]\"", "192.0.2.7"),
            ("for=\"a, for=1.2.3.4\", for=192.0.2.7", "192.0.2.7"),
            ("for=192.0.2.7, for=_hidden", PEER),
            ("for=192.0.2.7, for=unknown, for=10.3.0.9", "10.3.0.9"),
            ("for=192.0.2.7;for=198.51.100.1", PEER),
            ("by=192.0.2.7", PEER),
            ("for=10.3.0.9", "10.3.0.9"),
            ("", PEER),
        ] {
            assert_eq!(client(PEER, &[("forwarded", header)]), expected, "{header}");
        }
        let two_lines = [("forwarded", "for=198.51.100.1"), ("forwarded", "for=192.0.2.7")];
        assert_eq!(client(PEER, &two_lines), "192.0.2.7");
    }

    #[test]
    fn a_quoted_string_that_a_sender_leaves_open_hides_no_proxy_s_word() {
        // The sender's own words end where the proxy adds `, for=…`, be that quoted or not.
        for sent in [
            "for=6.6.6.6;x=\"",
            "for=6.6.6.6;x=\"\\",
            "for=6.6.6.6, for=6.6.6.6;by=\"a\";x=\"",
            "x=\";for=6.6.6.6;y=\"\";z=\"",
        ] {
            for added in [
                "for=192.0.2.7",
                "for=\"[2001:db8:bad::1]:4711\"",
                "by=\"10.0.0.1:80\";for=\"192.0.2.7:4711\"",
            ] {
                let header = format!("{sent}, {added}");
                assert_ne!(client(PEER, &[("forwarded", &header)]), "6.6.6.6", "{header}");
                let two_proxies = format!("{header}, for=\"10.3.0.9:80\"");
                assert_ne!(client(PEER, &[("forwarded", &two_proxies)]), "6.6.6.6", "{two_proxies}");
            }
            let apart = [("forwarded", sent), ("forwarded", "for=192.0.2.7")];
            assert_eq!(client(PEER, &apart), "192.0.2.7", "a line of the proxy's own is its own");
        }
    }

    #[test]
    fn the_customary_header_counts_alone_only() {
        for (header, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("198.51.100.1, 192.0.2.7, 10.3.0.9", "192.0.2.7"),
            ("2001:db8:cafe::17", "2001:db8:cafe::17"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("nonsense", PEER),
        ] {
            assert_eq!(client(PEER, &[("x-forwarded-for", header)]), expected, "{header}");
        }
        let agree = [("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "198.51.100.1, 192.0.2.7")];
        assert_eq!(client(PEER, &agree), "192.0.2.7");
        let differ = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(client(PEER, &differ), PEER, "one of them is the sender's own");
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        for peer in ["192.0.2.7", "2001:db8:6::1"] {
            let spoofed = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4")];
            assert_eq!(client(peer, &spoofed), peer);
        }
        let mut headers = HeaderMap::new();
        headers.append("forwarded", "for=1.2.3.4".parse().unwrap());
        let none = TrustedProxies::default();
        assert_eq!(
            none.client(PEER.parse().unwrap(), &headers).to_string(),
            PEER,
            "none is trusted unless named"
        );
    }
}
