//! Who calls, as types: a handler says in its arguments who may, and cannot be reached by anybody else.
//!
//! A bearer's token is one of ours, of a machine whose scope says what it is, or one that the configured provider of identities made, whose roles
//! and groups say it in MOB's own words.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sceau_accounts::oidc::{AccessClaims, AccessTokens, TokenError};
use sceau_accounts::{Scope, bearer};
use sceau_element_api::OrganisationId;
use sceau_trace::{Actor, ActorKind};

use super::forms::Person;
use super::refusal::{Answer, Code, Refusal};
use super::{MobFunder, MobHost};
use crate::guard::{OF_A_CITIZEN, OF_A_FUNDER, OF_A_SERVICE};

/// Somebody or something of a funder that this host serves.
#[derive(Debug, Clone)]
pub(super) struct Funder {
    pub(super) organisation: OrganisationId,
    actor: Actor,
}

/// A machine that may publish a funder's key: its key manager, or its own system.
#[derive(Debug, Clone)]
pub(super) struct Publisher(pub(super) Funder);

/// A mobility service that subscribes for citizens.
#[derive(Debug, Clone)]
pub(super) struct MaasClient {
    actor: Actor,
}

/// A citizen who signed in at the provider of identities, and what that says of them.
#[derive(Debug, Clone)]
pub(super) struct Citizen {
    subject: String,
    person: Result<Person, &'static str>,
}

/// Whose subscription it is: who made it, and nobody else.
#[derive(Debug, Clone)]
pub(super) enum Depositor {
    /// A mobility service; it says for whom.
    Maas(MaasClient),
    /// The citizen, for themselves.
    Citizen(Citizen),
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
            Self::Citizen(citizen) => format!("citizen:{}", citizen.subject),
        }
    }

    /// For the log.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Maas(client) => client.actor.clone(),
            Self::Citizen(citizen) => person_of(ActorKind::Citizen, &citizen.subject),
        }
    }

    /// How many drafts may wait to be sent, whomever they are for.
    pub(super) fn most_drafts(&self) -> u64 {
        match self {
            Self::Maas(_) => 10_000,
            Self::Citizen(_) => 20,
        }
    }

    /// How many purchases may wait for a subscription that uses them.
    pub(super) fn most_metadata(&self) -> u64 {
        match self {
            Self::Maas(_) => 10_000,
            Self::Citizen(_) => 20,
        }
    }

    /// Who asks for the incentive: as the token says, or as the mobility service does.
    pub(super) fn person(&self, named: Option<Person>) -> Answer<Person> {
        match (self, named) {
            (Self::Maas(_), named) => named.ok_or(Code::NoPerson.into()),
            (Self::Citizen(_), Some(_)) => {
                Err(Refusal::because(Code::Invalid, "citizen: a citizen subscribes for themselves"))
            }
            (Self::Citizen(citizen), None) => {
                let missing = |claim| Refusal::because(Code::NoPerson, format!("the token has no {claim}"));
                citizen.person.clone().map_err(missing)
            }
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
    /// A funder's key manager.
    KeyManager(Funder),
    /// A funder's own system.
    System(Funder),
    /// A case officer of a funder.
    Manager(Funder),
    Citizen(Citizen),
    Maas(MaasClient),
}

impl MobHost {
    async fn bearer(&self, parts: &Parts) -> Answer<Bearer> {
        let token = bearer(&parts.headers).ok_or(Code::Unauthenticated)?;
        let bearer = match &self.settings().tokens {
            Some(tokens) if AccessTokens::is_candidate(token) => self.of_provider(tokens, token).await?,
            _ => self.of_ours(token).await?,
        };
        let (who, rule) = match &bearer {
            Bearer::KeyManager(funder) | Bearer::System(funder) | Bearer::Manager(funder) => {
                (format!("mob funder {}", funder.organisation), OF_A_FUNDER)
            }
            Bearer::Citizen(citizen) => (format!("mob citizen {}", citizen.subject), OF_A_CITIZEN),
            Bearer::Maas(client) => (format!("mob service {}", client.actor.id), OF_A_SERVICE),
        };
        self.dossiers().throttle_known(&who, rule)?;
        Ok(bearer)
    }

    /// A machine with credentials of the platform.
    async fn of_ours(&self, token: &str) -> Answer<Bearer> {
        let (client, organisation, scopes) = self.accounts().bearer_of(token).await?;
        let actor = Actor::new(ActorKind::Client, client.to_string());
        if scopes.contains(&Scope::Deposits) {
            return Ok(Bearer::Maas(MaasClient { actor }));
        }
        self.funder(organisation).ok_or(Code::Denied)?;
        let funder = Funder { organisation, actor };
        let receives = scopes.contains(&Scope::Receive);
        Ok(if receives { Bearer::System(funder) } else { Bearer::KeyManager(funder) })
    }

    /// A machine or a person of the provider of identities, in MOB's roles and groups.
    async fn of_provider(&self, tokens: &AccessTokens, token: &str) -> Answer<Bearer> {
        let claims = tokens.verify(token).await.map_err(unbelieved)?;
        let has = |role: &str| claims.roles.contains(role);
        if claims.is_machine() {
            let id = claims.client.as_deref().unwrap_or(&claims.subject);
            let actor = Actor::new(ActorKind::Client, loggable(id));
            return match () {
                () if has("service_maas") => Ok(Bearer::Maas(MaasClient { actor })),
                () if has("service_sirh") => Ok(Bearer::System(self.of_group(&claims, actor)?)),
                () if has("service_vault") => Ok(Bearer::KeyManager(self.of_group(&claims, actor)?)),
                () => Err(Code::Denied.into()),
            };
        }
        if has("gestionnaires") {
            let actor = person_of(ActorKind::CaseOfficer, &claims.subject);
            return Ok(Bearer::Manager(self.of_group(&claims, actor)?));
        }
        if ["citoyens", "maas", "platform"].into_iter().any(has) {
            return Ok(Bearer::Citizen(Citizen { person: person(&claims), subject: claims.subject }));
        }
        Err(Code::Denied.into())
    }

    /// The one funder whose group the token names.
    fn of_group(&self, claims: &AccessClaims, actor: Actor) -> Answer<Funder> {
        let groups = claims.texts("/membership");
        let of_it =
            |funder: &&MobFunder| funder.group.as_deref().is_some_and(|group| groups.contains(&group));
        let mut funders = self.settings().funders.iter().filter(of_it);
        match (funders.next(), funders.next()) {
            (Some(funder), None) => Ok(Funder { organisation: funder.organisation, actor }),
            _ => Err(Code::Denied.into()),
        }
    }
}

/// Why a provider's token lets nobody in. The log says it; who shows the token learns whether to come back.
fn unbelieved(error: TokenError) -> Refusal {
    tracing::info!(%error, "a provider's token is not taken");
    match error {
        TokenError::Provider(_) => Code::Down.into(),
        _ => Code::Unauthenticated.into(),
    }
}

/// What the provider says of a citizen (OpenID Connect Core, section 5.1), or the claim that is missing.
fn person(claims: &AccessClaims) -> Result<Person, &'static str> {
    let claim = |name: &'static str| {
        claims.text(&format!("/{name}")).filter(|text| !text.is_empty()).map(str::to_owned).ok_or(name)
    };
    let person = Person {
        id: claims.subject.clone(),
        last_name: claim("family_name")?,
        first_name: claim("given_name")?,
        birthdate: claim("birthdate")?,
        email: claim("email")?,
        enterprise_email: claim("enterprise_email").ok(),
    };
    person.check().map_err(|_| "birthdate")
}

fn person_of(kind: ActorKind, subject: &str) -> Actor {
    Actor::new(kind, loggable(subject))
}

/// A name of somebody else's as the log takes it: itself where it is a plain token, else its hash.
fn loggable(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=128).contains(&name.len()) && name.bytes().all(plain) {
        return name.to_owned();
    }
    sceau_trace::sha256(name.as_bytes()).to_string()
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

caller!(Publisher, bearer => match bearer {
    Bearer::KeyManager(funder) | Bearer::System(funder) => Some(Self(funder)),
    _ => None,
});

caller!(Funder, bearer => match bearer {
    Bearer::System(funder) | Bearer::Manager(funder) => Some(funder),
    _ => None,
});

caller!(Depositor, bearer => match bearer {
    Bearer::Maas(client) => Some(Self::Maas(client)),
    Bearer::Citizen(citizen) => Some(Self::Citizen(citizen)),
    _ => None,
});

caller!(Reader, bearer => match bearer {
    Bearer::Maas(client) => Some(Self::Depositor(Depositor::Maas(client))),
    Bearer::Citizen(citizen) => Some(Self::Depositor(Depositor::Citizen(citizen))),
    Bearer::System(funder) | Bearer::Manager(funder) => Some(Self::Funder(funder)),
    Bearer::KeyManager(_) => None,
});
