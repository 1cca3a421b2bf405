//! Which machine a request comes from, for rate limits.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;

use crate::{Accounts, AccountsError};
use sceau_element_api::AccountId;

/// The machine that sent a request, for rate limits; never recorded. An IPv6 network counts as one machine.
///
/// Behind proxies it is the one that [`TrustedProxies::client`](crate::TrustedProxies::client) finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(Option<IpAddr>);

impl<S> FromRequestParts<S> for Source
where
    S: Send + Sync,
    Accounts: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let accounts = Accounts::from_ref(state);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(peer)| {
            network(accounts.config().trusted_proxies.client(peer.ip().to_canonical(), &parts.headers))
        })))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// Reads what its `Display` wrote, for a request that goes on at another process.
impl std::str::FromStr for Source {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unknown" { Ok(Self(None)) } else { text.parse().map(|address| Self(Some(address))) }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

impl Accounts {
    /// Throttles sign-ins and ceremonies by source.
    pub(crate) fn throttle_login(&self, source: Source) -> Result<(), AccountsError> {
        self.throttle("login", &source.to_string(), self.config().limits.login_by_source)
    }

    /// Throttles what a signed-in person begins: ceremonies that wait make room for newer ones, whosever they are.
    pub(crate) fn throttle_ceremonies(&self, account: AccountId) -> Result<(), AccountsError> {
        self.throttle("ceremony", &account.to_string(), self.config().limits.login_by_source)
    }

    /// Throttles new accounts by source.
    pub(crate) fn throttle_registration(&self, source: Source) -> Result<(), AccountsError> {
        self.throttle("register", &source.to_string(), self.config().limits.register_by_source)
    }
}
