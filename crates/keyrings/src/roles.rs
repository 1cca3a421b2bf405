//! Who calls, as types: a handler that needs an actor takes the proof of its role as an argument, and cannot be written without.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use sceau_accounts::callers::{CallerCode, Presented};
use sceau_element_api::keyring::ActorRole;
use sceau_element_api::wire::{Code, Refusal};
use sceau_keyring::thumbprint;
use sceau_pki::Certificate;
use sceau_trace::sha256;

use crate::code::Code as Own;
use crate::host::{Host, Room};
use crate::refusal::Refused;
use crate::rows::Acting;

/// What the caller showed, kept where whoever judges certificates takes it away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown(Presented);

/// Keeps it beside the request.
pub(crate) async fn keep_shown(mut request: Request) -> Result<Request, Infallible> {
    let shown = request.extensions().get::<Presented>().cloned().unwrap_or_default();
    request.extensions_mut().insert(Shown(shown));
    Ok(request)
}

impl Shown {
    /// The certificate that the caller has the key of, where it is good at `now`.
    fn leaf(&self, now: u64) -> Result<Certificate, CallerCode> {
        let chain = match &self.0 {
            Presented::Nothing => return Err(CallerCode::Missing),
            Presented::Garbled => return Err(CallerCode::Malformed),
            Presented::Chain(chain) => chain,
        };
        let leaf = chain.first().ok_or(CallerCode::Missing)?;
        let leaf = Certificate::from_der(leaf, "a caller's").map_err(|_| CallerCode::Malformed)?;
        match (leaf.not_before() <= now, now <= leaf.not_after()) {
            (false, _) => Err(CallerCode::NotYetValid),
            (_, false) => Err(CallerCode::Expired),
            _ => Ok(leaf),
        }
    }
}

/// Roles that may pass.
pub(crate) trait Roles: Send + Sync + 'static {
    const ROLES: &'static [ActorRole];
}

/// Asks holders.
#[derive(Debug)]
pub(crate) enum Provider {}
impl Roles for Provider {
    const ROLES: &'static [ActorRole] = &[ActorRole::ServiceProvider];
}

/// Looks at keyrings of its policies: who made them, and who helps their holders.
#[derive(Debug)]
pub(crate) enum Helper {}
impl Roles for Helper {
    const ROLES: &'static [ActorRole] = &[ActorRole::Support, ActorRole::RegistrationAuthority];
}

/// The proof that the caller has the key of a certificate that the security officer registered, in one of these roles. To find out takes a place among requests, which it keeps.
#[derive(Debug)]
pub(crate) struct Actor<R: Roles> {
    /// As whom it is registered; the same key may be so with several organisations.
    pub(crate) acting: Vec<Acting>,
    /// Its request's place.
    pub(crate) room: Room,
    role: PhantomData<R>,
}

impl<R: Roles> FromRequestParts<Host> for Actor<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Refused> {
        let now = host.now();
        let leaf = shown(parts).leaf(now)?;
        let room = Room::from_request_parts(parts, host).await?;
        let unknown =
            || Refusal::new(Code::ActorUnknown, "the security officer registered no such certificate");
        let key = thumbprint(&leaf.public_key_info()).ok_or_else(unknown)?;
        let mut acting = host.rows().acting(&key, now).await?;
        if acting.is_empty() {
            // It may be new.
            host.feed().freshen().await?;
            acting = host.rows().acting(&key, now).await?;
        }
        if acting.is_empty() {
            return Err(unknown().into());
        }
        acting.retain(|one| R::ROLES.contains(&one.actor.role));
        if acting.is_empty() {
            Err(Own::RoleOther.into())
        } else {
            Ok(Self { acting, room, role: PhantomData })
        }
    }
}

/// The proof that the caller has the key of the certificate of the security officer in office, with the place among requests that finding out took.
#[derive(Debug)]
pub(crate) struct Officer(#[expect(dead_code, reason = "held")] Room);

impl FromRequestParts<Host> for Officer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Refused> {
        let leaf = shown(parts).leaf(host.now())?;
        // Before the element is asked: whoever shows any certificate would have it asked as often as they like.
        let room = Room::from_request_parts(parts, host).await?;
        // Asked each time: one officer names the next while the host runs.
        let officer = host.element().keyrings_about().await?.officer;
        if sha256(leaf.der()) == officer { Ok(Self(room)) } else { Err(Own::RoleOther.into()) }
    }
}

fn shown(parts: &Parts) -> Shown {
    parts.extensions.get::<Shown>().cloned().unwrap_or_default()
}

impl FromRequestParts<Host> for Room {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Refused> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        host.room(peer.map(|peer| peer.0.ip()))
    }
}
