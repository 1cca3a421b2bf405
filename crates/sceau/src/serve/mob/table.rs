//! The section `[mob]` of the platform's settings: where MOB's host is reached, and who uses it.

use std::path::PathBuf;
use std::sync::Arc;

use sceau_accounts::callers::ReadSettings;
use sceau_accounts::oidc::{AccessTokens, IssuerUrl, Provider, WebClient};
use sceau_dossiers::IntakeDesk;
use sceau_dossiers::mob::http::MobFunder;
use sceau_element_api::OrganisationId;
use sceau_store::SystemClock;
use sceau_store::bus::Company;
use serde::Deserialize;

use crate::failure::Failure;
use crate::serve::callers::CallersTable;
use crate::serve::intake;
use crate::serve::settings::{Settings, authorities};

/// What this profile gives up, word for word: the operator writes each, or there is no MOB host.
pub(crate) const DANGERS: [&str; 3] = ["integrity", "plaintext", "preflight"];

/// What a certificate may be demanded for: the token that machines ask for, and what they and people do with it.
const PLACES: [&str; 4] = [
    "/auth/realms/mcm/protocol/openid-connect/token",
    "/v1/funders",
    "/v1/maas/subscriptions",
    "/v1/subscriptions",
];

/// The section `[mob]` of the settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobTable {
    /// Where the host is reached, `https://mob.example.org`: what its messages say.
    pub(super) url: String,
    /// The public key that its manifests are signed with, as `sceau mob key` prints it: what schemes name as the intake that they trust.
    pub(super) key: String,
    /// What the profile gives up, each word written out.
    danger_accepted: Vec<String>,
    /// The one page of another origin that may call from a browser: MOB's own.
    pub(super) page_origin: Option<String>,
    /// A provider of identities whose access tokens are taken beside the platform's own.
    provider: Option<ProviderTable>,
    /// Who uses it.
    #[serde(default)]
    funders: Vec<FunderTable>,
    /// Whose certificates the host asks for; nobody's without it.
    pub(super) clients: Option<CallersTable>,
}

/// The section `[mob.provider]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderTable {
    /// As its tokens name it, `https://id.example.org/realms/mcm`.
    issuer: IssuerUrl,
    /// One of these must be in `aud`.
    audiences: Vec<String>,
    /// Authorities (PEM) to trust beside the system's.
    ca_file: Option<PathBuf>,
    /// Where roles are in a token, as JSON pointers.
    #[serde(default = "roles")]
    roles: Vec<String>,
}

/// Where Keycloak has the roles of its realm, and of MOB's API.
fn roles() -> Vec<String> {
    ["/realm_access/roles", "/resource_access/api/roles"].map(str::to_owned).into()
}

impl ProviderTable {
    fn provider(&self) -> Result<Provider, Failure> {
        let authorities = authorities(self.ca_file.as_deref())?;
        let http = WebClient::new(authorities.as_deref()).map_err(|error| Failure::role("mob", &error))?;
        Ok(Provider::new(self.issuer.clone(), Arc::new(http), Arc::new(SystemClock)))
    }

    fn tokens(&self) -> Result<AccessTokens, Failure> {
        Ok(AccessTokens::new(self.provider()?, self.audiences.clone(), self.roles.clone()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FunderTable {
    /// The organisation.
    organisation: OrganisationId,
    /// As `[[bus.companies]]` names it, where its own system decides over the bus.
    company: Option<Company>,
    /// Its group at the provider of identities.
    group: Option<String>,
}

impl MobTable {
    /// Reads the section `[mob.clients]` of the platform's settings, again each time that it is asked for.
    pub(super) fn clients(path: PathBuf) -> ReadSettings {
        Settings::clients_of(path, &PLACES, |settings| settings.mob?.clients)
    }

    /// Who uses it.
    pub(super) fn funders(&self) -> Vec<MobFunder> {
        self.funders.iter().map(MobFunder::from).collect()
    }

    /// What verifies the provider's access tokens, where there is one.
    pub(super) fn tokens(&self) -> Result<Option<AccessTokens>, Failure> {
        self.provider.as_ref().map(ProviderTable::tokens).transpose()
    }

    /// What can be judged without asking anybody; `companies` are those of the bus.
    pub(crate) fn check(&self, companies: &[&str]) -> Result<(), String> {
        for (name, given) in [("url", Some(&self.url)), ("page_origin", self.page_origin.as_ref())] {
            let Some(given) = given else { continue };
            let origin = url::Url::parse(given).map(|url| url.origin().ascii_serialization());
            if origin.as_deref() != Ok(given.as_str()) {
                return Err(format!("mob.{name} is https://host[:port] and nothing more"));
            }
        }
        if self.provider.as_ref().is_some_and(|provider| provider.audiences.is_empty()) {
            return Err(
                "mob.provider.audiences: name for whom tokens are made, or everybody's are taken".to_owned()
            );
        }
        let accepted = DANGERS.iter().all(|danger| self.danger_accepted.iter().any(|word| word == danger));
        if !accepted || self.danger_accepted.len() != DANGERS.len() {
            return Err(format!(
                "mob.danger_accepted: this profile gives up what docs/mob-2022.md says; to have it all the same, write {DANGERS:?}"
            ));
        }
        intake::public_key(&self.key).map_err(|error| format!("mob.key: {error}"))?;
        if let Some(clients) = &self.clients {
            clients.settings(&PLACES).map_err(|why| format!("mob.{why}"))?;
        }
        if self.funders.is_empty() {
            return Err("mob.funders: nobody uses this profile".to_owned());
        }
        for funder in &self.funders {
            if let Some(company) = funder.company.as_ref().filter(|name| !companies.contains(&name.as_str()))
            {
                return Err(format!("mob.funders: {company} is none of bus.companies"));
            }
        }
        Ok(())
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The provider whose access tokens are taken: as its tokens name it, and itself.
    pub(crate) fn provider(&self) -> Result<Option<(String, Provider)>, Failure> {
        let Some(table) = &self.provider else { return Ok(None) };
        Ok(Some((table.issuer.as_str().to_owned(), table.provider()?)))
    }

    /// The host, for the platform whose schemes may name it.
    pub(crate) fn desk(&self) -> Option<IntakeDesk> {
        let key = intake::public_key(&self.key).ok()?;
        Some(IntakeDesk { url: self.url.clone(), key })
    }
}

impl From<&FunderTable> for MobFunder {
    fn from(table: &FunderTable) -> Self {
        let FunderTable { organisation, company, group } = table;
        Self { organisation: *organisation, company: company.clone(), group: group.clone() }
    }
}
