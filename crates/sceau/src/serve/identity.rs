//! Providers of identities: the section `[identity]` of the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_accounts::oidc::{
    ClientAuthentication, Http, IssuerUrl, Preset, Provider, ProviderName, ProviderSettings, Providers,
    RelyingParty, WebClient,
};
use sceau_element_api::Role;
use sceau_store::Clock;
use serde::Deserialize;

use super::secret::SecretFile;
use super::settings::authorities;
use crate::failure::Failure;

/// Who says who people are, besides the platform's own accounts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdentitySettings {
    /// In the order of their buttons.
    providers: Vec<ProviderTable>,
}

/// One provider (docs/deploy/openid-connect.md).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderTable {
    /// What it is called in addresses: 1 to 32 of a-z, 0-9 and -.
    name: ProviderName,
    /// Its ways.
    #[serde(default)]
    preset: Preset,
    /// Its own address, as its tokens name it.
    issuer: IssuerUrl,
    /// What it calls the platform.
    client_id: String,
    /// File of the secret that goes with it.
    client_secret_file: SecretFile,
    /// What its button says.
    label: Option<String>,
    /// What is asked of it.
    scopes: Option<Vec<String>>,
    /// Levels (`acr`), one of which must be reached.
    levels: Option<Vec<String>>,
    /// Means (`amr`), one of which must have been used.
    #[serde(default)]
    means: Vec<String>,
    /// Whose sessions it may begin; citizens' where nothing is said.
    roles: Option<Vec<Role>>,
    /// How the secret is shown.
    client_authentication: Option<ClientAuthentication>,
    /// Whether PKCE is used.
    pkce: Option<bool>,
    /// Authorities (PEM) to trust beside the system's.
    ca_file: Option<PathBuf>,
}

impl ProviderTable {
    fn settings(&self) -> ProviderSettings {
        let of = ProviderSettings::of(self.preset, self.name.clone(), self.client_id.clone());
        ProviderSettings {
            label: self.label.clone().unwrap_or(of.label),
            scopes: self.scopes.clone().unwrap_or(of.scopes),
            levels: self.levels.clone().unwrap_or(of.levels),
            means: self.means.clone(),
            roles: self.roles.clone().unwrap_or(of.roles),
            client_authentication: self.client_authentication.unwrap_or(of.client_authentication),
            pkce: self.pkce.unwrap_or(of.pkce),
            ..of
        }
    }

    fn provider(&self, clock: &Arc<dyn Clock>) -> Result<Provider, Failure> {
        let pem = authorities(self.ca_file.as_deref())?;
        let http =
            WebClient::new(pem.as_deref()).map_err(|error| Failure::role("identity provider", &error))?;
        let http: Arc<dyn Http> = Arc::new(http);
        Ok(Provider::new(self.issuer.clone(), http, Arc::clone(clock)))
    }
}

impl IdentitySettings {
    /// What can be judged without asking a provider.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (at, table) in self.providers.iter().enumerate() {
            let before = self.providers.get(..at).unwrap_or_default();
            if before.iter().any(|other| other.name == table.name) {
                return Err(format!("identity.providers: {} stands twice", table.name));
            }
            let settings = table.settings();
            if !settings.scopes.iter().any(|scope| scope == "openid") {
                return Err(format!("identity.providers: the scopes of {} lack openid", table.name));
            }
            if settings.client_id.is_empty() || settings.roles.is_empty() {
                return Err(format!(
                    "identity.providers: client_id and roles of {} are not empty",
                    table.name
                ));
            }
            // Who administers could give himself every other right: that needs what no provider can lend. And only these and data officers see who asked for which
            // protected data, and from where.
            let by_passkey = |role: &Role| match role {
                Role::OrganisationAdmin | Role::PlatformAdmin | Role::DataOfficer => true,
                Role::Citizen | Role::CaseOfficer | Role::Supervisor => false,
            };
            if settings.roles.iter().any(by_passkey) {
                return Err(format!(
                    "identity.providers: administrators and data officers sign in with a passkey, not by {}",
                    table.name
                ));
            }
        }
        Ok(())
    }

    /// The paths that are written in it, with their names.
    pub(crate) fn paths(&self) -> Vec<(&'static str, Option<&Path>)> {
        self.providers
            .iter()
            .flat_map(|table| {
                [
                    ("identity.providers.client_secret_file", table.client_secret_file.path()),
                    ("identity.providers.ca_file", table.ca_file.as_deref()),
                ]
            })
            .collect()
    }

    /// The providers, each with its secret. Nothing is asked of them yet.
    pub(crate) fn open(&self, clock: &Arc<dyn Clock>) -> Result<Providers, Failure> {
        let party = |table: &ProviderTable| -> Result<RelyingParty, Failure> {
            let secret = table.client_secret_file.read()?;
            Ok(RelyingParty::new(table.provider(clock)?, table.settings(), secret))
        };
        self.providers.iter().map(party).collect::<Result<_, _>>().map(Providers::new)
    }
}
