//! At which hosts lists are fetched that certificates name.

use hyper::{Uri, http::uri::Authority};

/// The hosts at which lists are fetched: `host`, which is its port 80, or `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Vec<Authority>);

impl Hosts {
    /// # Errors
    /// What to write instead.
    pub(crate) fn read(texts: &[String]) -> Result<Self, &'static str> {
        let read = |text: &String| {
            let host = text.parse::<Authority>().ok().filter(|_| !text.contains('@'));
            host.filter(|host| !host.host().is_empty())
                .ok_or("write hosts, each as host or host:port, without http://")
        };
        if texts.is_empty() {
            return Err("name the hosts at which lists may be fetched, or leave it out");
        }
        texts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// For people.
    pub(crate) fn written(&self) -> String {
        self.0.iter().map(Authority::to_string).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn allow(&self, uri: &Uri) -> bool {
        let port = |authority: &Authority| authority.port_u16().unwrap_or(80);
        uri.authority().is_some_and(|to| {
            let is_it = |own: &Authority| own.host().eq_ignore_ascii_case(to.host()) && port(own) == port(to);
            self.0.iter().any(is_it)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn hosts_are_exactly_those_that_are_named() {
        let hosts = Hosts::read(&["lists.example".to_owned(), "127.0.0.1:8080".to_owned()]).unwrap();
        for (place, is_allowed) in [
            ("http://lists.example/a.crl", true),
            ("http://LISTS.example:80/a.crl", true),
            ("http://lists.example:8080/a.crl", false),
            ("http://127.0.0.1:8080/a.crl", true),
            ("http://127.0.0.1/a.crl", false),
            ("http://xlists.example/a.crl", false),
            ("http://lists.example.evil/a.crl", false),
            ("http://evil/lists.example", false),
            ("http://169.254.169.254/latest", false),
        ] {
            assert_eq!(hosts.allow(&place.parse().unwrap()), is_allowed, "{place}");
        }
        for wrong in ["", "http://a", "a/b", "u@a", "a b", ":80"] {
            assert!(Hosts::read(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(Hosts::read(&[]).is_err());
    }
}
