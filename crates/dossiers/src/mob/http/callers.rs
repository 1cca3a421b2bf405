//! Who calls, as types: a handler says in its arguments who may, and cannot be reached by anybody else.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sceau_accounts::{Scope, bearer};
use sceau_element_api::OrganisationId;
use sceau_trace::{Actor, ActorKind};

use super::MobHost;
use super::forms::Person;
use super::refusal::{Answer, Code, Refusal};

/// A machine of a funder that this host serves: its key manager, or its own system.
#[derive(Debug, Clone)]
pub(super) struct Funder {
    pub(super) organisation: OrganisationId,
    actor: Actor,
}

/// A mobility service that subscribes for citizens.
#[derive(Debug, Clone)]
pub(super) struct MaasClient {
    actor: Actor,
}

/// Whose subscription it is: who made it, and nobody else.
#[derive(Debug, Clone)]
pub(super) enum Depositor {
    /// A mobility service; it says for whom.
    Maas(MaasClient),
}

/// Who may read a subscription, if it is theirs.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    /// Who made it.
    Depositor(Depositor),
    /// Whom it is for.
    Funder(Funder),
}

impl Funder {
    /// For the log.
    pub(super) fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

impl Depositor {
    /// What the subscription's row names.
    pub(super) fn owner(&self) -> String {
        match self {
            Self::Maas(client) => format!("client:{}", client.actor.id),
        }
    }

    /// For the log.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Maas(client) => client.actor.clone(),
        }
    }

    /// Who asks for the incentive: as the token says, or as the mobility service does.
    pub(super) fn person(&self, named: Option<Person>) -> Answer<Person> {
        match self {
            Self::Maas(_) => named.ok_or(Code::NoPerson.into()),
        }
    }
}

impl Reader {
    /// For the log.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Depositor(depositor) => depositor.actor(),
            Self::Funder(funder) => funder.actor(),
        }
    }
}

/// Whoever bears a live token.
enum Bearer {
    Funder(Funder),
    Maas(MaasClient),
}

impl MobHost {
    async fn bearer(&self, parts: &Parts) -> Answer<Bearer> {
        let token = bearer(&parts.headers).ok_or(Code::Unauthenticated)?;
        let (client, organisation, scopes) = self.accounts().bearer_of(token).await?;
        let actor = Actor::new(ActorKind::Client, client.to_string());
        if scopes.contains(&Scope::Deposits) {
            return Ok(Bearer::Maas(MaasClient { actor }));
        }
        self.funder(organisation).ok_or(Code::Denied)?;
        Ok(Bearer::Funder(Funder { organisation, actor }))
    }
}

macro_rules! caller {
    ($who:ident, $bearer:ident => $from:expr) => {
        impl FromRequestParts<MobHost> for $who {
            type Rejection = Refusal;

            async fn from_request_parts(parts: &mut Parts, host: &MobHost) -> Result<Self, Refusal> {
                let $bearer = host.bearer(parts).await?;
                let from: Option<Self> = $from;
                from.ok_or(Code::Denied.into())
            }
        }
    };
}

caller!(Funder, bearer => match bearer {
    Bearer::Funder(funder) => Some(funder),
    Bearer::Maas(_) => None,
});

caller!(Depositor, bearer => match bearer {
    Bearer::Maas(client) => Some(Depositor::Maas(client)),
    Bearer::Funder(_) => None,
});

caller!(Reader, bearer => Some(match bearer {
    Bearer::Maas(client) => Self::Depositor(Depositor::Maas(client)),
    Bearer::Funder(funder) => Self::Funder(funder),
}));
