//! Where a request comes from: which pages made it, and which machine sent it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::header::ORIGIN;
use axum::http::request::Parts;

use super::ProblemResponse;
use crate::{Accounts, AccountsError};

/// The proof that an unsafe request was made by our own pages: its `Origin` is ours, to the byte.
///
/// [`Authorised`](crate::Authorised) checks it too; take this one where there is no session yet, so that nobody signs
/// a victim in to another account.
#[derive(Debug, Clone, Copy)]
pub struct SameOrigin(());

impl<S> FromRequestParts<S> for SameOrigin
where
    S: Send + Sync,
    Accounts: FromRef<S>,
{
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemResponse> {
        if is_same_origin(parts, &Accounts::from_ref(state)) {
            Ok(Self(()))
        } else {
            Err(AccountsError::Origin.into())
        }
    }
}

/// Browsers send `Origin` with every unsafe request (Fetch standard, section 3.2); a missing one is refused.
pub(crate) fn is_same_origin(parts: &Parts, accounts: &Accounts) -> bool {
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    let own = origins.next().is_some_and(|origin| origin.as_bytes() == accounts.config().origin.as_bytes());
    parts.method.is_safe() || (own && origins.next().is_none())
}

/// The machine that sent a request, for rate limits; never recorded. An IPv6 network counts as one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(address)| network(address.ip()))))
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

    /// Throttles new accounts by source.
    pub(crate) fn throttle_registration(&self, source: Source) -> Result<(), AccountsError> {
        self.throttle("register", &source.to_string(), self.config().limits.register_by_source)
    }
}
